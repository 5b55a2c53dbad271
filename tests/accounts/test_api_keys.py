"""API access keys as services: their rules, whoever asks (app.md 6, promises P5-P8)."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event
from accounts.errors import PlanRequired
from accounts.lines import LineRefused, clean_line
from accounts.models import MAX_API_KEYS, Account, ApiKey, AuditEvent, Plan
from accounts.services.api_keys import (
    AlreadyCreated,
    KeyLimitReached,
    OwnerHasLeft,
    create_api_key,
    delete_api_key,
    disable_api_key,
    enable_api_key,
)
from accounts.services.plans import (
    PlanChangeClosed,
    PlanNotOffered,
    change_plan,
    effects_of_plan,
)
from tests.factories import make_account, make_api_key, make_member

pytestmark = pytest.mark.django_db
RACERS = 50
ROUNDS = int(os.environ.get("RACE_ROUNDS", "5"))


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


def plan(slug):
    return Plan.objects.get(slug=slug)


def effects_of(slug, account):
    return effects_of_plan(account=account, plan=plan(slug), now=timezone.now())


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", "object_id", "object_name"))


def test_K20_a_key_is_created_with_its_secret(account, member):
    key, secret = create_api_key(account=account, actor=member, description="  Salesforce integrations ")

    assert secrets.is_well_formed(secret, secrets.API_KEY_PREFIX)
    key.refresh_from_db()
    assert bytes(key.digest) == secrets.digest(secret)
    assert key.last_four == secret[-4:]
    assert (key.description, key.created_by, key.is_enabled) == ("Salesforce integrations", member, True)
    assert events(account) == [("api_key.created", key.pk, "Salesforce integrations")]
    assert AuditEvent.objects.get().detail == {"last_four": secret[-4:]}


def test_K07_K08_eleventh_key_is_refused_enabled_and_disabled_together(account, member):
    for number in range(MAX_API_KEYS):
        key, _ = make_api_key(account, disabled_at=timezone.now() if number == 0 else None)

    with pytest.raises(KeyLimitReached):
        create_api_key(account=account, actor=member, description="One more")
    assert account.api_keys.count() == MAX_API_KEYS

    delete_api_key(key=key, actor=member)
    create_api_key(account=account, actor=member, description="In its place")
    assert account.api_keys.count() == MAX_API_KEYS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(ROUNDS))
def test_P6_of_fifty_parallel_creates_with_nine_present_one_succeeds(_):
    account = make_account()
    member = make_member(account)
    for _number in range(MAX_API_KEYS - 1):
        make_api_key(account)
    together = Barrier(RACERS)

    def create(number):
        try:
            together.wait()
            create_api_key(account=account, actor=member, description=f"Racer {number}")
        except KeyLimitReached:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(RACERS) as pool:
        assert sum(pool.map(create, range(RACERS))) == 1
    assert account.api_keys.count() == MAX_API_KEYS
    assert account.audit_events.filter(event=Event.API_KEY_CREATED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_P8_no_key_slips_through_while_the_plan_changes():
    account = make_account()
    member = make_member(account)
    keys = [make_api_key(account, disabled_at=timezone.now())[0] for _ in range(8)]
    together = Barrier(len(keys) + 3)

    def attempt(change):
        try:
            together.wait()
            change()
        except PlanRequired:
            pass
        finally:
            connections.close_all()

    changes = [partial(enable_api_key, key=key, actor=member) for key in keys]
    changes += [
        partial(create_api_key, account=account, actor=member, description=f"Meanwhile {n}") for n in (1, 2)
    ]
    changes.append(partial(change_plan, account=account, actor=member, plan=plan("standard")))
    with ThreadPoolExecutor(len(changes)) as pool:
        list(pool.map(attempt, changes))
    assert Account.objects.get(pk=account.pk).plan.slug == "standard"
    assert not account.api_keys.enabled().exists()


def test_P5_a_form_sent_twice_creates_one_and_shows_nothing_again(account, member):
    form_id = uuid4()
    create_api_key(account=account, actor=member, description="Once", form_id=form_id)
    with pytest.raises(AlreadyCreated):
        create_api_key(account=account, actor=member, description="Once", form_id=form_id)
    assert account.api_keys.count() == 1


@pytest.mark.parametrize("slug", ["free_trial", "advanced", "premium"])
def test_K12_plans_with_api_access(slug):
    account = make_account(plan=slug)
    create_api_key(account=account, actor=make_member(account), description="Allowed")
    assert account.api_keys.count() == 1


def test_K12_standard_is_refused():
    account = make_account(plan="standard")
    with pytest.raises(PlanRequired) as refusal:
        create_api_key(account=account, actor=make_member(account), description="Refused")
    assert refusal.value.message == (
        "API access comes with the Advanced and Premium plans and with the free trial."
    )
    assert not account.api_keys.exists()


def test_K12_a_trial_that_has_run_out_is_refused():
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=14))
    with pytest.raises(PlanRequired):
        create_api_key(account=account, actor=make_member(account), description="Late")


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_K18_a_blank_description_is_refused(account, member, text):
    with pytest.raises(LineRefused) as refusal:
        create_api_key(account=account, actor=member, description=text)
    assert refusal.value.message == "This field is required"
    assert not account.api_keys.exists()


def test_K18_a_description_has_at_most_255_characters(account, member):
    create_api_key(account=account, actor=member, description="x" * 255)
    with pytest.raises(LineRefused):
        create_api_key(account=account, actor=member, description="x" * 256)


@pytest.mark.parametrize(
    "forged", ["a\r\nb", "a\x1b[2Kb", "a\x00b", "a\u2028b", "a\u202eb", "a\x85b", "a\ud800b"]
)
def test_A4_a_description_cannot_forge_a_line(forged):
    with pytest.raises(LineRefused):
        clean_line(forged)


@pytest.mark.parametrize("honest", ["Überschuß", "数据", "a\u00a0b", "👩\u200d💻 laptop"])
def test_A4_every_language_may_describe(honest):
    assert clean_line(honest) == honest


def test_K29_K30_disable_and_re_enable_keep_the_secret(account, member):
    key, secret = make_api_key(account)
    disable_api_key(key=key, actor=member)
    assert not ApiKey.objects.get().is_enabled
    disable_api_key(key=key, actor=member)
    enable_api_key(key=key, actor=member)
    enable_api_key(key=key, actor=member)
    stored = ApiKey.objects.get()
    assert stored.is_enabled
    assert bytes(stored.digest) == secrets.digest(secret)
    assert [event for event, _, _ in events(account)] == ["api_key.disabled", "api_key.enabled"]


def test_K28_delete_removes_the_row_and_tells_the_trail_which_it_was(account, member):
    key, _ = make_api_key(account, description="Old scheduler")
    pk, last_four = key.pk, key.last_four
    delete_api_key(key=key, actor=member)
    assert not ApiKey.objects.exists()
    assert events(account) == [("api_key.deleted", pk, "Old scheduler")]
    assert AuditEvent.objects.get().detail == {"last_four": last_four}


def test_K14_a_key_of_somebody_who_left_stays_disabled(account, member):
    leaver = make_member(account)
    key, _ = make_api_key(account, leaver, disabled_at=timezone.now())
    leaver.memberships.update(deactivated_at=timezone.now())
    with pytest.raises(OwnerHasLeft):
        enable_api_key(key=key, actor=member)


def test_K13_P8_a_downgrade_disables_every_key_and_says_so(account, member):
    keys = [make_api_key(account)[0] for _ in range(3)]
    off, _ = make_api_key(account, disabled_at=timezone.now())
    [effect] = [e for e in effects_of("standard", account) if e.name == "api_keys"]
    assert [thing.pk for thing in effect.things] == [key.pk for key in keys[::-1]]
    assert not [e for e in effects_of("premium", account) if e.name == "api_keys"]

    done = change_plan(account=account, actor=member, plan=plan("standard"))

    assert done[0] == "3 API access keys were disabled."

    assert Account.objects.get().plan.slug == "standard"
    assert not account.api_keys.enabled().exists()
    assert account.api_keys.count() == 4
    assert [event for event, _, _ in events(account)] == ["account.plan_changed"] + ["api_key.disabled"] * 3
    with pytest.raises(PlanRequired):
        enable_api_key(key=off, actor=member)


def test_K14_P8_an_upgrade_re_enables_none(account, member):
    key, _ = make_api_key(account)
    change_plan(account=account, actor=member, plan=plan("standard"))
    assert change_plan(account=account, actor=member, plan=plan("premium")) == []
    assert not account.api_keys.enabled().exists()
    enable_api_key(key=key, actor=member)
    assert account.api_keys.enabled().count() == 1


def test_K14_leaving_a_trial_that_has_run_out_counts_as_a_downgrade():
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=15))
    member = make_member(account)
    make_api_key(account)
    assert change_plan(account=account, actor=member, plan=plan("advanced")) == [
        "1 API access key was disabled."
    ]
    assert not account.api_keys.enabled().exists()


def test_K12_leaving_a_running_trial_for_advanced_keeps_the_keys():
    account = make_account(plan="free_trial", trial_started_at=timezone.now())
    member = make_member(account)
    make_api_key(account)
    assert change_plan(account=account, actor=member, plan=plan("advanced")) == []
    assert account.api_keys.enabled().count() == 1


def test_P8_A1_a_failure_in_the_middle_leaves_neither_half(account, member, monkeypatch):
    make_api_key(account)
    make_api_key(account)
    calls = []

    def fail_at_the_second(key):
        calls.append(key)
        if len(calls) == 2:
            raise RuntimeError
        return True

    monkeypatch.setattr("accounts.services.api_keys.switch_off", fail_at_the_second)
    with pytest.raises(RuntimeError):
        change_plan(account=account, actor=member, plan=plan("standard"))
    assert Account.objects.get().plan.slug == "advanced"
    assert account.api_keys.enabled().count() == 2
    assert not AuditEvent.objects.exists()


def test_A1_what_is_not_recorded_does_not_happen(account, member, monkeypatch):
    key, _ = make_api_key(account)

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.services.api_keys.record", fail)
    for change in (
        lambda: create_api_key(account=account, actor=member, description="New"),
        lambda: disable_api_key(key=key, actor=member),
        lambda: delete_api_key(key=key, actor=member),
    ):
        with pytest.raises(RuntimeError):
            change()
    assert account.api_keys.get().is_enabled


def test_changing_to_the_same_plan_changes_nothing(account, member):
    assert change_plan(account=account, actor=member, plan=plan("advanced")) == []
    assert not AuditEvent.objects.exists()


def test_nobody_chooses_the_trial(account, member):
    with pytest.raises(PlanNotOffered):
        change_plan(account=account, actor=member, plan=plan("free_trial"))


def test_an_operator_can_keep_plan_changes_to_the_admin(account, member, settings):
    settings.PLAN_SELF_SERVICE = False
    with pytest.raises(PlanChangeClosed):
        change_plan(account=account, actor=member, plan=plan("premium"))
    change_plan(account=account, actor=member, plan=plan("premium"), by_staff=True)
    assert AuditEvent.objects.get().by_staff
