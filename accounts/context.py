"""What every template may use about the person and the account."""

from django.http import HttpRequest

from accounts.models import Account


def account(request: HttpRequest) -> dict[str, Account | None]:
    """Give templates the account of the page, if the gate set one."""
    return {"account": getattr(request, "account", None)}
