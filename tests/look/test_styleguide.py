"""The living page of every component (issue B)."""

import re

import pytest
from django.test import override_settings

from stitchapp.views import STYLEGUIDE_PAGES
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", sorted(STYLEGUIDE_PAGES))
def test_every_sample_page_renders_without_inline_style_or_script(client, page):
    response = client.get(f"/styleguide/{page}")
    html = response.content.decode()
    assert response.status_code == 200
    assert " style=" not in html
    assert "<script>" not in html
    assert "{#" not in html
    assert "{%" not in html


def test_an_unknown_sample_page_is_not_found(client):
    assert client.get("/styleguide/nothing").status_code == 404


@override_settings(DEVELOPMENT=False)
def test_outside_development_it_is_for_staff(client):
    assert client.get("/styleguide").url.startswith("/session/create?next=")
    client.force_login(make_member())
    assert client.get("/styleguide").status_code == 403
    client.force_login(make_member(is_staff=True))
    assert client.get("/styleguide").status_code == 200


def test_a_dialog_is_a_page_and_a_panel(client):
    """S10: what htmx opens as a dialog is a page of its own without scripts."""
    page = without_tokens(client.get("/styleguide/dialog"))
    panel = without_tokens(client.get("/styleguide/dialog", headers={"HX-Request": "true"}))
    assert page.startswith("<!DOCTYPE html>")
    assert panel.startswith("<dialog")
    assert panel in page


def without_tokens(response) -> str:
    """Return the markup without the form tokens, which differ from answer to answer."""
    return re.sub(r'value="\w{64}"', "", response.content.decode()).strip()
