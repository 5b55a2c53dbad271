"""Who may enter each route. A view says it itself; the admin, which is not ours, is named here (decision D20)."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# Django admin guards its own views; some of them have no name.
STAFF_PREFIX = "admin/"


def declared_access(view, route: str) -> object | None:
    """Return what the view declares, or what holds for the admin's; None where nothing does."""
    access = getattr(view, "access", None)
    if access is not None:
        return access
    return "staff" if route.startswith(STAFF_PREFIX) else None


def every_route() -> Iterator[tuple[str, str | None, object]]:
    """Yield (route, name, view) for all of the URL table, namespaces joined as reverse() spells them."""
    yield from _walk(get_resolver().url_patterns, "", "")


def _walk(patterns, prefix: str, namespace: str) -> Iterator[tuple[str, str | None, object]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, route, inner)
        elif isinstance(pattern, URLPattern):
            yield route, f"{namespace}{pattern.name}" if pattern.name else None, pattern.callback
