"""Who may enter each route. A view says it itself; third-party views are listed here by name (decision D20)."""

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# Pages of django-allauth that anybody may open, and Django's own. Each name is one decision.
PUBLIC_BY_NAME: frozenset[str] = frozenset({"set_language"})
SIGNED_IN_BY_NAME: frozenset[str] = frozenset()
# Django admin guards its own views; some of them have no name.
STAFF_PREFIX = "admin/"


def declared_access(view, name: str | None, route: str) -> object | None:
    """Return what the view, or the list above, declares; None where nothing does."""
    access = getattr(view, "access", None)
    if access is not None:
        return access
    if name in PUBLIC_BY_NAME:
        return "public"
    if name in SIGNED_IN_BY_NAME:
        return "signed in"
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
