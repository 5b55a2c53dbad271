"""Staff pages of accounts and plans: what operators set, and what a change brought with it (decision D19)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.forms.lines import LineField
from accounts.models import Account, Plan
from accounts.read_only_admin import ReadOnlyAdmin, act_with_reason
from accounts.services.company import update_company
from accounts.services.holds import Hold, hold_words, lift_hold, place_hold
from accounts.services.plan_terms import change_plan_terms, create_plan
from accounts.services.plans import change_plan

MOST_SAID = 20


class AccountForm(forms.ModelForm):
    """An account as operators change it; another plan needs a reason, which its members read."""

    reason = LineField(
        label="Reason",
        required=False,
        help_text="Needed for another plan. The account’s members read it under Activity.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "plan" in self.changed_data and not cleaned.get("reason"):
            self.add_error("reason", "Say why the plan changes.")
        return cleaned


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Operators set the plan, mend the company's name and hold an account; all of it stands in the account's trail."""

    form = AccountForm
    list_display = ["company_name", "client_id", "plan", "region", "hold", "trial_ends_at", "created_at"]
    list_filter = [
        "plan",
        "region",
        ("destinations_held_at", admin.EmptyFieldListFilter),
        ("staff_held_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    list_select_related = ["plan"]
    search_fields = ["=client_id", "company_name", "memberships__user__email"]
    search_help_text = "Client ID, company name or a member’s e-mail address"
    fields = [
        "client_id",
        "company_name",
        "region",
        "plan",
        "reason",
        "trial_started_at",
        "trial_ends_at",
        "trial_ended_at",
        "period_anchor",
        "reports_begin_at",
        "destinations_held_at",
        "staff_held_at",
        "staff_hold_reason",
        "two_factor_required_at",
        "closed_at",
        "deletes_at",
        "deleted_at",
        "created_at",
    ]
    changed = ("company_name", "plan", "reason")
    actions = ["place_hold", "lift_hold"]

    def get_fields(self, request: HttpRequest, obj: Model | None = None):
        changes = self.has_change_permission(request, obj)
        return [field for field in self.fields if changes or field != "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None):
        return [field for field in self.fields if field not in self.changed]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("accounts.change_account")

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.hold_account")

    @admin.display(description="On hold")
    def hold(self, account: Account) -> str:
        return " ".join(hold_words(account)) or "No"

    def save_model(self, request: HttpRequest, obj: Account, form, change: bool) -> None:
        account = Account.objects.get(pk=obj.pk)
        if "plan" in form.changed_data:
            done = change_plan(
                account=account,
                actor=request.user,
                plan=obj.plan,
                by_staff=True,
                reason=form.cleaned_data["reason"],
            )
            say(self, request, done)
        if "company_name" in form.changed_data:
            update_company(account=account, actor=request.user, company_name=obj.company_name, by_staff=True)

    @admin.action(description="Put the chosen accounts on hold …", permissions=["hold"])
    def place_hold(self, request: HttpRequest, chosen: QuerySet[Account]) -> HttpResponse | None:
        def hold(account: Account, reason: str) -> None:
            place_hold(account=account, hold=Hold.STAFF, actor=request.user, by_staff=True, reason=reason)

        return act_with_reason(
            self,
            request,
            chosen.filter(staff_held_at=None),
            action="place_hold",
            title="Put accounts on hold",
            warning="Nothing is loaded for them until the hold is lifted; what programs send is accepted and waits. "
            "Their members are told by mail, with the reason.",
            button="Put on hold",
            describe=str,
            act=hold,
        )

    @admin.action(description="Lift the hold of the chosen accounts …", permissions=["hold"])
    def lift_hold(self, request: HttpRequest, chosen: QuerySet[Account]) -> HttpResponse | None:
        def lift(account: Account, reason: str) -> None:
            lift_hold(account=account, hold=Hold.STAFF, actor=request.user, by_staff=True, reason=reason)

        return act_with_reason(
            self,
            request,
            chosen.exclude(staff_held_at=None),
            action="lift_hold",
            title="Lift the hold of accounts",
            warning="What waits is loaded, unless an account is also on hold for its destinations. Their members are "
            "told by mail.",
            button="Lift the hold",
            describe=lambda account: f"{account}, on hold because: {account.staff_hold_reason}",
            act=lift,
        )


def say(model_admin: admin.ModelAdmin, request: HttpRequest, done: list[str]) -> None:
    """Tell staff what a change brought with it."""
    for sentence in done[:MOST_SAID]:
        model_admin.message_user(request, sentence, messages.INFO)
    if len(done) > MOST_SAID:
        model_admin.message_user(
            request, f"And {len(done) - MOST_SAID} more: see the audit events.", messages.INFO
        )


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """What each plan sells. A change holds at once for all accounts on it, with everything that it brings."""

    list_display = [
        "name",
        "sold",
        "price_usd",
        "trial_days",
        "rows_per_month",
        "max_members",
        "max_destinations",
        "max_integration_types",
        "api_access",
    ]
    fields = [field.name for field in Plan._meta.fields if field.name != "id"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None):
        return ["slug"] if obj is not None else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_plan")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("accounts.change_plan")

    def save_model(self, request: HttpRequest, obj: Plan, form, change: bool) -> None:
        if change:
            terms = {name: form.cleaned_data[name] for name in form.changed_data}
            say(self, request, change_plan_terms(plan=obj, actor=request.user, terms=terms))
        else:
            obj.pk = create_plan(actor=request.user, terms=form.cleaned_data).pk
