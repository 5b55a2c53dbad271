"""Post-load hooks are signed, tried five times, kept in a log, and never sent where they must not (promise J3)."""

import os
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event
from accounts.errors import PlanRequired
from accounts.models import AuditEvent, Plan, Task
from accounts.services.failed_tasks import retry_task
from accounts.services.task_leases import claim_next
from accounts.services.task_work import carry_out, drain
from integrations.models import Delivery, Hook, Kind
from integrations.services import destination_addresses, hook_deliveries, hook_messages, hook_posts
from integrations.services.hook_deliveries import HookIsDisabled, StillWaiting, forget_old, replay
from integrations.services.hooks import delete_hook, disable_hook, enable_hook
from integrations.snippets import RECEIVE_HOOK
from tests.factories import make_account, make_delivery, make_hook, make_member
from tests.mailbox import sent_mails
from tests.receiver import hook_receiver
from tests.server import free_port

pytestmark = pytest.mark.django_db
SECRET = secrets.generate(secrets.HOOK_SECRET_PREFIX)
LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings, tmp_path):
    settings.HOOK_FORBIDDEN_ADDRESSES = []
    settings.DATA_DIR = tmp_path


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


@pytest.fixture
def receiver(tmp_path):
    with hook_receiver(tmp_path / "receiver") as server:
        yield server


@pytest.fixture
def hook(account, receiver):
    return make_hook(account, url=receiver.url(), secret=SECRET)


def waiting(hook, **fields):
    """Return a message with the work of sending it."""
    delivery = make_delivery(hook, **fields)
    hook_messages.enqueue(delivery)
    return delivery


def to_send():
    """Return the work of sending messages; other work is asked for too."""
    return Task.objects.filter(kind="hook")


def try_now():
    """Let what waits for its next try be tried now; return how many that were."""
    tried = to_send().open().update(due_at=timezone.now())
    drain()
    return tried


def answers(name, *found):
    """Let a host name lead to addresses, one list for each time it is looked up."""
    lists = [[ip_address(address) for address in addresses] for addresses in found]

    def look_up(host):
        return lists.pop(0) if host == name and len(lists) > 1 else lists[0]

    return look_up


def test_J3_a_message_is_signed_with_its_time(hook, receiver):
    waiting(hook, body='{"version":"1.0","tables":[]}', event="load")
    began = int(time.time())
    drain()
    [received] = receiver.received
    assert received.is_signed_with(SECRET)
    assert not received.is_signed_with(secrets.generate(secrets.HOOK_SECRET_PREFIX))
    stamp = int(received.headers["Stitch-Signature"].split(",")[0].removeprefix("t="))
    assert began <= stamp <= time.time()
    assert received.headers["User-Agent"] == "StitchLoadingWebhook"
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["Stitch-Event"] == "load"
    assert received.path == "/stitch"


def test_J3_a_receiver_that_fails_twice_gets_it_at_the_third_try(hook, receiver):
    receiver.answers = [(500, {}), (503, {})]
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.status) == ("waiting", 1, 500)
    assert delivery.error == "The answer was 500, not 2xx."
    due = hook_deliveries.next_tries(account=hook.account, deliveries=[delivery])[delivery.pk]
    assert timedelta(seconds=55) < due - timezone.now() < timedelta(minutes=2)
    assert (try_now(), try_now()) == (1, 1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.status, delivery.error) == ("delivered", 3, 204, "")
    assert delivery.milliseconds is not None
    assert len({received.headers["Stitch-Delivery"] for received in receiver.received}) == 1
    assert not to_send().exists()


def test_J3_there_are_five_tries_in_more_than_half_an_hour_and_then_a_notification(hook, receiver):
    assert sum(hook_deliveries.PAUSES, timedelta(0)) >= timedelta(minutes=30)
    assert list(hook_deliveries.PAUSES) == sorted(set(hook_deliveries.PAUSES))
    receiver.answers = [(500, {})] * 5
    delivery = waiting(hook)
    drain()
    for _ in range(3):
        assert try_now() == 1
        assert not hook.account.notifications.exists()
    assert try_now() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("failed", 5)
    assert len(receiver.received) == 5
    told = hook.account.notifications.open().get()
    assert (told.kind, told.details) == (Kind.UNDELIVERABLE_HOOK.stored, "The answer was 500, not 2xx.")
    assert hook.url in told.message
    assert try_now() == 0

    waiting(hook)
    drain()
    assert not hook.account.notifications.open().exists()


