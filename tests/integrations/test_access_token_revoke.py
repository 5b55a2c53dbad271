"""Revoking an API access token (app.md 9.5, core guide 2)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from tests.factories import make_access_token, make_integration
from tests.integrations.conftest import page, text_of


@pytest.fixture
def settings_url(integration):
    return page(integration, "settings")


def test_T29_revoke_asks_first_and_says_what_it_breaks(browser, integration):
    token, _ = make_access_token(
        integration,
        created_at=datetime(2018, 2, 12, 19, 29, tzinfo=UTC),
        last_used_at=timezone.now() - timedelta(minutes=5),
        last_used_address="203.0.113.7",
        last_used_client="curl/8.5",
    )
    make_access_token(integration)
    url = page(integration, f"tokens/{token.pk}/revoke")
    full, dialog = browser.get(url), browser.get(url, headers={"HX-Request": "true"})
    for response in (full, dialog):
        text = text_of(response)
        assert "Revoke this API access token?" in text
        assert "It was generated February 12th, 2018 7:29pm (UTC) by Ann" in text
        assert "It was last used 5 minutes ago from 203.0.113.7 by curl/8.5." in text
        assert "will be refused with 401" in text
        assert "data will stop arriving" not in text
    assert dialog.content.decode().lstrip().startswith("<dialog")
    assert token in integration.access_tokens.active()


def test_revoking_the_last_token_warns_more_strongly(browser, integration):
    token, _ = make_access_token(integration)
    text = text_of(browser.get(page(integration, f"tokens/{token.pk}/revoke")))
    assert "Revoke the only API access token?" in text
    assert "This integration has no other token: data will stop arriving." in text
    assert "It was never used." in text


def test_T07_T34_revoking_takes_the_row_away_and_the_other_token_stays(browser, integration, settings_url):
    old, _ = make_access_token(integration, created_at=datetime(2018, 2, 12, 19, 29, tzinfo=UTC))
    new, _ = make_access_token(integration)
    response = browser.post(page(integration, f"tokens/{old.pk}/revoke"), follow=True)
    assert response.redirect_chain == [(settings_url, 302)]
    assert "The API access token was revoked." in text_of(response)
    assert "February 12th, 2018" not in text_of(response)
    assert list(integration.access_tokens.active()) == [new]
    assert not re.search(r"<button[^>]*\bdisabled\b[^>]*>\s*Generate Token", response.content.decode())
    assert AuditEvent.objects.filter(event="access_token.revoked").count() == 1


def test_revoking_twice_is_told_and_changes_nothing(browser, integration):
    token, _ = make_access_token(integration)
    url = page(integration, f"tokens/{token.pk}/revoke")
    browser.post(url)
    assert "was revoked already" in text_of(browser.post(url, follow=True))
    assert browser.get(url).status_code == 404
    assert AuditEvent.objects.filter(event="access_token.revoked").count() == 1


def test_T09_a_token_is_found_under_its_own_integration_only(browser, account, integration):
    token, _ = make_access_token(integration)
    other = make_integration(account)
    assert browser.post(page(other, f"tokens/{token.pk}/revoke")).status_code == 404
    assert token in integration.access_tokens.active()
