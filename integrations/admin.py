"""Staff pages of integrations, tokens, the queue and loads: metadata only (decision D33).

No body, preview, digest or warehouse credential is among the columns, and no error text either: a loader's error may
quote a record.
"""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin import last_use
from accounts.read_only_admin import ReadOnlyAdmin, act_with_reason
from integrations import (
    hook_admin,  # noqa: F401 - the pages of post-load hooks
    notification_admin,  # noqa: F401 - its pages, too, are the admin's
    source_admin,  # noqa: F401 - and those of sources that taps read
)
from integrations.models import (
    AccessToken,
    AccessTokenRefusal,
    Batch,
    BatchTable,
    DailyRows,
    Destination,
    FreeWeek,
    Load,
    LoadedTable,
    QueuedTable,
    ReceivedRequest,
    RequestDay,
)
from integrations.services.access_tokens import revoke_access_token

OF_INTEGRATION = ["=account__client_id", "account__company_name", "integration__display_name"]
OF_INTEGRATION_HELP = "Client ID, company name or integration"


@admin.register(Destination)
class DestinationAdmin(ReadOnlyAdmin):
    """Warehouses."""

    list_display = ["display_name", "type", "account", "created_at", "deleted_at"]
    list_filter = ["type"]
    list_select_related = ["account"]
    search_fields = ["display_name", "=account__client_id", "account__company_name"]
    search_help_text = "Name, client ID or company name"
    fields = [
        "account",
        "type",
        "display_name",
        "description",
        "host",
        "port",
        "database",
        "ssl",
        "checked_at",
        "created_at",
        "updated_at",
        "deleted_at",
    ]
    ordering = ["-created_at"]


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """Import API access tokens. Support can revoke one."""

    list_display = [
        "id",
        "integration",
        "account",
        "created_by",
        "status",
        "created_at",
        "last_used_at",
        "last_used_address",
    ]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["account", "integration", "created_by"]
    search_fields = [
        "=id",
        "=account__client_id",
        "account__company_name",
        "created_by__email",
        "integration__display_name",
    ]
    search_help_text = "Token ID, client ID, company name, creator’s e-mail address or integration"
    fields = [
        "id",
        "integration",
        "account",
        "created_by",
        "created_at",
        "revoked_at",
        "revoked_by",
        "last_used_at",
        "last_used_address",
        "last_used_client",
        "last_used_route",
    ]
    ordering = ["-created_at"]
    actions = ["revoke"]

    @admin.display(description="Status", ordering="revoked_at")
    def status(self, token: AccessToken) -> str:
        return "Active" if token.is_active else "Revoked"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.revoke_accesstoken")

    @admin.action(description="Revoke the chosen Import API access tokens …", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[AccessToken]) -> HttpResponse | None:
        def revoke(token: AccessToken, reason: str) -> None:
            revoke_access_token(token=token, actor=request.user, by_staff=True, reason=reason)

        return act_with_reason(
            self,
            request,
            chosen.active(),
            action="revoke",
            title="Revoke Import API access tokens",
            warning="Programs that send data with these tokens are refused from the next request on. "
            "There is no undo: a member must generate another token.",
            button="Revoke",
            describe=lambda token: f"{token} of {token.integration}, {token.account}, {last_use(token)}",
            act=revoke,
        )


@admin.register(AccessTokenRefusal)
class AccessTokenRefusalAdmin(ReadOnlyAdmin):
    """Refused requests with a known token, by minute."""

    list_display = ["minute", "token", "account", "reason", "address", "count"]
    list_filter = ["reason", "minute"]
    list_select_related = ["token", "account"]
    search_fields = ["=token__id", "=account__client_id", "=address"]
    search_help_text = "Token ID, client ID or address"
    fields = ["minute", "token", "account", "reason", "address", "count"]
    ordering = ["-minute"]


@admin.register(Load)
class LoadAdmin(ReadOnlyAdmin):
    """Attempts to load a table."""

    list_display = ["finished_at", "account", "integration", "table_name", "status", "received", "rows"]
    list_filter = ["status", "finished_at"]
    list_select_related = ["account", "integration"]
    search_fields = [*OF_INTEGRATION, "table_name"]
    search_help_text = f"{OF_INTEGRATION_HELP}, or table"
    fields = [
        "account",
        "integration",
        "table_name",
        "started_at",
        "finished_at",
        "status",
        "attempts",
        "batches",
        "received",
        "inserted",
        "updated",
        "superseded",
        "rejected",
        "rows",
        "new_columns",
        "last_received_at",
    ]
    ordering = ["-finished_at"]


