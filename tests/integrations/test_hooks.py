"""The section Post-load hooks: add, disable, re-enable, delete, deliveries, replay (app.md 12.4; promise J3)."""

import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Event
from accounts.errors import PlanRequired
from accounts.models import AuditEvent, Plan, Task
from accounts.services.plans import change_plan, effects_of_plan
from integrations.models import MAX_HOOKS, Hook, Kind
from integrations.services import destination_addresses
from integrations.services.destination_addresses import ForbiddenAddress
from integrations.services.destination_changes import remove_destination
from integrations.services.destinations import main_destination
from integrations.services.hook_addresses import InvalidURI, clean_url
from integrations.services.hooks import (
    HookLimitReached,
    NoDestination,
    cause_of,
    create_hook,
    secret_of,
)
from integrations.services.notifications import raise_notification
from tests.factories import (
    make_account,
    make_delivery,
    make_hook,
    make_member,
    make_postgres_destination,
)

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"hs_stitch[0-9A-Za-z]{46}")
URL = "https://hooks.example.com/stitch"


@pytest.fixture(autouse=True)
def the_name_is_known(monkeypatch):
    """No name is looked up outside: every host leads to one public address."""
    monkeypatch.setattr(destination_addresses, "look_up", lambda host: [ip_address("192.0.2.7")])


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


@pytest.fixture
def signed_in(client, member):
    client.force_login(member)
    return client


def page(account, name, **more):
    return reverse(f"integrations:{name}", kwargs={"client_id": account.client_id} | more)


def put_on(account, plan):
    account.plan = Plan.objects.get(slug=plan)
    account.save(update_fields=["plan"])


def add(client, account, url=URL, **more):
    return client.post(page(account, "hook-create"), {"url": url, "form_id": str(uuid.uuid4())} | more)


def test_a_webhook_is_added_and_its_secret_shown_once(signed_in, account, member):
    settings = page(account, "notification-settings")
    assert "No webhooks yet" in signed_in.get(settings).content.decode()
    form_id = str(uuid.uuid4())
    response = add(signed_in, account, form_id=form_id)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    [secret] = set(SECRET.findall(response.content.decode()))
    hook = account.hooks.get()
    assert (hook.url, hook.created_by, hook.is_enabled) == (URL, member, True)
    assert hook.destination == main_destination(account=account)
    assert secret_of(hook) == secret
    assert secret not in hook.sealed_secret
    again = add(signed_in, account, form_id=form_id)
    assert again["Location"] == settings
    listed = signed_in.get(settings).content.decode()
    assert URL in listed
    assert "shown once and is not shown again" in listed
    assert not SECRET.search(listed)
    assert account.hooks.count() == 1
    event = AuditEvent.objects.get(event=Event.HOOK_CREATED.value)
    assert (event.account, event.actor, event.object_name) == (account, member, URL)
    assert secret not in str(event.__dict__)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "http://hooks.example.com/",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "https://",
        "https:///path",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks example.com/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://single/",
        "https://2130706433/",
        "https://" + "a" * 2000 + ".example.com/",
    ],
)
def test_what_is_no_whole_https_address_is_refused_in_the_documented_words(signed_in, account, typed):
    response = add(signed_in, account, typed)
    assert response.status_code == 422
    assert response.context["form"].errors == {"url": ["Invalid URI"]}
    assert not account.hooks.exists()


def test_an_address_is_stored_in_one_form():
    assert clean_url(" https://Hooks.Example.COM ") == "https://hooks.example.com/"
    assert clean_url("https://hooks.example.com:443/a?b=c&d") == "https://hooks.example.com/a?b=c&d"
    assert clean_url("https://bücher.example/ä") == "https://xn--bcher-kva.example/%C3%A4"
    assert clean_url("https://[2001:DB8::1]:8443/x") == "https://[2001:db8::1]:8443/x"
    for url in ("https://hooks.example.com/a%20b", "https://192.0.2.7/"):
        assert clean_url(clean_url(url)) == url
    with pytest.raises(InvalidURI):
        clean_url("https://hooks.example.com/" + "a" * 2000)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3",
                "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::"]
)  # fmt: skip
def test_J3_an_inner_address_is_refused_when_it_is_saved(signed_in, account, monkeypatch, address):
    """By the setting as shipped, whether the address was typed or a name leads there."""
    literal = f"[{address}]" if ":" in address else address
    for host in (literal, "inside.example.com"):
        monkeypatch.setattr(destination_addresses, "look_up", lambda host: [ip_address(address)])
        response = add(signed_in, account, f"https://{host}/")
        assert response.status_code == 422
        [error] = response.context["form"].errors["url"]
        assert "do not allow for post-load hooks" in error
    assert not account.hooks.exists()


