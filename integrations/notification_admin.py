"""Staff pages of what accounts are told (decision D33)."""

from django.contrib import admin

from accounts.read_only_admin import ReadOnlyAdmin
from integrations.models import Notification


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What an account's people are told. The error itself is for them alone: it may quote a record."""

    list_display = ["kind", "account", "integration", "destination", "began_at", "latest_at", "cleared_at"]
    list_filter = ["kind", ("cleared_at", admin.EmptyFieldListFilter), "began_at"]
    list_select_related = ["account", "integration", "destination"]
    search_fields = ["=account__client_id", "account__company_name", "integration__display_name"]
    search_help_text = "Client ID, company name or integration"
    fields = [
        "account",
        "kind",
        "integration",
        "destination",
        "table_name",
        "occurrences",
        "began_at",
        "latest_at",
        "mail_due_at",
        "mailed_at",
        "dismissed_at",
        "dismissed_by",
        "cleared_at",
    ]
    ordering = ["-latest_at"]
