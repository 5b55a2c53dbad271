"""What stands in every answer (promises S2, S8) and what an unexpected error tells (S9)."""

import inspect
import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import ResolverMatch

from tests.url_table import ROUTES, is_api, make_world

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "DELETE")
# The same for everybody: they may be kept.
SHOW_NOTHING = {"admin/jsi18n/", "admin/password_change/done/", "styleguide", "styleguide/<slug:page>"}


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def browser(world):
    browser = Client(raise_request_exception=False)
    browser.force_login(world.member)
    return browser


def assert_headers(response):
    policy = dict(
        part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";") if part.strip()
    )
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert re.fullmatch("[0-9a-f]{32}", response["X-Request-Id"])


def test_S2_every_route_sends_the_headers(world, browser, client):
    for route, _, _ in ROUTES:
        address = world.address(route)
        for response in (client.get(address), browser.get(address), browser.post(address)):
            assert response.status_code != 500, route
            assert_headers(response)
            for cookie in response.cookies.values():
                if cookie["max-age"] == 0:
                    continue  # taken away, not set
                assert cookie["httponly"]
                assert cookie["samesite"] == "Lax"
        browser.force_login(world.member)  # one of the routes signs out


@pytest.mark.parametrize("address", ["/nowhere", "/client/1/nowhere", "/v4/nowhere", "/v2/nowhere"])
def test_S2_an_error_page_sends_them_too(client, address):
    response = client.get(address)
    assert response.status_code == 404
    assert_headers(response)


def test_S2_a_request_for_another_host_is_refused_with_them(client):
    response = client.get("/session/create", headers={"Host": "evil.example.com"})
    assert response.status_code == 400
    assert_headers(response)


def test_signed_in_pages_are_kept_in_no_cache(world, browser):
    """Back shows nothing after signing out (app.md 4.4)."""
    seen = 0
    for route, _, view in ROUTES:
        kind = getattr(getattr(view, "access", None), "kind", "staff")
        if kind in ("member", "signed in", "staff") and route not in SHOW_NOTHING:
            response = browser.get(world.address(route))
            if response.status_code in (200, 422):
                assert "no-store" in response["Cache-Control"], route
                seen += 1
    assert seen > 20


def raising(*args, **kwargs):
    raise RuntimeError("SELECT password FROM /srv/stitchapp WHERE secret = hush")


def own_views():
    """Yield (route, view, the function inside its decorators) for what this project wrote."""
    for route, _, view in ROUTES:
        inner = inspect.unwrap(view)
        if (
            inspect.isfunction(inner)
            and inner.__module__.split(".")[0] in ("accounts", "integrations", "stitchapp")
            and not inner.__code__.co_freevars
        ):
            yield route, view, inner


def test_S9_an_unexpected_error_tells_only_its_request_id(world, browser, monkeypatch):
    views = list(own_views())
    assert len(views) > 40
    for route, view, inner in views:
        address = world.address(route)
        headers = {}
        if view.access.kind == "token":
            secret = (world.access_token if view.access.scope == "import" else world.api_key)[1]
            headers = {"Authorization": f"Bearer {secret}"}
        with monkeypatch.context() as broken_view:
            broken_view.setattr(inner, "__code__", raising.__code__)
            answers = [browser.generic(method, address, headers=headers) for method in METHODS]
        broken = [answer for answer in answers if answer.status_code == 500]
        assert broken, (route, [answer.status_code for answer in answers])
        for answer in broken:
            assert_tells_nothing(answer, route)


def assert_tells_nothing(answer, route):
    page = answer.content.decode()
    for telling in ("SELECT", "/srv", "hush", "RuntimeError", "Traceback", ".py"):
        assert telling not in page, route
    assert_headers(answer)
    if is_api(route):
        assert answer["Content-Type"].startswith("application/json")
    else:
        assert answer["X-Request-Id"] in page


@pytest.mark.parametrize(
    ("address", "believed"), [("10.0.0.1", "https"), ("198.51.100.7", None), ("127.0.0.1", None)]
)
def test_S8_only_a_trusted_proxy_may_say_that_the_caller_used_https(rf, settings, address, believed):
    from stitchapp.middleware import RequestIdMiddleware

    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    request = rf.get("/", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR=address)
    RequestIdMiddleware(lambda request: {})(request)
    assert request.META.get("HTTP_X_FORWARDED_PROTO") == believed


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "address",
    [
        "/v2/import/status",
        "/v2/import/batch",
        "/v2/nowhere",
        "/v4/sources",
        "/v4/nowhere",
        "/v3/destinations",
        "/notifications/public/v1/api/hooks",
    ],
)
def test_S2_the_short_way_answers_like_the_long_one(settings, address, secure):
    settings.SECURE_HSTS_SECONDS = 60
    short = Client().post(address, secure=secure)
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "ShortWay" not in name]
    long = Client().post(address, secure=secure)
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert ("Strict-Transport-Security" in short) == secure
    assert dict(short.items()) | {"X-Request-Id": ""} == dict(long.items()) | {"X-Request-Id": ""}


def test_S2_a_program_that_asks_another_host_is_refused_with_the_headers(client):
    response = client.post("/v2/import/status", headers={"Host": "evil.example.com"})
    assert response.status_code == 400
    assert_headers(response)


def test_a_view_without_declared_access_is_refused_on_the_short_way_too(client, monkeypatch):
    def open_to_all(request):
        return HttpResponse("in")

    match = ResolverMatch(open_to_all, (), {}, route="v2/import/open")
    monkeypatch.setattr("stitchapp.middleware.find_route", lambda path: match)
    assert client.get("/v2/import/open").status_code == 403
