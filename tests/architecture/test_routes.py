"""Every route declares its access (house style 5)."""

import pytest

from stitchapp.routes import declared_access, every_route

ROUTES = [(route, name, view) for route, name, view in every_route()]


@pytest.mark.parametrize(("route", "name", "view"), ROUTES, ids=[route or "/" for route, _, _ in ROUTES])
def test_every_route_declares_its_access(route, name, view):
    assert declared_access(view, route) is not None, f"{route} ({name}) declares no access"


def test_an_undeclared_view_is_refused(rf):
    from django.core.exceptions import PermissionDenied

    from stitchapp.middleware import DeclaredAccessMiddleware

    request = rf.get("/nowhere")
    request.resolver_match = type("Match", (), {"route": "nowhere", "view_name": "nowhere"})()
    with pytest.raises(PermissionDenied):
        DeclaredAccessMiddleware(lambda request: None).process_view(request, lambda request: None, (), {})
