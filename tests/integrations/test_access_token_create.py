"""The API Access Tokens section, and generating a second token (app.md 9.5, core guide 2)."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.models import AccessToken, AccessTokenRefusal
from tests.factories import make_access_token
from tests.integrations.conftest import page, queries_of, text_of

TOKEN = re.compile(r"at_stitch[0-9A-Za-z]{46}")


@pytest.fixture
def settings_url(integration):
    return page(integration, "settings")


@pytest.fixture
def create_url(integration):
    return page(integration, "tokens")


def test_T25_T26_T27_T28_the_section_lies_where_the_guide_says(browser, account, integration, settings_url):
    dashboard = browser.get(f"/client/{account.client_id}/pipeline/connections").content.decode()
    assert f'href="{page(integration, "summary")}"' in dashboard
    details = browser.get(page(integration, "summary"))
    assert "<title>Stitch - Integration Details</title>" in details.content.decode()
    assert re.search(rf'href="{settings_url}"[^>]*>\s*Settings\s*<', details.content.decode())
    assert "API Access Tokens" in text_of(browser.get(settings_url))


def test_T30_two_tokens_oldest_first_with_the_exact_date_and_the_button_off(
    browser, integration, settings_url
):
    make_access_token(integration, created_at=datetime(2019, 2, 4, 21, 38, tzinfo=UTC))
    make_access_token(integration, created_at=datetime(2018, 2, 12, 19, 29, tzinfo=UTC))
    response = browser.get(settings_url)
    text = text_of(response)
    first, second = "February 12th, 2018 7:29pm (UTC)", "February 4th, 2019 9:38pm (UTC)"
    assert first in text
    assert text.index(first) < text.index(second)
    assert (
        "You can generate up to two API access tokens. If your access token has been lost or compromised, "
        "you should generate a replacement and then revoke the old token. Active API access tokens, oldest "
        "first Date Created"
    ) in text
    assert len(re.findall("data-token-row", response.content.decode())) == 2
    assert re.search(r"<button[^>]*\bdisabled\b[^>]*>\s*Generate Token", response.content.decode())


def test_no_active_tokens(browser, settings_url):
    text = text_of(browser.get(settings_url))
    assert "No active tokens" in text


def test_T03_T24_T33_the_section_advises_how_to_replace_a_token(browser, settings_url):
    response = browser.get(settings_url)
    assert "put it into your application, and revoke the old one" in text_of(response)
    assert "send them again with a valid one" in text_of(response)
    assert 'href="/docs/developers/import-api/api"' in response.content.decode()


def test_last_use_and_refusals_are_shown(browser, account, integration, settings_url):
    now = timezone.now()
    token, _ = make_access_token(
        integration,
        last_used_at=now - timedelta(minutes=20),
        last_used_address="203.0.113.7",
        last_used_client="target-stitch/4.0.3",
        last_used_route="v2/import/batch",
    )
    make_access_token(integration)
    AccessTokenRefusal.objects.create(
        account=account, token=token, minute=now, reason="paused", address="203.0.113.9", count=12
    )
    text = text_of(browser.get(settings_url))
    assert "Last used 20 minutes ago from 203.0.113.7 by target-stitch/4.0.3" in text
    assert "Never used" in text
    assert (
        "Refused 12 times in the last 7 days, most recently just now from 203.0.113.9: The integration is paused."
    ) in text


def test_T33_a_revoked_token_that_is_still_used_is_told(browser, account, integration, settings_url):
    now = timezone.now()
    token, _ = make_access_token(
        integration,
        created_at=datetime(2018, 2, 12, 19, 29, tzinfo=UTC),
        revoked_at=now - timedelta(hours=3),
    )
    assert "A program still sends" not in text_of(browser.get(settings_url))
    for ago, count in ((timedelta(minutes=5), 2), (timedelta(hours=1), 1_000), (timedelta(days=8), 9)):
        AccessTokenRefusal.objects.create(
            account=account, token=token, minute=now - ago, reason="revoked", count=count
        )
    text = text_of(browser.get(settings_url))
    assert (
        "A program still sends with a revoked token, the one of February 12th, 2018 7:29pm (UTC) , revoked "
        "3 hours ago . Refused 1,002 times in the last 7 days, most recently 5 minutes ago : The token was "
        "revoked. Its rows are not stored: give it a valid token and send them again."
    ) in text
    assert "No active tokens" in text


def test_as_many_queries_for_two_tokens_and_three_revoked_ones_as_for_one(
    browser, account, integration, settings_url
):
    def refused(**fields):
        token, _ = make_access_token(integration, **fields)
        AccessTokenRefusal.objects.create(
            account=account, token=token, minute=timezone.now(), reason="revoked", count=1
        )

    refused()
    refused(revoked_at=timezone.now())
    browser.get(settings_url)
    one = queries_of(browser, settings_url)
    refused()
    refused(revoked_at=timezone.now())
    refused(revoked_at=timezone.now())
    assert queries_of(browser, settings_url) == one


def test_T02_T22_T32_a_second_token_is_generated_and_shown_once(browser, integration, create_url):
    make_access_token(integration)
    response = browser.post(create_url, {"form_id": str(uuid.uuid4())})
    (secret,) = set(TOKEN.findall(response.content.decode()))
    assert (response.status_code, "no-store" in response["Cache-Control"]) == (200, True)
    assert "Generated API Token" in text_of(response)
    assert f'href="{page(integration, "settings")}"' in response.content.decode()
    assert integration.access_tokens.active().count() == 2
    later = browser.get(create_url, follow=True)
    assert later.redirect_chain == [(page(integration, "settings"), 302)]
    assert secret not in later.content.decode()


def test_T31_the_server_refuses_a_third_even_past_the_button(browser, integration, create_url):
    make_access_token(integration)
    make_access_token(integration)
    response = browser.post(create_url, {"form_id": str(uuid.uuid4())}, follow=True)
    assert "This integration has two active API access tokens." in text_of(response)
    assert AccessToken.objects.count() == 2


def test_P5_a_button_pressed_twice_generates_one_token_and_shows_it_once(browser, integration, create_url):
    sent = {"form_id": str(uuid.uuid4())}
    (secret,) = set(TOKEN.findall(browser.post(create_url, sent).content.decode()))
    again = browser.post(create_url, sent, follow=True)
    assert "One token was generated and shown the first time." in text_of(again)
    assert secret not in again.content.decode()
    assert AccessToken.objects.count() == 1


def test_one_query_count_for_one_and_two_tokens(browser, integration, settings_url):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        with CaptureQueriesContext(connection) as queries:
            browser.get(settings_url)
        return len(queries)

    make_access_token(integration)
    browser.get(settings_url)
    one = count()
    make_access_token(integration)
    assert count() == one


def test_P12_an_old_sign_in_generates_and_revokes_nothing(browser, integration, create_url):
    token, _ = make_access_token(integration)
    session = browser.session
    session["signed_in_at"] = 0
    session.save()
    revoke_url = page(integration, f"tokens/{token.pk}/revoke")
    assert browser.get(revoke_url)["Location"].startswith("/session/confirm?next=")
    for url in (create_url, revoke_url):
        asked = browser.post(url, {"form_id": str(uuid.uuid4())})
        assert asked.status_code == 422
        assert not TOKEN.search(asked.content.decode())
    assert list(integration.access_tokens.active()) == [token]
    again = browser.post(create_url, {"password_again": "wrong", "form_id": str(uuid.uuid4())})
    assert again.status_code == 422
    assert integration.access_tokens.count() == 1
