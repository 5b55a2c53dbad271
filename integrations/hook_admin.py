"""Staff pages of post-load hooks: neither their secrets nor what their messages say (decision D33)."""

from django.contrib import admin

from accounts.read_only_admin import ReadOnlyAdmin
from integrations.models import Delivery, Hook


@admin.register(Hook)
class HookAdmin(ReadOnlyAdmin):
    """Post-load hooks; never their secrets."""

    list_display = ["url", "account", "destination", "created_at", "disabled_at"]
    list_filter = [("disabled_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["account", "destination"]
    search_fields = ["url", "=account__client_id", "account__company_name"]
    search_help_text = "Address, client ID or company name"
    fields = ["url", "account", "destination", "created_by", "created_at", "modified_at", "disabled_at"]
    ordering = ["-created_at"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What became of the messages of post-load hooks; not what they say."""

    list_display = ["at", "account", "hook", "event", "state", "tries", "status", "milliseconds"]
    list_filter = ["state", "event", "at"]
    list_select_related = ["account", "hook"]
    search_fields = ["=account__client_id", "account__company_name", "hook__url"]
    search_help_text = "Client ID, company name or the hook’s address"
    fields = [
        "at",
        "account",
        "hook",
        "event",
        "integration_name",
        "table_name",
        "state",
        "tries",
        "replays",
        "tried_at",
        "status",
        "milliseconds",
    ]
    ordering = ["-at", "-pk"]
