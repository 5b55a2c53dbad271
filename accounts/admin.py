"""Staff pages of accounts, people, plans, keys and the audit trail. Digests and password hashes stay out."""

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from accounts import account_admin, people_admin  # noqa: F401 - they register their pages
from accounts.audit import Event
from accounts.audit_file import audit_file
from accounts.audit_lines import AuditLine
from accounts.errors import DomainError
from accounts.models import (
    ApiKey,
    ApiKeyRefusal,
    AuditEvent,
    Membership,
    Task,
    User,
)
from accounts.read_only_admin import ReadOnlyAdmin, act_with_reason
from accounts.services.api_keys import disable_api_key
from accounts.services.failed_tasks import retry_task
from accounts.services.second_factor import reset_second_factors
from accounts.services.staff_rights import change_staff_rights
from accounts.services.tasks import shown_facts
from stitchapp.server_address import server_address


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People. A superuser says here who is staff and in which groups, and lets in who lost their second factor."""

    list_display = ["email", "first_name", "last_name", "is_active", "is_staff", "date_joined", "last_login"]
    list_filter = ["is_staff", "is_active", "groups", "date_joined"]
    search_fields = ["email", "first_name", "last_name", "=memberships__account__client_id"]
    search_help_text = "E-mail address, name or the client ID of an account"
    fields = [
        "email",
        "first_name",
        "last_name",
        "is_active",
        "is_superuser",
        "date_joined",
        "last_login",
        "is_staff",
        "groups",
    ]
    ordering = ["email"]
    actions = ["reset_two_factor"]

    def has_reset_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    @admin.action(
        description="Remove two-factor authentication of the chosen people …", permissions=["reset"]
    )
    def reset_two_factor(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        def reset(person: User, reason: str) -> None:
            reset_second_factors(
                person=person, actor=request.user, reason=reason, server=server_address(request)
            )

        return act_with_reason(
            self,
            request,
            chosen.filter(authenticator__isnull=False).distinct(),
            action="reset_two_factor",
            title="Remove two-factor authentication",
            warning="These people sign in with the password alone afterwards, and are told so by mail. "
            "Make sure first that it is they who ask.",
            button="Remove",
            describe=lambda person: f"{person.get_full_name()} ({person.email})",
            act=reset,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None):
        return [field for field in self.fields if field not in ("is_staff", "groups")]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: User, form, change: bool) -> None:
        change_staff_rights(
            person=obj,
            actor=request.user,
            is_staff=form.cleaned_data["is_staff"],
            groups=form.cleaned_data["groups"],
        )

    def save_related(self, request: HttpRequest, form, formsets, change: bool) -> None:
        """The service has written the groups."""


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """The staff groups, as the migrations made them."""

    list_display = ["name"]
    fields = ["name", "permissions"]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs to which account."""

    list_display = ["user", "account", "role", "created_at", "deactivated_at", "last_used_at"]
    list_filter = ["role", ("deactivated_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "account"]
    search_fields = ["user__email", "=account__client_id", "account__company_name"]
    search_help_text = "E-mail address, client ID or company name"
    fields = ["account", "user", "role", "invoice_admin", "created_at", "deactivated_at", "last_used_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API access keys, told apart by their last four characters. Support can disable one."""

    list_display = [
        "last_four",
        "description",
        "account",
        "created_by",
        "status",
        "created_at",
        "last_used_at",
        "last_used_address",
    ]
    list_filter = [("disabled_at", admin.EmptyFieldListFilter), "account__plan", "created_at"]
    list_select_related = ["account", "created_by"]
    search_fields = ["last_four", "=account__client_id", "account__company_name", "created_by__email"]
    search_help_text = "Last four characters, client ID, company name or creator’s e-mail address"
    fields = [
        "last_four",
        "description",
        "account",
        "created_by",
        "created_at",
        "handed_to",
        "handed_until",
        "disabled_at",
        "last_used_at",
        "last_used_address",
        "last_used_client",
        "last_used_route",
    ]
    actions = ["disable"]

    @admin.display(description="Status", ordering="disabled_at")
    def status(self, key: ApiKey) -> str:
        return "Enabled" if key.is_enabled else "Disabled"

    def has_disable_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.disable_apikey")

    @admin.action(description="Disable the chosen API access keys …", permissions=["disable"])
    def disable(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> HttpResponse | None:
        def disable(key: ApiKey, reason: str) -> None:
            disable_api_key(key=key, actor=request.user, by_staff=True, reason=reason)

        return act_with_reason(
            self,
            request,
            chosen.enabled(),
            action="disable",
            title="Disable API access keys",
            warning="Requests with these keys are refused from the next one on, until a member re-enables them.",
            button="Disable",
            describe=lambda key: f"{key} “{key.description}” of {key.account}, {last_use(key)}",
            act=disable,
        )


def last_use(used: ApiKey) -> str:
    """Say when and from where a key or token was last used."""
    if used.last_used_at is None:
        return "never used"
    moment = timezone.localtime(used.last_used_at).strftime("%Y-%m-%d %H:%M (UTC)")
    return f"last used {moment} from {used.last_used_address or 'an unknown address'}"


@admin.register(ApiKeyRefusal)
class ApiKeyRefusalAdmin(ReadOnlyAdmin):
    """Refused requests with a known key, by minute."""

    list_display = ["minute", "api_key", "account", "reason", "address", "count"]
    list_filter = ["reason", "minute"]
    list_select_related = ["api_key", "account"]
    search_fields = ["api_key__last_four", "=account__client_id", "address"]
    search_help_text = "Last four characters of the key, client ID or address"
    fields = ["minute", "api_key", "account", "reason", "address", "count"]
    ordering = ["-minute"]


class EventFilter(admin.SimpleListFilter):
    """Events by what happened."""

    title, parameter_name = "event", "event"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin):
        return [(event.value, event.label) for event in Event]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.matching(event=self.value() or "")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit trail of all accounts: read, narrowed, taken away as a CSV file, never changed (promise A3)."""

    list_display = ["at", "label", "subject", "account", "actor", "by_staff", "address"]
    list_filter = [EventFilter, "by_staff", "at"]
    list_select_related = ["account", "actor"]
    search_fields = [
        "actor__email",
        "=account__client_id",
        "account__company_name",
        "object_name",
        "api_key_last_four",
        "request_id",
        "=address",
    ]
    search_help_text = (
        "E-mail address of the actor, client ID, company, object, last four characters, request ID or address"
    )
    fields = [
        "at",
        "event",
        "account",
        "actor",
        "by_staff",
        "api_key_last_four",
        "object_type",
        "object_id",
        "object_name",
        "detail",
        "address",
        "route",
        "request_id",
    ]
    actions = ["download"]

    @admin.display(description="Event", ordering="event")
    def label(self, event: AuditEvent) -> str:
        return AuditLine(event).label

    @admin.display(description="Object", ordering="object_name")
    def subject(self, event: AuditEvent) -> str:
        return AuditLine(event).subject

    @admin.action(description="Download the chosen events as a CSV file", permissions=["view"])
    def download(self, request: HttpRequest, chosen: QuerySet[AuditEvent]) -> StreamingHttpResponse:
        return audit_file(chosen, name="audit.csv")


class TaskStateFilter(admin.SimpleListFilter):
    """Tasks by where they stand."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin):
        return [("failed", "Failed for good"), ("open", "To be done"), ("trying", "Failed before")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "failed":
                return queryset.failed()
            case "open":
                return queryset.open()
            case "trying":
                return queryset.open().exclude(error="")
        return queryset


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Mails, hooks and timed work: what waits, and what was given up. Done work is not kept."""

    list_display = ["kind", "about", "account", "state", "attempts", "created_at", "due_at", "reason"]
    list_filter = [TaskStateFilter, "kind", "created_at"]
    list_select_related = ["account"]
    search_fields = ["kind", "key", "=account__client_id", "account__company_name"]
    search_help_text = "Kind, key, client ID or company name"
    fields = [
        "kind",
        "about",
        "account",
        "state",
        "created_at",
        "due_at",
        "attempts",
        "interruptions",
        "failed_at",
        "reason",
    ]
    ordering = ["-created_at", "-pk"]
    actions = ["retry"]

    @admin.display(description="What")
    def about(self, task: Task) -> str:
        told = [f"{name}: {value}" for name, value in shown_facts(task).items()]
        return ", ".join(filter(None, [task.key, *told]))

    @admin.display(description="State", ordering="failed_at")
    def state(self, task: Task) -> str:
        if task.failed_at is not None:
            return "Failed for good"
        if task.lease is not None:
            return "In hand"
        return "Will be tried again" if task.error else "Waiting"

    @admin.display(description="Last failure")
    def reason(self, task: Task) -> str:
        return task.error

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.retry_task")

    @admin.action(description="Retry the chosen failed tasks …", permissions=["retry"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Task]) -> HttpResponse | None:
        def retry(task: Task, reason: str) -> None:
            try:
                retry_task(task=task, actor=request.user, reason=reason)
            except DomainError as error:
                self.message_user(request, f"{task}: {error.message}", messages.ERROR)

        return act_with_reason(
            self,
            request,
            chosen.failed(),
            action="retry",
            title="Retry background tasks",
            warning="Each is tried again now, with all its tries before it: a mail may go out, a hook be sent.",
            button="Retry",
            describe=lambda task: f"{task.kind} {self.about(task)}: {task.error}",
            act=retry,
        )