def test_J3_an_operator_can_allow_inner_addresses(signed_in, account, settings, monkeypatch):
    monkeypatch.setattr(destination_addresses, "look_up", lambda host: [ip_address("10.1.2.3")])
    settings.HOOK_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    assert add(signed_in, account, "https://inside.example.com/").status_code == 200


def test_there_can_be_ten_enabled_and_disabled_together(signed_in, account, member):
    for _ in range(MAX_HOOKS):
        make_hook(account, disabled_at=timezone.now())
    words = "You have exceeded the limit of 10 hooks."
    settings = signed_in.get(page(account, "notification-settings")).content.decode()
    assert words in settings
    assert re.search(r'<button[^>]+aria-describedby="why-no-hook" disabled>Add Webhook', settings)
    assert words in signed_in.get(page(account, "hook-create")).content.decode()
    response = add(signed_in, account)
    assert response.status_code == 422
    assert words in response.content.decode()
    with pytest.raises(HookLimitReached):
        create_hook(account=account, actor=member, url=URL)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_of_many_who_add_the_tenth_at_once_one_does(account, member, round_number):
    for _ in range(MAX_HOOKS - 1):
        make_hook(account)
    together = threading.Barrier(8)

    def create(_):
        try:
            together.wait(30)
            create_hook(account=account, actor=member, url=URL)
        except HookLimitReached:
            return 0
        finally:
            connections.close_all()
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(8))) == 1
    assert account.hooks.count() == MAX_HOOKS


def test_a_plan_without_hooks_adds_none_and_says_which_plans_do(signed_in, account, member):
    make_hook(account)
    put_on(account, "standard")
    settings = signed_in.get(page(account, "notification-settings")).content.decode()
    assert "Post-load hooks come with the Advanced and Premium plans and with the free trial." in settings
    assert "Delete this webhook" in settings
    assert "Re-enable this webhook" not in settings
    assert re.search(r'data-label="Status">Disabled', settings)
    assert add(signed_in, account).status_code == 403
    with pytest.raises(PlanRequired, match=r"^Client does not have access to hooks\.$"):
        create_hook(account=account, actor=member, url=URL)


def test_without_a_destination_there_is_nothing_to_tell_of(signed_in, account, member):
    remove_destination(destination=main_destination(account=account), actor=member)
    settings = signed_in.get(page(account, "notification-settings")).content.decode()
    assert "Add a destination first." in settings
    assert add(signed_in, account).status_code == 422
    with pytest.raises(NoDestination):
        create_hook(account=account, actor=member, url=URL)


def test_with_several_destinations_one_is_chosen(signed_in, account):
    main, other = main_destination(account=account), make_postgres_destination(account)
    stranger = make_postgres_destination(make_member().memberships.get().account)
    form = signed_in.get(page(account, "hook-create")).content.decode()
    assert other.display_name in form
    assert stranger.display_name not in form
    assert add(signed_in, account, destination=stranger.pk).status_code == 422
    assert add(signed_in, account, destination=other.pk).status_code == 200
    assert account.hooks.get().destination == other
    assert main != other


