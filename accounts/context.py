"""What every template may use about the person and the account."""

import functools

from django.http import HttpRequest

from accounts.switching import switch_entries


def account(request: HttpRequest) -> dict[str, object]:
    """Give templates the account of the page, if the gate set one, and those to switch to, when asked."""
    return {
        "account": getattr(request, "account", None),
        "switch_entries": functools.partial(switch_entries, request),
    }
