"""Mails about notifications: to whom, when, how many in one, and what they hold (app.md 12.3, 12.4, picture 16)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Task
from integrations.models import Kind, Notification, NotificationContent, QueuedTable
from integrations.services.notification_mails import send_due_mails
from integrations.services.notifications import clear_causes, dismiss_notification, raise_notification
from tests.factories import (
    make_account,
    make_integration,
    make_member,
    make_notification_address,
    make_postgres_destination,
)
from tests.integrations.conftest import make_waiting
from tests.mailbox import sent_mails

NOW = timezone.now() + timedelta(days=1)  # no worker finds due by itself what is told at this time
AT_ONCE, LATER = Kind.ERROR_PERSISTING_TABLE, Kind.UNABLE_TO_LOAD


@pytest.fixture
def account(db):
    return make_account(company_name="Bikes Ltd")


@pytest.fixture
def member(account):
    return make_member(account, email="ann@example.com")


@pytest.fixture
def integration(account, member):
    return make_integration(account, display_name="Rides")


def tell(account, cause="table:1", kind=AT_ONCE, now=NOW, **more):
    fields = {
        "message": f"The table {cause} fails.",
        "details": f"Error of {cause}",
        "table_name": "bikes",
    } | more
    return raise_notification(account=account, kind=kind, cause=cause, now=now, **fields)


def mails_at(account, kind, now):
    """Send what is due then; return it."""
    before = len(mail.outbox)
    send_due_mails(account=account, kind=kind, now=now)
    return sent_mails()[before:]


def test_a_worker_sends_what_is_due(account, member, integration):
    tell(account, now=timezone.now() - timedelta(minutes=2))
    [sent] = sent_mails()
    assert (sent.to, sent.subject) == (
        ["ann@example.com"],
        "Stitch Notification - Error persisting data for table bikes",
    )
    assert not Task.objects.open().exists()


def test_a_mail_looks_as_documented_in_both_forms(account, member, settings):
    settings.PUBLIC_URL = "https://stitch.example.com"
    tell(account, kind=LATER)
    [sent] = mails_at(account, LATER, NOW + timedelta(hours=2))
    assert sent.subject == "Stitch Notification - We're unable to load some of your data"
    html = sent.alternatives[0].content
    page = f"https://stitch.example.com/client/{account.client_id}/notifications"
    for text in (sent.body, html.replace("&#x27;", "'")):
        assert "We're unable to load some of your data" in text
        assert "Stitch is trying to load your data, and we're running into some trouble." in text
        assert "The table table:1 fails." in text
        assert "Here is the error message we are encountering:" in text
        assert "Error of table:1" in text
        assert "Sign In to Stitch" in text
        assert page in text
        assert "You get this as a member of Bikes Ltd on Stitch." in text
        assert "Your Profile" in text
    assert "<pre" in html
    assert "Sign In to Stitch: " + page in sent.body


def test_a_table_whose_name_has_two_lines_is_mailed_too(account, member):
    tell(account, table_name="bikes\r\nBcc: everybody@example.com", now=timezone.now() - timedelta(minutes=2))
    [sent] = sent_mails()
    assert (
        sent.subject
        == "Stitch Notification - Error persisting data for table bikes Bcc: everybody@example.com"
    )
    assert sent.recipients() == ["ann@example.com"]
    assert not Task.objects.failed().exists()


@pytest.mark.parametrize("stop", ["confirmed_at", "disabled_at"])
def test_an_address_that_stopped_its_mail_gets_none_that_still_waits(account, member, stop):
    address = make_notification_address(account=account, email="ops@example.com")
    tell(account)
    assert send_due_mails(account=account, kind=AT_ONCE, now=NOW) == 2
    setattr(address, stop, None if stop == "confirmed_at" else NOW)
    address.save(update_fields=[stop])
    assert [sent.to for sent in sent_mails()] == [["ann@example.com"]]
    assert not Task.objects.failed().exists()


def test_what_a_sender_wrote_is_text_in_the_mail(account, member):
    tell(account, kind=LATER, details="<b>bold</b>", message="<i>a</i>")
    [sent] = mails_at(account, LATER, NOW + timedelta(hours=2))
    assert "<b>bold" not in sent.alternatives[0].content
    assert "&lt;b&gt;bold" in sent.alternatives[0].content
    assert "<b>bold</b>" in sent.body


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_waits_for_its_delay(account, member, kind):
    tell(account, kind=kind)
    delay = kind.facts.delay
    if delay:
        assert mails_at(account, kind, NOW + delay - timedelta(seconds=1)) == []
    [sent] = mails_at(account, kind, NOW + delay)
    assert sent.subject.startswith("Stitch Notification - ")
    assert "{" not in sent.subject
    assert ("Error of table:1" in sent.body) == kind.facts.raw


@pytest.mark.parametrize("kind", Kind)
def test_the_worker_is_asked_for_the_time_when_it_is_due(account, member, kind):
    tell(account, kind=kind)
    wait = Task.objects.get(kind="notification-mails").due_at - NOW
    assert kind.facts.delay <= wait <= kind.facts.delay + timedelta(minutes=1)


def test_what_is_over_or_dismissed_before_its_delay_is_not_mailed(account, member):
    tell(account, kind=LATER)
    clear_causes(account=account, causes=["table:1"], now=NOW)
    dismissed = tell(account, "table:2", kind=LATER)
    dismiss_notification(notification=dismissed, actor=member, now=NOW)
    assert mails_at(account, LATER, NOW + timedelta(hours=3)) == []


def test_what_is_over_before_the_mail_goes_out_is_not_mailed(account, member):
    tell(account)
    assert send_due_mails(account=account, kind=AT_ONCE, now=NOW) == 1
    clear_causes(account=account, causes=["table:1"], now=NOW)
    assert sent_mails() == []


def test_a_cause_is_mailed_once_while_it_lasts(account, member):
    tell(account)
    assert len(mails_at(account, AT_ONCE, NOW)) == 1
    tell(account, now=NOW + timedelta(hours=5))
    assert mails_at(account, AT_ONCE, NOW + timedelta(hours=6)) == []


def test_one_mail_tells_of_everything_that_is_due(account, member):
    for number in range(3):
        tell(account, f"table:{number}")
    [sent] = mails_at(account, AT_ONCE, NOW)
    assert sent.subject == "Stitch Notification - Error persisting data for 3 tables"
    assert all(f"The table table:{number} fails." in sent.body for number in range(3))


def test_a_mail_does_not_grow_without_bound(account, member):
    for number in range(12):
        tell(account, f"table:{number}", details="x" * 9_000, kind=LATER)
    [sent] = mails_at(account, LATER, NOW + timedelta(hours=2))
    assert "And 2 more: All Notifications has every one." in sent.body
    assert len(sent.body) < 30_000


def test_the_next_mail_of_a_kind_goes_out_an_hour_later_at_the_earliest(account, member):
    tell(account)
    assert len(mails_at(account, AT_ONCE, NOW)) == 1
    soon = NOW + timedelta(minutes=1)
    tell(account, "table:2", now=soon)
    tell(account, "table:3", now=soon)
    Task.objects.all().delete()  # the one that is carried out just now
    assert mails_at(account, AT_ONCE, soon) == []
    assert Task.objects.get(kind="notification-mails").due_at == NOW + timedelta(minutes=61)
    [sent] = mails_at(account, AT_ONCE, NOW + timedelta(hours=1))
    assert "for 2 tables" in sent.subject


def test_another_kind_and_another_account_do_not_wait_for_it(account, member):
    other = make_account()
    make_member(other)
    tell(account)
    tell(account, "destination:1", kind=Kind.DATA_WAREHOUSE_ERROR)
    tell(other)
    assert len(mails_at(account, AT_ONCE, NOW)) == 1
    assert len(mails_at(account, Kind.DATA_WAREHOUSE_ERROR, NOW)) == 1
    assert len(mails_at(other, AT_ONCE, NOW)) == 1


def test_a_second_destination_is_mailed_when_it_fails(account, member):
    for number in range(2):
        tell(account, f"destination:{number}", kind=Kind.DATA_WAREHOUSE_ERROR)
        assert len(mails_at(account, Kind.DATA_WAREHOUSE_ERROR, NOW)) == 1


def test_what_is_about_the_account_itself_is_mailed_when_it_happens(account, member):
    for cause in ("70", "90"):
        tell(account, cause, kind=Kind.APPROACHING_ROW_LIMIT)
        [sent] = mails_at(account, Kind.APPROACHING_ROW_LIMIT, NOW)
        assert sent.subject == "Stitch Notification - Approaching Row Limit"


def test_a_destinations_mail_names_the_tables_that_wait_for_it(account, member, integration):
    destination = make_postgres_destination(account, display_name="Sales")
    integration.destination = destination
    integration.save()
    for number in range(22):
        make_waiting(integration, f"table_{number:02}", 1, error="wrong password", scope="destination")
    make_waiting(integration, "other", 1, error="Key mismatch", scope="table")
    tell(account, f"destination:{destination.pk}", kind=Kind.DATA_WAREHOUSE_ERROR, destination=destination)
    [sent] = mails_at(account, Kind.DATA_WAREHOUSE_ERROR, NOW)
    assert "These tables wait for it:" in sent.body
    assert "- Rides: table_00" in sent.body
    assert "- and 2 more" in sent.body
    assert "other" not in sent.body
    assert QueuedTable.objects.count() == 23


@pytest.mark.parametrize("kind", Kind)
def test_a_member_who_wants_no_mail_about_errors_gets_none(account, member, kind):
    make_member(account, email="opted-out@example.com", error_mail=False)
    tell(account, kind=kind)
    to = {sent.to[0] for sent in mails_at(account, kind, NOW + kind.facts.delay)}
    assert to == {"ann@example.com"} | (set() if kind.facts.opt_out else {"opted-out@example.com"})


def test_members_and_confirmed_addresses_get_a_mail_each(account, member):
    gone = make_member(account, email="gone@example.com")
    gone.memberships.update(deactivated_at=NOW)
    make_member(make_account(), email="stranger@example.com")
    make_notification_address(account, email="list@example.com")
    make_notification_address(account, email="ann@example.com")
    make_notification_address(account, email="off@example.com", disabled_at=NOW)
    make_notification_address(account, email="asked@example.com", confirmed_at=None)
    make_notification_address(account, email="left@example.com", confirmed_at=None, left_at=NOW)
    tell(account)
    mails = mails_at(account, AT_ONCE, NOW)
    assert sorted(sent.to for sent in mails) == [["ann@example.com"], ["list@example.com"]]
    assert not any(sent.cc or sent.bcc for sent in mails)


def test_an_addresss_mail_has_the_link_that_stops_them(account, member, client):
    address = make_notification_address(account, email="list@example.com")
    tell(account)
    [sent] = [sent for sent in mails_at(account, AT_ONCE, NOW) if sent.to == ["list@example.com"]]
    assert "list@example.com is on the notification list of Bikes Ltd on Stitch." in sent.body
    path = "/" + sent.body.split("Stop these mails: ")[1].split()[0].split("/", 3)[3]
    assert client.get(path).status_code == 200
    address.refresh_from_db()
    assert address.left_at is None  # reading it stops nothing: programs that read mail open links
    client.post(path)
    address.refresh_from_db()
    assert address.left_at is not None


def test_hidden_content_leaves_an_empty_box(account, member):
    NotificationContent.objects.create(account=account, hide_errors=True)
    tell(account, kind=LATER)
    [sent] = mails_at(account, LATER, NOW + timedelta(hours=2))
    html = sent.alternatives[0].content
    assert "Error of table:1" not in sent.body + html
    assert "Here is the error message we are encountering:" in sent.body
    assert "></pre>" in html
    assert "Your account hides error messages in mail. All Notifications shows them." in sent.body


def test_mails_are_written_with_the_note_that_they_were_or_not_at_all(account, member, monkeypatch):
    from integrations.services import notification_mails

    class Torn(Exception):
        pass

    def torn(*where):
        raise Torn

    tell(account)
    monkeypatch.setattr(notification_mails, "write_mails", torn)
    with pytest.raises(Torn):
        send_due_mails(account=account, kind=AT_ONCE, now=NOW)
    assert Notification.objects.get().mailed_at is None


def test_mails_come_in_as_many_queries_for_many_notifications(account, member, django_assert_max_num_queries):
    for number in range(30):
        tell(account, f"table:{number}")
    with django_assert_max_num_queries(20):
        send_due_mails(account=account, kind=AT_ONCE, now=NOW)


def test_a_closed_account_is_mailed_nothing(account, member):
    tell(account)
    account.closed_at = NOW
    account.save()
    assert mails_at(account, AT_ONCE, NOW) == []
    assert Notification.objects.get().mail_due_at is None
