"""Notification Settings: the custom list, who may be mailed, and what mails may hold (app.md 12.4)."""

import re
import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.signing import TimestampSigner
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import NotificationAddress, NotificationContent
from integrations.services import notification_addresses as addresses
from tests.factories import make_account, make_member, make_notification_address
from tests.integrations.conftest import queries_of, text_of
from tests.mailbox import sent_mails

WORDS = "Required. Must be valid email address format."


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/account/notifications"


def add(browser, url, email):
    return browser.post(f"{url}/emails/new", {"email": email})


def link_of(mail) -> str:
    return "/" + mail.body.split("Confirm: ")[1].split()[0].split("/", 3)[3]


def events(name):
    return AuditEvent.objects.filter(event=name)


def test_the_tab_stands_between_members_and_billing(browser, url):
    response = browser.get(url)
    assert "No custom notification addresses yet" in text_of(response)
    tabs = [tab["label"] for tab in response.context["settings_tabs"]]
    assert tabs.index("Members") < tabs.index("Notification Settings") < tabs.index("Billing")
    assert re.search(r'aria-current="page">\s*Notification Settings', response.content.decode())


def test_the_field_opens_and_an_address_is_saved_and_asked(browser, account, member, url):
    opened = text_of(browser.get(f"{url}/emails/new"))
    assert "Save Email" in opened
    response = add(browser, url, " List@Example.com ")
    assert (response.status_code, response["Location"]) == (302, url)
    text = text_of(browser.get(url))
    assert "list@example.com" in text
    assert "Waiting for confirmation" in text
    assert f"by {member.email}" in text
    [mail] = sent_mails()
    assert mail.to == ["list@example.com"]
    assert f"{member.get_full_name()} ({member.email}) wants list@example.com to be told by mail" in mail.body
    event = events("notification_address.added").get()
    assert (event.account, event.actor, event.object_name) == (account, member, "list@example.com")


def test_only_its_reader_confirms_it_and_by_a_button(browser, url):
    add(browser, url, "list@example.com")
    [mail] = sent_mails()
    reader = Client()
    shown = reader.get(link_of(mail))
    assert "Confirm" in text_of(shown)
    assert not NotificationAddress.objects.receiving().exists()
    done = reader.post(link_of(mail))
    assert "list@example.com gets mail about notifications of" in text_of(done)
    assert NotificationAddress.objects.receiving().exists()
    assert "Enabled" in text_of(browser.get(url))
    assert reader.post(link_of(mail)).status_code == 200  # twice does no harm
    assert events("notification_address.confirmed").count() == 1


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@example.com"])
def test_what_is_no_address_is_refused_in_the_documented_words(browser, url, email):
    response = add(browser, url, email)
    assert response.status_code == 422
    assert WORDS in text_of(response)
    assert not NotificationAddress.objects.exists()


def test_an_address_is_listed_once(browser, account, url):
    make_notification_address(account, email="list@example.com")
    response = add(browser, url, "LIST@example.com")
    assert response.status_code == 422
    assert "This address is on the list already." in text_of(response)


