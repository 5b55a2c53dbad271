"""What integrations hold on a person: which of them, and which access tokens, they made."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.services.own_data import part_of_own_data
from integrations.models import AccessToken, Integration, Notification, NotificationAddress


@part_of_own_data("integrations_made")
def integrations_made(person: User) -> list[dict[str, Any]]:
    made = Integration.objects.filter(created_by=person).select_related("account").order_by("pk")
    return [
        {
            "client_id": integration.account.client_id,
            "display_name": integration.display_name,
            "schema_name": integration.schema_name,
            "created_at": integration.created_at,
            "deleted_at": integration.deleted_at,
        }
        for integration in made
    ]


@part_of_own_data("access_tokens_generated")
def access_tokens_generated(person: User) -> list[dict[str, Any]]:
    made = AccessToken.objects.filter(created_by=person).select_related("account", "integration")
    return [
        {
            "client_id": token.account.client_id,
            "integration": token.integration.display_name,
            "created_at": token.created_at,
            "revoked_at": token.revoked_at,
            "last_used_at": token.last_used_at,
        }
        for token in made.order_by("pk")
    ]


@part_of_own_data("notification_addresses_added")
def notification_addresses_added(person: User) -> list[dict[str, Any]]:
    added = NotificationAddress.objects.filter(created_by=person).select_related("account").order_by("pk")
    return [
        {
            "client_id": address.account.client_id,
            "email": address.email,
            "created_at": address.created_at,
            "confirmed_at": address.confirmed_at,
            "disabled_at": address.disabled_at,
        }
        for address in added
    ]


@part_of_own_data("notifications_dismissed")
def notifications_dismissed(person: User) -> list[dict[str, Any]]:
    dismissed = Notification.objects.filter(dismissed_by=person).select_related("account").order_by("pk")
    return [
        {
            "client_id": notification.account.client_id,
            "kind": notification.facts.name,
            "began_at": notification.began_at,
            "dismissed_at": notification.dismissed_at,
        }
        for notification in dismissed
    ]
