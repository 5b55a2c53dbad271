"""Every change needs the browser's one-time token, and each surface its own credential (promise S4)."""

import pytest
from django.test import Client

from tests.url_table import ROUTES, is_api, make_world

pytestmark = pytest.mark.django_db
PAGES = [route for route, _, _ in ROUTES if not is_api(route)]


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def browser(world):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.member)
    return browser


def test_S4_no_page_changes_anything_without_the_csrf_token(world, browser):
    for route in PAGES:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = browser.generic(method, world.address(route), b"description=x")
            assert response.status_code == 403, route
            assert "errors/csrf.html" in [template.name for template in response.templates], route


def test_S4_a_session_opens_no_api_route_and_is_not_even_read(world, browser):
    nobody = Client(enforce_csrf_checks=True)
    for route, _, view in ROUTES:
        if not is_api(route):
            continue
        for method in ("GET", "POST", "PUT", "DELETE"):
            signed_in = browser.generic(method, world.address(route))
            refused = nobody.generic(method, world.address(route))
            assert (signed_in.status_code, signed_in.content) == (refused.status_code, refused.content)
            assert "Cookie" not in signed_in.get("Vary", "")
            if view.access.kind == "token":
                assert signed_in.status_code in (401, 403, 405), route


def test_S4_a_bearer_secret_opens_no_page(world):
    for route in PAGES:
        address = world.address(route)
        nobody = Client().get(address)
        for secret in (world.api_key[1], world.access_token[1]):
            response = Client().get(address, headers={"Authorization": f"Bearer {secret}"})
            assert response.status_code == nobody.status_code, route
            assert response.get("Location") == nobody.get("Location"), route
