"""What every page's top bar may show about integrations."""

from collections.abc import Callable
from functools import cache

from django.http import HttpRequest

from integrations.services.notifications import count_open


def notifications(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """Give templates the number of open notifications; nothing is counted on a page that does not show it."""

    @cache
    def notification_count() -> int:
        account = getattr(request, "account", None)
        return 0 if account is None else count_open(account=account)

    return {"notification_count": notification_count}
