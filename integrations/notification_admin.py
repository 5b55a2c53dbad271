"""Staff pages of what accounts are told (decision D33)."""

from django.contrib import admin

from accounts.read_only_admin import ReadOnlyAdmin
from integrations.models import Notification, NotificationAddress, NotificationContent


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


@admin.register(NotificationAddress)
class NotificationAddressAdmin(ReadOnlyAdmin):
    """The custom notification lists."""

    list_display = ["email", "account", "status", "created_by", "created_at"]
    list_filter = [
        ("confirmed_at", admin.EmptyFieldListFilter),
        ("disabled_at", admin.EmptyFieldListFilter),
        ("left_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["account", "created_by"]
    search_fields = ["email", "=account__client_id", "account__company_name"]
    search_help_text = "Address, client ID or company name"
    fields = [
        "account",
        "email",
        "created_by",
        "created_at",
        "asked_at",
        "confirmed_at",
        "left_at",
        "disabled_at",
    ]
    ordering = ["-created_at"]


@admin.register(NotificationContent)
class NotificationContentAdmin(ReadOnlyAdmin):
    """Which accounts hide error messages in mail."""

    list_display = ["account", "hide_errors", "updated_at"]
    list_filter = ["hide_errors"]
    list_select_related = ["account"]
    search_fields = ["=account__client_id", "account__company_name"]
    search_help_text = "Client ID or company name"
    fields = ["account", "hide_errors", "updated_at"]
    ordering = ["-updated_at"]
