"""What every template may use about the person and the account."""

import functools

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.services.account_notices import account_notices
from accounts.switching import switch_entries


def account(request: HttpRequest) -> dict[str, object]:
    """Give templates the account of the page, if the gate set one, and those to switch to, when asked."""
    return {
        "account": getattr(request, "account", None),
        "account_notices": functools.partial(notice_entries, request),
        "switch_entries": functools.partial(switch_entries, request),
    }


def notice_entries(request: HttpRequest) -> list[dict[str, str]]:
    """Return what stands on top of every page of the account, with where it leads; it asks no database."""
    account = getattr(request, "account", None)
    if account is None or not request.user.is_authenticated:
        return []
    return [
        {
            "lead": notice.lead,
            "text": notice.text,
            "link": notice.link,
            "url": reverse(notice.route, kwargs={"client_id": account.client_id}),
        }
        for notice in account_notices(account, now=timezone.now())
    ]
