"""Every change needs the browser's one-time token, and each surface its own credential (promise S4)."""

import pytest
from django.test import Client

from tests.url_table import IDS, ROUTES, is_api, make_world

pytestmark = pytest.mark.django_db
PAGES = [(entry, label) for entry, label in zip(ROUTES, IDS, strict=True) if not is_api(entry[0])]
APIS = [(entry, label) for entry, label in zip(ROUTES, IDS, strict=True) if is_api(entry[0])]


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def browser(world):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.member)
    return browser


@pytest.mark.parametrize("entry", [entry for entry, _ in PAGES], ids=[label for _, label in PAGES])
def test_S4_no_page_changes_anything_without_the_csrf_token(world, browser, entry):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = browser.generic(method, world.address(entry[0]), b"description=x")
        assert response.status_code == 403
        assert "errors/csrf.html" in [template.name for template in response.templates]


@pytest.mark.parametrize("entry", [entry for entry, _ in APIS], ids=[label for _, label in APIS])
def test_S4_a_session_opens_no_api_route_and_is_not_even_read(world, browser, entry):
    route, _, view = entry
    nobody = Client(enforce_csrf_checks=True)
    for method in ("GET", "POST", "PUT", "DELETE"):
        signed_in = browser.generic(method, world.address(route))
        refused = nobody.generic(method, world.address(route))
        assert (signed_in.status_code, signed_in.content) == (refused.status_code, refused.content)
        assert "Cookie" not in signed_in.get("Vary", "")
        if view.access.kind == "token":
            assert signed_in.status_code in (401, 403, 405)


@pytest.mark.parametrize("entry", [entry for entry, _ in PAGES], ids=[label for _, label in PAGES])
def test_S4_a_bearer_secret_opens_no_page(world, entry):
    route, _, _ = entry
    address = world.address(route)
    nobody = Client().get(address)
    for secret in (world.api_key[1], world.access_token[1]):
        response = Client().get(address, headers={"Authorization": f"Bearer {secret}"})
        assert (response.status_code, response.get("Location")) == (
            nobody.status_code,
            nobody.get("Location"),
        )