def test_a_hook_that_is_disabled_during_the_last_try_is_told_of_to_nobody(hook, receiver, monkeypatch):
    def refuse(**_):
        disable_hook(hook=Hook.objects.get(), actor=hook.created_by)
        return hook_posts.Answer(500, 1, "The answer was 500, not 2xx.")

    delivery = waiting(hook)
    to_send().update(attempts=len(hook_deliveries.PAUSES))
    monkeypatch.setattr(hook_posts, "post", refuse)
    drain()
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert not hook.account.notifications.open().exists()


def test_a_failed_message_that_staff_retry_is_sent(hook, receiver):
    receiver.answers = [(500, {})]
    delivery = waiting(hook)
    to_send().update(attempts=len(hook_deliveries.PAUSES))
    drain()
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    retry_task(task=to_send().get(), actor=hook.created_by, reason="The receiver is back")
    drain()
    delivery.refresh_from_db()
    assert (delivery.state, len(receiver.received)) == ("delivered", 2)
    assert not hook.account.notifications.open().exists()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_J3_a_redirect_is_not_followed_wherever_it_leads(hook, receiver, status):
    receiver.answers = [(status, {"Location": receiver.url("/inside")})]
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error == f"The answer was {status}, not 2xx. Redirects are not followed."
    assert [received.path for received in receiver.received] == ["/stitch"]


def test_J3_a_forbidden_address_is_refused_when_it_is_sent(hook, receiver, settings):
    settings.HOOK_FORBIDDEN_ADDRESSES = LOOPBACK
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error.startswith(
        "127.0.0.1 is in a range of addresses that the people who run this server"
    )
    assert receiver.received == []


def test_J3_a_name_that_turns_to_the_inside_after_it_was_judged_changes_nothing(
    account, receiver, settings, monkeypatch
):
    """The address that was judged is the one that is connected to: there is no second look-up."""
    looked_up = []

    def look_up(host):
        looked_up.append(host)
        return [ip_address("192.0.2.7" if len(looked_up) == 1 else "127.0.0.1")]

    def connect(address, timeout=None, **_):
        tried.append(address[0])
        raise OSError("nobody there")

    tried = []
    settings.HOOK_FORBIDDEN_ADDRESSES = LOOPBACK
    monkeypatch.setattr(destination_addresses, "look_up", look_up)
    monkeypatch.setattr(hook_posts.socket, "create_connection", connect)
    waiting(make_hook(account, url=receiver.url(host="hooks.example.com")))
    drain()
    assert (looked_up, tried) == (["hooks.example.com"], ["192.0.2.7"])
    try_now()
    assert (len(looked_up), tried) == (2, ["192.0.2.7"])  # looked up anew, and judged anew
    assert "leads to 127.0.0.1" in Delivery.objects.get().error


def test_J3_of_several_addresses_the_forbidden_one_is_left_out(account, receiver, settings, monkeypatch):
    settings.HOOK_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8")]
    monkeypatch.setattr(
        destination_addresses, "look_up", answers("hooks.example.com", ["10.0.0.1", "127.0.0.1"])
    )
    waiting(make_hook(account, url=receiver.url(host="hooks.example.com"), secret=SECRET))
    drain()
    [received] = receiver.received
    assert received.headers["Host"] == f"hooks.example.com:{receiver.port}"


def test_the_certificate_must_be_the_hosts(account, receiver, monkeypatch):
    monkeypatch.setattr(destination_addresses, "look_up", answers("other.example.com", ["127.0.0.1"]))
    delivery = waiting(make_hook(account, url=receiver.url(host="other.example.com")))
    drain()
    delivery.refresh_from_db()
    assert delivery.error.startswith("The certificate was not accepted: Hostname mismatch")
    assert receiver.received == []