@admin.register(LoadedTable)
class LoadedTableAdmin(ReadOnlyAdmin):
    """Tables in the destinations: their columns and counts, not their rows."""

    list_display = ["name", "account", "integration", "row_count", "last_loaded_at"]
    list_select_related = ["account", "integration"]
    search_fields = [*OF_INTEGRATION, "name"]
    search_help_text = f"{OF_INTEGRATION_HELP}, or table"
    fields = [
        "account",
        "integration",
        "name",
        "root",
        "columns",
        "row_count",
        "first_loaded_at",
        "last_loaded_at",
    ]
    ordering = ["-last_loaded_at"]


@admin.register(DailyRows)
class DailyRowsAdmin(ReadOnlyAdmin):
    """Rows loaded, by table and UTC day."""

    list_display = ["day", "account", "integration", "table_name", "rows", "free_rows"]
    list_filter = ["day"]
    list_select_related = ["account", "integration"]
    search_fields = [*OF_INTEGRATION, "table_name"]
    search_help_text = f"{OF_INTEGRATION_HELP}, or table"
    fields = ["day", "account", "integration", "table_name", "rows", "free_rows"]
    ordering = ["-day"]


@admin.register(FreeWeek)
class FreeWeekAdmin(ReadOnlyAdmin):
    """Which schema names had their seven free days, and when."""

    list_display = ["schema_name", "account", "began_at", "ends_at"]
    list_filter = ["began_at"]
    list_select_related = ["account"]
    search_fields = ["=account__client_id", "account__company_name", "schema_name"]
    search_help_text = "Client ID, company name or schema name"
    fields = ["account", "schema_name", "began_at", "ends_at"]
    ordering = ["-began_at"]


class QueueAdmin(ReadOnlyAdmin):
    """What the queue's own database names by number, with links to the account and the integration."""

    search_fields = ["=account_id", "=integration_id"]
    search_help_text = "Number of an account or an integration, as in their addresses here"

    @admin.display(description="Account", ordering="account_id")
    def account(self, queued: Model) -> str:
        return link("admin:accounts_account_change", queued.account_id)

    @admin.display(description="Integration", ordering="integration_id")
    def integration(self, queued: Model) -> str:
        return link("admin:integrations_integration_change", queued.integration_id)


def link(route: str, pk: int) -> str:
    """Return a link to a staff page of another model."""
    return format_html('<a href="{}">{}</a>', reverse(route, args=[pk]), pk)


@admin.register(Batch)
class BatchAdmin(QueueAdmin):
    """Accepted requests: how much came when, never what."""

    list_display = ["receipt", "received_at", "account", "integration", "kind", "records", "size"]
    list_filter = ["kind", "received_at"]
    fields = [
        "receipt",
        "account",
        "integration",
        "token_id",
        "kind",
        "request_id",
        "received_at",
        "records",
        "size",
    ]
    ordering = ["-pk"]


@admin.register(QueuedTable)
class QueuedTableAdmin(QueueAdmin):
    """Tables in the queue: who holds them, and since when they fail."""

    list_display = ["table_name", "account", "integration", "attempts", "not_before", "failing_since"]
    list_filter = ["error_scope", ("failing_since", admin.EmptyFieldListFilter)]
    fields = [
        "account",
        "integration",
        "table_name",
        "leased_until",
        "claimed_at",
        "attempts",
        "not_before",
        "error_scope",
        "failing_since",
    ]
    ordering = ["-pk"]


@admin.register(BatchTable)
class BatchTableAdmin(QueueAdmin):
    """Each table's share of an accepted request, and what became of its records."""

    list_display = ["id", "account", "integration", "table_name", "records", "state", "loaded_at"]
    list_filter = ["state"]
    fields = [
        "account",
        "integration",
        "table_name",
        "records",
        "state",
        "not_before",
        "inserted",
        "updated",
        "superseded",
        "rejected",
        "loading_at",
        "loaded_at",
    ]
    ordering = ["-pk"]


@admin.register(ReceivedRequest)
class ReceivedRequestAdmin(QueueAdmin):
    """The newest requests with known tokens, and how they were answered; not where in a body a fault was."""

    list_display = [
        "at",
        "account",
        "integration",
        "token_id",
        "endpoint",
        "status",
        "reason",
        "records",
        "size",
    ]
    list_filter = ["endpoint", "status", "at"]
    search_fields = [*QueueAdmin.search_fields, "=token_id", "=request_id", "=address"]
    search_help_text = "Number of an account, an integration or a token, request ID or address"
    fields = [
        "at",
        "account",
        "integration",
        "token_id",
        "address",
        "client",
        "endpoint",
        "tables",
        "records",
        "size",
        "status",
        "reason",
        "microseconds",
        "receipt",
        "request_id",
    ]
    ordering = ["-pk"]


@admin.register(RequestDay)
class RequestDayAdmin(QueueAdmin):
    """All requests with known tokens, by integration and UTC day."""

    list_display = ["day", "account", "integration", "accepted", "refused", "failed", "records", "size"]
    list_filter = ["day"]
    fields = ["day", "account", "integration", "accepted", "refused", "failed", "records", "size"]
    ordering = ["-pk"]