def test_a_webhook_is_disabled_and_re_enabled(signed_in, account, member):
    hook = make_hook(account)
    raise_notification(
        account=account, kind=Kind.UNDELIVERABLE_HOOK, cause=cause_of(hook), message="!", now=timezone.now()
    )
    settings = page(account, "notification-settings")
    for _ in range(2):
        assert signed_in.post(page(account, "hook-disable", hook_id=hook.pk))["Location"] == settings
    hook.refresh_from_db()
    assert not hook.is_enabled
    assert not account.notifications.open().exists()
    assert "Re-enable this webhook" in signed_in.get(settings).content.decode()
    for _ in range(2):
        signed_in.post(page(account, "hook-enable", hook_id=hook.pk))
    hook.refresh_from_db()
    assert hook.is_enabled
    events = AuditEvent.objects.filter(account=account).order_by("pk").values_list("event", flat=True)
    assert list(events) == ["hook.disabled", "hook.enabled"]


def test_the_notification_leads_to_the_hooks_and_to_their_guide(signed_in, account):
    raise_notification(
        account=account,
        kind=Kind.UNDELIVERABLE_HOOK,
        cause=cause_of(make_hook(account)),
        message="It did not arrive.",
        now=timezone.now(),
    )
    shown = signed_in.get(page(account, "notifications")).content.decode()
    assert f"{page(account, 'notification-settings')}#post-load-hooks" in shown
    assert "/docs/account/post-load-hooks#retries" in shown


def test_a_webhook_is_deleted_after_a_question_that_names_it(signed_in, account):
    hook = make_hook(account, url=URL)
    make_delivery(hook)
    url = page(account, "hook-delete", hook_id=hook.pk)
    asked = signed_in.get(url).content.decode()
    assert URL in asked
    assert "messages that still wait are dropped" in asked
    assert account.hooks.exists()
    assert signed_in.post(url)["Location"] == page(account, "notification-settings")
    assert not account.hooks.exists()
    event = AuditEvent.objects.get(event=Event.HOOK_DELETED.value)
    assert event.object_name == URL


def test_a_destination_that_is_removed_takes_its_webhooks_with_it_and_says_so(signed_in, account, member):
    main, other = main_destination(account=account), make_postgres_destination(account)
    gone, stays = make_hook(account, destination=other), make_hook(account, destination=main)
    asked = signed_in.get(page(account, "destination-remove", destination_id=other.pk)).content.decode()
    assert "1 post-load webhook of it is deleted, with its signing secret" in asked
    remove_destination(destination=other, actor=member)
    assert list(account.hooks.all()) == [stays]
    event = AuditEvent.objects.get(event=Event.HOOK_DELETED.value)
    assert (event.object_id, event.detail["reason"]) == (gone.pk, f"{other.display_name} was removed")


def test_a_downgrade_names_and_disables_the_enabled_ones_and_an_upgrade_brings_none_back(
    signed_in, account, member
):
    on, off = make_hook(account, url=URL), make_hook(account, disabled_at=timezone.now())
    standard, premium = Plan.objects.get(slug="standard"), Plan.objects.get(slug="premium")
    names = [effect.name for effect in effects_of_plan(account=account, plan=premium, now=timezone.now())]
    assert "hooks" not in names
    [told] = [
        effect
        for effect in effects_of_plan(account=account, plan=standard, now=timezone.now())
        if effect.name == "hooks"
    ]
    assert told.sentence == "This post-load webhook will be disabled:"
    assert [thing.pk for thing in told.things] == [on.pk]
    change_plan(account=account, actor=member, plan=standard)
    assert not Hook.objects.enabled().exists()
    event = AuditEvent.objects.get(event=Event.HOOK_DISABLED.value)
    assert (event.object_id, event.detail) == (on.pk, {"reason": "Plan changed to Standard"})
    assert off.disabled_at is not None
    [told] = [
        effect
        for effect in effects_of_plan(account=account, plan=premium, now=timezone.now())
        if effect.name == "hooks"
    ]
    assert "2 webhooks stay disabled" in told.sentence
    change_plan(account=account, actor=member, plan=premium)
    assert not Hook.objects.enabled().exists()