def test_a_certificate_of_an_unknown_authority_is_refused(hook, receiver, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    try:
        delivery = waiting(hook)
        drain()
    finally:
        monkeypatch.undo()
    delivery.refresh_from_db()
    assert delivery.error.startswith("The certificate was not accepted: self")


def test_nobody_listens(account):
    delivery = waiting(make_hook(account, url=f"https://127.0.0.1:{free_port()}/"))
    drain()
    delivery.refresh_from_db()
    assert (delivery.error, delivery.status) == ("No connection: Connection refused.", None)


def test_an_answer_that_never_comes_ends_the_try(hook, receiver, monkeypatch):
    monkeypatch.setattr(hook_posts, "TIMEOUT_SECONDS", 0.5)
    receiver.hold.clear()
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error == "No answer within 0.5 seconds."


def test_an_answer_that_drips_ends_the_try_too(hook, receiver, monkeypatch):
    """A byte now and then would keep each wait short and the whole without end."""
    monkeypatch.setattr(hook_posts, "TIMEOUT_SECONDS", 0.5)
    receiver.drips = True
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error == "No answer within 0.5 seconds."
    assert len(receiver.received) == 1


def test_what_is_not_http_is_told(hook, receiver, monkeypatch):
    monkeypatch.setattr(
        type(receiver), "finish_request", lambda self, request, address: request.write(b"no\r\n")
    )
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error.startswith(("The answer was not HTTP.", "No connection", "No secure connection"))
    assert delivery.state == "waiting"


def test_a_hook_disabled_before_its_next_try_gets_nothing_more(hook, receiver, account):
    receiver.answers = [(500, {})]
    delivery = waiting(hook)
    drain()
    disable_hook(hook=hook, actor=hook.created_by)
    assert try_now() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("dropped", 1)
    assert delivery.error == "The webhook was disabled before this message was sent."
    assert len(receiver.received) == 1
    assert not to_send().exists()


def test_a_hook_whose_plan_was_left_gets_nothing_more(hook, receiver, account):
    delivery = waiting(hook)
    account.plan = Plan.objects.get(slug="standard")
    account.save(update_fields=["plan"])
    drain()
    delivery.refresh_from_db()
    assert delivery.state == "dropped"
    assert receiver.received == []


def test_a_closed_account_is_told_nothing_more(hook, receiver, account):
    delivery = waiting(hook)
    account.closed_at = timezone.now()
    account.save(update_fields=["closed_at"])
    drain()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("dropped", 0)
    assert delivery.error == "The account was closed before this message was sent."
    assert receiver.received == []


def test_a_hook_deleted_meanwhile_takes_its_messages_with_it(hook, receiver):
    waiting(hook)
    delete_hook(hook=hook, actor=hook.created_by)
    assert drain() == 1
    assert receiver.received == []
    assert not to_send().exists()


def test_J3_a_message_is_replayed_as_it_was(hook, receiver):
    delivery = waiting(hook, body='{"n":1}')
    drain()
    replay(delivery=delivery, actor=hook.created_by)
    with pytest.raises(StillWaiting):
        replay(delivery=delivery, actor=hook.created_by)
    drain()
    assert [received.body for received in receiver.received] == [b'{"n":1}'] * 2
    assert len({received.headers["Stitch-Delivery"] for received in receiver.received}) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.replays) == ("delivered", 1, 1)
    event = AuditEvent.objects.get(event=Event.HOOK_REPLAYED.value)
    assert (event.account, event.object_id) == (hook.account, hook.pk)


def test_J3_a_message_that_failed_can_be_replayed(hook, receiver):
    receiver.answers = [(500, {})] * 5
    delivery = waiting(hook)
    drain()
    for _ in range(4):
        try_now()
    replay(delivery=delivery, actor=hook.created_by)
    drain()
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert not to_send().exists()  # the failed one is gone: it was done after all


def test_nothing_is_replayed_to_a_disabled_hook_or_without_the_plan(hook, account):
    delivery = make_delivery(hook, state="failed")
    disable_hook(hook=hook, actor=hook.created_by)
    with pytest.raises(HookIsDisabled):
        replay(delivery=delivery, actor=hook.created_by)
    enable_hook(hook=hook, actor=hook.created_by)
    account.plan = Plan.objects.get(slug="standard")
    account.save(update_fields=["plan"])
    with pytest.raises(PlanRequired, match="Client does not have access to hooks"):
        replay(delivery=delivery, actor=hook.created_by)


