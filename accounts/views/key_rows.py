"""The table of API access keys as Account Settings shows it (app.md 6.1)."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.urls import reverse

from accounts.models import Account, ApiKey, ApiKeyRefusal
from accounts.services.key_authentication import RefusalReason
from accounts.services.refusals import SHOWN_FOR

CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key: what the row shows, and what its menu offers."""

    key: ApiKey
    enabled: bool
    menu: list[dict[str, object]]
    refused: int
    last_refusal: ApiKeyRefusal | None
    time_is_over: bool

    @property
    def status(self) -> str:
        return "Enabled" if self.enabled else "Disabled"

    @property
    def menu_label(self) -> str:
        return f"Actions for the key ending in {self.key.last_four}"

    @property
    def last_route(self) -> str:
        """The route last used, as the API's documentation spells it: /v4/sources/{source_id}."""
        route = self.key.last_used_route
        return "/" + CONVERTER.sub(r"{\1}", route) if route else ""

    @property
    def last_reason(self) -> str:
        return RefusalReason(self.last_refusal.reason).sentence if self.last_refusal else ""


def key_rows(account: Account, *, api_access: bool, may_manage: bool, now: datetime) -> list[KeyRow]:
    """Return the rows of all keys, newest first, in two queries.

    Without API access every key counts as disabled, and so does the key of somebody who left, and one that was
    kept for a time that is over: all that can be done with it is to delete it.
    """
    recent = account.api_key_refusals.filter(minute__gt=now - SHOWN_FOR)
    keys = (
        account.api_keys.select_related("created_by", "handed_to")
        .with_owners_membership()
        .prefetch_related(Prefetch("refusals", recent.order_by("-minute", "-pk"), to_attr="recent_refusals"))
    )
    return [
        KeyRow(
            key=key,
            enabled=key.is_enabled and api_access and works(key, now),
            menu=menu_of(key, account, usable=api_access and works(key, now)) if may_manage else [],
            time_is_over=key.time_is_over(now),
            refused=sum(refusal.count for refusal in key.recent_refusals),
            last_refusal=next(iter(key.recent_refusals), None),
        )
        for key in keys
    ]


def works(key: ApiKey, now: datetime) -> bool:
    """Tell whether the key, as `key_rows` found it, opens the API when it is switched on."""
    return key.owner_is_member and not key.time_is_over(now)


def menu_of(key: ApiKey, account: Account, *, usable: bool) -> list[dict[str, object]]:
    """Return the row menu: switch off or on, where the key can be used at all, and delete."""

    def item(label: str, route: str, **more: object) -> dict[str, object]:
        url = reverse(route, kwargs={"client_id": account.client_id, "api_key_id": key.pk})
        return {"label": label, "url": url} | more

    switch = (
        item("Disable this key", "accounts:api-key-disable", method="post")
        if key.is_enabled
        else item("Re-enable this key", "accounts:api-key-enable", method="post")
    )
    delete = item("Delete this key", "accounts:api-key-delete", method="dialog", danger=True)
    return [switch, delete] if usable else [delete]
