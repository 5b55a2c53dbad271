"""Staff pages of invitations, and of the programs that use people's keys."""

from django.contrib import admin

from accounts.models import ApiKeyClient, Invitation
from accounts.read_only_admin import ReadOnlyAdmin


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was invited where. What a link is made from stays out."""

    list_display = ["email", "account", "role", "invited_by", "sent_at", "expires_at", "accepted_at"]
    list_filter = [
        "role",
        ("accepted_at", admin.EmptyFieldListFilter),
        ("cancelled_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["account", "invited_by"]
    search_fields = ["email", "=account__client_id", "account__company_name"]
    search_help_text = "E-mail address, client ID or company name"
    fields = [
        "account",
        "email",
        "role",
        "invited_by",
        "created_at",
        "sent_at",
        "expires_at",
        "accepted_at",
        "cancelled_at",
    ]
    ordering = ["-sent_at"]


@admin.register(ApiKeyClient)
class ApiKeyClientAdmin(ReadOnlyAdmin):
    """Which programs use a key."""

    list_display = ["client", "api_key", "account", "first_used_at", "last_used_at", "last_used_address"]
    list_filter = ["last_used_at"]
    list_select_related = ["api_key", "account"]
    search_fields = ["client", "api_key__last_four", "=account__client_id", "last_used_address"]
    search_help_text = "Program, last four characters of the key, client ID or address"
    fields = ["client", "api_key", "account", "first_used_at", "last_used_at", "last_used_address"]
    ordering = ["-last_used_at"]