def test_a_message_that_arrived_is_not_sent_again_by_a_second_worker(hook, receiver):
    """The one that sent it died after noting it and before its task was removed."""
    delivery = waiting(hook)
    Delivery.objects.filter(pk=delivery.pk).update(state="delivered")
    drain()
    assert receiver.received == []


def test_what_came_of_a_try_is_noted_only_by_whoever_holds_the_task(hook, receiver):
    delivery = waiting(hook)
    lost = claim_next(now=timezone.now())
    Task.objects.update(lease=None)
    carry_out(lost)
    delivery.refresh_from_db()
    assert delivery.tries == 0


def test_J3_a_hook_that_never_answers_holds_up_neither_mails_nor_other_accounts_hooks(receiver, account):
    from accounts.services.mail import send_mail
    from accounts.services.workers import Hands

    other = make_account()
    make_member(other)
    hanging, healthy = make_hook(account), make_hook(other, url=receiver.url())
    hands = Hands(4)
    for _ in range(30):
        waiting(hanging)
    while True:
        task = claim_next(now=timezone.now(), full=hands.full_kinds(), busy=hands.busy_accounts())
        if task is None:
            break
        hands.begun[task.lease] = (task, time.monotonic())  # it hangs
    assert len(hands.begun) == hands.most_of_one_account
    waiting(healthy)
    send_mail("email_changed", to="ann@example.com", subject="Changed", server="https://s.example.com",
              person=other.memberships.first().user, email="new@example.com")  # fmt: skip
    claimed = [
        claim_next(now=timezone.now(), full=hands.full_kinds(), busy=hands.busy_accounts()) for _ in range(3)
    ]
    assert [(task.kind, task.account) for task in claimed if task] == [("hook", other), ("mail", None)]


def test_D32_the_newest_messages_are_kept_and_those_that_wait(account, settings):
    settings.HOOK_DELIVERIES_KEPT = 3
    hook, quiet = make_hook(account), make_hook(account)
    now = timezone.now()
    old = [make_delivery(hook, at=now - timedelta(days=day), state="delivered") for day in range(6)]
    still = make_delivery(hook, at=now - timedelta(days=9))
    make_delivery(quiet, at=now - timedelta(days=99), state="failed")
    with CaptureQueriesContext(connection) as asked:
        forget_old(now)
    assert not [
        query for query in asked if f'"hook_id" = {quiet.pk}' in query["sql"]
    ]  # one that has few costs none
    assert set(hook.deliveries.values_list("pk", flat=True)) == {still.pk, *(each.pk for each in old[:3])}
    assert quiet.deliveries.count() == 1


def test_the_guides_receiver_tells_a_genuine_message_from_another(tmp_path, receiver, hook, client):
    assert "is_genuine" in client.get("/docs/account/post-load-hooks").content.decode()
    waiting(hook, body='{"tables":[{"destination_table_name":"bikes","num_rows":42}]}')
    drain()
    [received] = receiver.received
    port = free_port()
    program = tmp_path / "receive.py"
    program.write_text(RECEIVE_HOOK)
    process = subprocess.Popen(
        [sys.executable, str(program)],
        env=os.environ | {"PORT": str(port), "SIGNING_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def post(body, signature):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=body)
        if signature:
            request.add_header("Stitch-Signature", signature)
        for _ in range(200):
            try:
                return urllib.request.urlopen(request, timeout=10).status
            except urllib.error.HTTPError as error:
                with error:
                    return error.code
            except OSError:
                time.sleep(0.05)
        raise AssertionError("The receiver did not start.")

    try:
        signature = received.headers["Stitch-Signature"]
        assert post(received.body, signature) == 204
        assert process.stdout.readline() == "bikes 42\n"
        assert post(received.body + b" ", signature) == 400
        assert post(received.body, "") == 400
        stale = int(time.time()) - 400
        assert (
            post(received.body, f"t={stale},v1={hook_posts.signature(SECRET, stale, received.body)}") == 400
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_secret_that_cannot_be_read_is_told(hook, receiver, settings):
    Hook.objects.update(sealed_secret="v1:AAAA")
    delivery = waiting(hook)
    drain()
    delivery.refresh_from_db()
    assert delivery.error.startswith("The signing secret cannot be read")
    assert receiver.received == []
    assert sent_mails() == []
