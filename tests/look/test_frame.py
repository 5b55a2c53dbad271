"""The frame that every page has."""

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from stitchapp.errors import error_page
from tests.factories import make_member


@pytest.mark.django_db
def test_K32_every_page_offers_help_and_feedback(client):
    html = client.get("/styleguide/empty").content.decode()
    footer = html[html.index("<footer") :]
    assert "Help and feedback" in footer
    assert client.get("/docs/help").status_code == 200
    assert 'href="/docs/help"' in footer


@pytest.mark.django_db
def test_K15_the_user_menu_leads_to_the_settings(rf):
    person = make_member()
    request = rf.get("/")
    request.user, request.account = person, person.memberships.get().account
    html = render_to_string("components/top_bar.html", {"product_name": "Stitch"}, request)
    base = f"/client/{request.account.client_id}/account"
    for label, url in {
        "Manage Account Settings": f"{base}/settings",
        "Edit User Settings": f"{base}/profile",
        "Billing": f"{base}/billing",
    }.items():
        assert f'<a class="menu-item" href="{url}">{label}</a>' in html
    assert 'action="/session/end"' in html
    assert person.email in html


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_S9_an_error_page_needs_no_database(status):
    """Any query would fail this test: it has no database."""
    response = error_page(RequestFactory().get("/somewhere"), status)
    assert response.status_code == status
    assert "Stitch - " in response.content.decode()


def test_htmx_is_configured_once_and_strictly(client, db):
    html = client.get("/styleguide/empty").content.decode()
    assert html.count("htmx-config") == 1
    for setting in ('"includeIndicatorStyles": false', '"historyCacheSize": 0', '"allowEval": false'):
        assert setting in html
    assert '{"code": "422", "swap": true}' in html
    assert html.count("X-CSRFToken") == 1
