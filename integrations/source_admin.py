"""Staff pages of integrations, what taps found in them and how their jobs ended (decision D33).

Neither properties nor credentials, bookmarks, logs nor error texts: each may quote what a source holds.
"""

from django.contrib import admin

from accounts.read_only_admin import ReadOnlyAdmin
from integrations.models import Integration, Job, SchemaChange, SelectionDraft, SourceState, Stream


@admin.register(Integration)
class IntegrationAdmin(ReadOnlyAdmin):
    """Integrations, paused and deleted ones too."""

    list_display = [
        "display_name",
        "schema_name",
        "account",
        "type",
        "state",
        "step",
        "created_at",
        "last_received_at",
    ]
    list_filter = [
        "type",
        "step",
        ("paused_at", admin.EmptyFieldListFilter),
        ("deleted_at", admin.EmptyFieldListFilter),
        "created_at",
    ]
    list_select_related = ["account"]
    search_fields = [
        "display_name",
        "schema_name",
        "=account__client_id",
        "account__company_name",
        "created_by__email",
    ]
    search_help_text = "Name, schema name, client ID, company name or creator’s e-mail address"
    fields = [
        "account",
        "type",
        "display_name",
        "schema_name",
        "destination",
        "created_by",
        "created_at",
        "updated_at",
        "paused_at",
        "system_paused_at",
        "deleted_at",
        "last_received_at",
        "step",
        "next_run_at",
    ]
    ordering = ["-created_at"]

    @admin.display(description="State")
    def state(self, integration: Integration) -> str:
        return "Deleted" if integration.deleted_at is not None else integration.status


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Connection checks and extractions."""

    list_display = [
        "created_at",
        "account",
        "integration",
        "mode",
        "trigger",
        "outcome",
        "records",
        "completed_at",
    ]
    list_filter = ["mode", "trigger", ("completed_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["account", "integration"]
    search_fields = ["=name", "=account__client_id", "account__company_name", "integration__display_name"]
    search_help_text = "Job name, client ID, company name or integration"
    fields = [
        "name",
        "account",
        "integration",
        "mode",
        "trigger",
        "started_by",
        "created_at",
        "started_at",
        "completed_at",
        "stop_asked_at",
        "stopped_by",
        "check_exit_status",
        "discovery_exit_status",
        "tap_exit_status",
        "target_exit_status",
        "records",
        "batches",
        "log_bytes",
        "log_purged_at",
    ]
    ordering = ["-created_at", "-pk"]


@admin.register(Stream)
class StreamAdmin(ReadOnlyAdmin):
    """Tables that were discovered, by number and name."""

    list_display = ["stream_name", "integration", "is_selected", "field_count", "found_at", "vanished_at"]
    list_filter = ["is_selected", ("vanished_at", admin.EmptyFieldListFilter)]
    list_select_related = ["integration"]
    search_fields = ["stream_name", "=integration__account__client_id", "integration__display_name"]
    search_help_text = "Table, client ID or integration"
    fields = [
        "integration",
        "tap_stream_id",
        "stream_name",
        "is_selected",
        "field_count",
        "found_at",
        "vanished_at",
    ]
    ordering = ["integration", "stream_name", "pk"]


@admin.register(SchemaChange)
class SchemaChangeAdmin(ReadOnlyAdmin):
    """How the latest discoveries differ from those before."""

    list_display = ["found_at", "integration", "kind", "table_name", "field_name"]
    list_filter = ["kind", "found_at"]
    list_select_related = ["integration"]
    search_fields = ["table_name", "=integration__account__client_id", "integration__display_name"]
    search_help_text = "Table, client ID or integration"
    fields = ["found_at", "integration", "kind", "table_name", "field_name", "before", "after"]
    ordering = ["-found_at", "-pk"]


@admin.register(SourceState)
class SourceStateAdmin(ReadOnlyAdmin):
    """When a source’s bookmarks were stored last, and by which job; not what they say."""

    list_display = ["integration", "updated_at", "job"]
    list_select_related = ["integration"]
    search_fields = ["=integration__account__client_id", "integration__display_name", "=job"]
    search_help_text = "Client ID, integration or job name"
    fields = ["integration", "updated_at", "job"]
    ordering = ["-updated_at"]


@admin.register(SelectionDraft)
class SelectionDraftAdmin(ReadOnlyAdmin):
    """Choices of tables that members have not finalized yet."""

    list_display = ["integration", "user", "begun_at", "version"]
    list_filter = [("begun_at", admin.EmptyFieldListFilter)]
    list_select_related = ["integration", "user"]
    search_fields = ["=integration__account__client_id", "integration__display_name", "user__email"]
    search_help_text = "Client ID, integration or member’s e-mail address"
    fields = ["integration", "user", "begun_at", "version"]
    ordering = ["-begun_at", "-pk"]