def test_ten_addresses_are_the_limit_whatever_their_state(browser, account, url):
    for number in range(10):
        make_notification_address(account, disabled_at=timezone.now() if number else None)
    page = browser.get(url)
    assert "The list has its 10 addresses. Delete one to add another." in text_of(page)
    response = add(browser, url, "eleventh@example.com")
    assert response.status_code == 422
    assert "Account not authorized to create additional custom notification email addresses." in text_of(
        response
    )
    account.notification_addresses.first().delete()
    assert add(browser, url, "eleventh@example.com").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_ten_are_the_limit_when_many_come_at_once():
    account = make_account()
    member = make_member(account)
    for _ in range(8):
        make_notification_address(account)
    outcomes = []

    def try_one(number):
        try:
            addresses.add_address(
                account=account, actor=member, email=f"racer{number}@example.com", server="http://testserver"
            )
            outcomes.append(True)
        except addresses.AddressLimitReached:
            outcomes.append(False)
        finally:
            connection.close()

    racers = [threading.Thread(target=try_one, args=(number,)) for number in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert (len(outcomes), sum(outcomes)) == (8, 2)
    assert account.notification_addresses.count() == 10


def test_an_address_is_disabled_enabled_and_deleted(browser, account, url):
    address = make_notification_address(account)
    page = browser.get(url).content.decode()
    assert "Disable this email" in page
    assert "Send the link again" not in page
    for _ in range(2):
        assert browser.post(f"{url}/emails/{address.pk}/disable").status_code == 302
    assert "Disabled" in text_of(browser.get(url))
    assert "Re-enable this email" in browser.get(url).content.decode()
    assert not NotificationAddress.objects.receiving().exists()
    for _ in range(2):
        browser.post(f"{url}/emails/{address.pk}/enable")
    assert NotificationAddress.objects.receiving().exists()
    asked = text_of(browser.get(f"{url}/emails/{address.pk}/delete"))
    assert f"{address.email} gets no more mail about notifications" in asked
    assert browser.post(f"{url}/emails/{address.pk}/delete").status_code == 302
    assert browser.post(f"{url}/emails/{address.pk}/delete").status_code == 404
    for name in ("disabled", "enabled", "deleted"):
        assert events(f"notification_address.{name}").count() == 1


def test_another_link_ends_the_one_before(browser, account, url):
    add(browser, url, "list@example.com")
    [first] = sent_mails()
    old = link_of(first)
    address = account.notification_addresses.get()
    browser.post(f"{url}/emails/{address.pk}/ask")
    new = link_of(sent_mails()[1])
    assert Client().get(old).status_code == 404
    assert Client().post(new).status_code == 200
    assert NotificationAddress.objects.receiving().exists()
    browser.post(f"{url}/emails/{address.pk}/ask")  # confirmed by now: nothing is asked
    assert len(sent_mails()) == 2


def test_nobody_floods_a_mailbox_with_links(browser, account, url):
    add(browser, url, "list@example.com")
    address = account.notification_addresses.get()
    for _ in range(3):
        response = browser.post(f"{url}/emails/{address.pk}/ask", follow=True)
    assert "Too many links went out within 24 hours" in text_of(response)
    assert len(sent_mails()) == 3


def test_who_left_is_asked_again_and_not_simply_enabled(browser, account, url):
    address = make_notification_address(account)
    path = f"/notification-emails/stop/{address.leaving_code}"
    done = Client().post(path)
    assert f"{address.email} gets no more mail" in text_of(done)
    assert "Unsubscribed" in text_of(browser.get(url))
    browser.post(f"{url}/emails/{address.pk}/enable")
    assert not NotificationAddress.objects.receiving().exists()
    browser.post(f"{url}/emails/{address.pk}/ask")
    Client().post(link_of(sent_mails()[-1]))
    assert NotificationAddress.objects.receiving().exists()
    assert Client().get(path).status_code == 200  # and the old mail's link stops it again
    assert events("notification_address.left").count() == 1


@pytest.mark.parametrize("kind", ["confirm", "stop"])
def test_a_link_of_our_making_only(client, db, kind):
    for code in ("nonsense", "1.x", "1-abc.def", "9" * 50):
        assert client.get(f"/notification-emails/{kind}/{code}").status_code == 404
        assert client.post(f"/notification-emails/{kind}/{code}").status_code == 404


def test_a_link_to_confirm_holds_for_a_week(client, account, member, monkeypatch):
    import time

    address = make_notification_address(account, confirmed_at=None)
    signer = TimestampSigner(salt=addresses.CONFIRMING, sep=".")
    code = signer.sign(f"{address.pk}-{address.nonce}")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + timedelta(days=6, hours=23).total_seconds())
    assert client.get(f"/notification-emails/confirm/{code}").status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + timedelta(days=7, minutes=1).total_seconds())
    response = client.post(f"/notification-emails/confirm/{code}")
    assert response.status_code == 404
    assert "This link is too old" in text_of(response)


def test_the_links_of_a_deleted_address_lead_nowhere(client, account, member):
    address = make_notification_address(account)
    path = f"/notification-emails/stop/{address.leaving_code}"
    address.delete()
    assert client.post(path).status_code == 404


def test_the_content_setting_is_saved_once(browser, account, member, url):
    for _ in range(2):
        assert browser.post(f"{url}/content", {"hide_errors": "on"}).status_code == 302
    assert NotificationContent.objects.get().hide_errors
    assert "checked" in browser.get(url).content.decode()
    event = events("notification.content_changed").get()
    assert (event.account, event.actor, event.detail) == (account, member, {"hide_errors": True})
    browser.post(f"{url}/content")
    assert not NotificationContent.objects.get().hide_errors


def test_P11_another_accounts_addresses_are_not_shown_or_changed(browser, url):
    theirs = make_notification_address(make_account(), email="rival@example.com")
    assert "rival@example.com" not in text_of(browser.get(url))
    for action in ("ask", "disable", "enable", "delete"):
        assert browser.post(f"{url}/emails/{theirs.pk}/{action}").status_code == 404
    theirs.refresh_from_db()
    assert theirs.disabled_at is None


def test_the_tab_has_as_many_queries_for_ten_addresses_as_for_one(browser, account, url):
    make_notification_address(account)
    browser.get(url)
    one = queries_of(browser, url)
    for _ in range(9):
        make_notification_address(account)
    assert queries_of(browser, url) == one