def test_deliveries_are_listed_with_what_became_of_them(signed_in, account):
    hook = make_hook(account, url=URL)
    now = timezone.now()
    url = page(account, "hook-deliveries", hook_id=hook.pk)
    assert "Nothing was sent to this webhook yet." in signed_in.get(url).content.decode()
    waiting = make_delivery(hook, at=now, tries=2, status=503, error="The answer was 503, not 2xx.",
                            milliseconds=1234)  # fmt: skip
    due = now + timedelta(minutes=5)
    Task.objects.create(kind="hook", key=str(waiting.pk), account=account, due_at=due, facts={})
    make_delivery(hook, at=now - timedelta(hours=1), state="delivered", tries=1, status=204, milliseconds=12)
    make_delivery(hook, at=now - timedelta(hours=2), state="failed", tries=5, event="load_failed",
                  error="No connection: Connection refused.", table_name="docks")  # fmt: skip
    shown = " ".join(re.sub(r"<[^>]+>", " ", signed_in.get(url).content.decode()).split())
    for words in (
        "Waiting The answer was 503, not 2xx. 503 1,234 ms 2",
        "Delivered 204 12 ms 1",
        "Failed No connection: Connection refused. – – 5",
        "docks Failed load, fleet",
    ):
        assert words in shown
    assert due.strftime("%H:%M:%S") in shown
    assert shown.count("Replay") == 2


def test_the_list_keeps_its_number_of_queries(signed_in, account):
    hook = make_hook(account)
    url = page(account, "hook-deliveries", hook_id=hook.pk)

    def queries(address):
        with CaptureQueriesContext(connection) as captured:
            assert signed_in.get(address).status_code == 200
        return len(captured)

    make_delivery(hook)
    one = queries(url)
    one_hook = queries(page(account, "notification-settings"))
    for _ in range(3):
        make_delivery(hook)
        make_delivery(make_hook(account))
    assert queries(url) == one
    assert queries(page(account, "notification-settings")) == one_hook


def test_the_list_is_paged_and_its_panel_is_a_part_of_it(signed_in, account):
    hook = make_hook(account)
    for number in range(51):
        make_delivery(hook, table_name=f"table {number:02}", at=timezone.now() - timedelta(minutes=number))
    url = page(account, "hook-deliveries", hook_id=hook.pk)
    assert "table 50" not in signed_in.get(url).content.decode()
    last = signed_in.get(url, {"page": 2}).content.decode()
    assert "table 50" in last
    assert "looks for news" not in last
    panel = signed_in.get(url, headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith('<div id="deliveries-panel"')


def test_replay_sends_again_and_refuses_what_waits(signed_in, account):
    hook = make_hook(account)
    failed, waiting = make_delivery(hook, state="failed", tries=5), make_delivery(hook)
    for delivery in (failed, waiting):
        response = signed_in.post(page(account, "hook-replay", hook_id=hook.pk, delivery_id=delivery.pk))
        assert response["Location"] == page(account, "hook-deliveries", hook_id=hook.pk)
    text = signed_in.get(page(account, "hook-deliveries", hook_id=hook.pk)).content.decode()
    assert "The message about bikes is sent again." in text
    assert "still on its way" in text
    assert Task.objects.get().facts == {"delivery": failed.pk}


def test_another_hooks_message_is_not_replayed_through_mine(signed_in, account):
    mine, other = make_hook(account), make_hook(account)
    delivery = make_delivery(other, state="failed")
    url = page(account, "hook-replay", hook_id=mine.pk, delivery_id=delivery.pk)
    assert signed_in.post(url).status_code == 404
    stranger = make_hook(make_member().memberships.get().account)
    for name in ("hook-disable", "hook-enable", "hook-delete"):
        assert signed_in.post(page(account, name, hook_id=stranger.pk)).status_code == 404
    assert signed_in.get(page(account, "hook-deliveries", hook_id=stranger.pk)).status_code == 404
    stranger.refresh_from_db()
    assert stranger.is_enabled


def test_the_service_refuses_what_the_page_does(account, member, monkeypatch):
    monkeypatch.setattr(destination_addresses, "look_up", lambda host: [ip_address("127.0.0.1")])
    with pytest.raises(ForbiddenAddress):
        create_hook(account=account, actor=member, url=URL)
    with pytest.raises(InvalidURI):
        create_hook(account=account, actor=member, url="http://hooks.example.com/")
