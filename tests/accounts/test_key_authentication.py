"""Who holds a key: the look-up, its one refusal, last use and counted refusals (P2, P4, P7, P9, P10, D29)."""

from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.http import HttpResponse
from django.utils import timezone

from accounts import secrets
from accounts.models import ApiKey, ApiKeyRefusal, Plan
from accounts.services.api_keys import delete_api_key, disable_api_key
from accounts.services.key_authentication import KeyRefused, RefusalReason, authenticate_api_key
from accounts.services.plans import change_plan
from accounts.services.refusals import MAX_KEPT, gathered
from stitchapp.middleware import RequestIdMiddleware
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


def authenticate(secret, now=None):
    return authenticate_api_key(authorization=f"Bearer {secret}", now=now or timezone.now())


def reason_for(secret, now=None):
    with pytest.raises(KeyRefused) as refusal:
        authenticate(secret, now)
    assert (refusal.value.status, str(refusal.value)) == (401, "Not Authorized")
    return refusal.value.reason


def test_K01_K03_a_key_opens_its_own_account(account):
    other = make_account()
    make_member(other)
    make_api_key(other)
    key, secret = make_api_key(account)
    assert authenticate(secret) == key
    assert authenticate(secret).account == account


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {} ", "{}"])
def test_K01_ways_to_send_a_key(account, header):
    key, secret = make_api_key(account)
    assert authenticate_api_key(authorization=header.format(secret), now=timezone.now()) == key


def test_P2_a_typo_costs_no_query(account, django_assert_num_queries):
    _, secret = make_api_key(account)
    wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    with django_assert_num_queries(0):
        for sent in (wrong, "", "x", "ü" * 55, secrets.generate(secrets.ACCESS_TOKEN_PREFIX)):
            assert reason_for(sent) == RefusalReason.MALFORMED


def test_P9_an_unknown_key_costs_one_look_up_and_no_write(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert reason_for(secrets.generate(secrets.API_KEY_PREFIX)) == RefusalReason.UNKNOWN


def test_P4_a_key_that_is_admitted_costs_one_look_up(account, django_assert_num_queries):
    key, secret = make_api_key(account, make_member(account))
    authenticate(secret)  # the first use of the minute is noted
    with django_assert_num_queries(1):
        found = authenticate(secret)
        assert (found, found.account, found.account.plan) == (key, account, account.plan)
        assert found.account.plan.api_access is True
    assert (found.owner, found.description) == (key.created_by, key.description)


def test_P4_checking_a_key_calls_no_password_hasher(account, monkeypatch):
    _, secret = make_api_key(account)
    monkeypatch.setattr(hashers, "get_hasher", lambda *args: pytest.fail("a hasher was asked for"))
    authenticate(secret)


def test_P4_a_new_secret_key_leaves_keys_working(account, settings):
    key, secret = make_api_key(account)
    settings.SECRET_KEY = secrets.generate("other") * 2
    assert authenticate(secret) == key


def test_a_token_of_the_import_api_is_no_key(account):
    _, secret = make_access_token(make_integration(account))
    assert reason_for(secret) == RefusalReason.MALFORMED


def test_K29_P7_every_end_is_at_once(account):
    member = account.memberships.get().user
    disabled, disabled_secret = make_api_key(account)
    deleted, deleted_secret = make_api_key(account)
    left, left_secret = make_api_key(account, make_member(account))
    _, downgraded_secret = make_api_key(account)
    for secret in (disabled_secret, deleted_secret, left_secret, downgraded_secret):
        authenticate(secret)

    disable_api_key(key=disabled, actor=member)
    assert reason_for(disabled_secret) == RefusalReason.DISABLED
    delete_api_key(key=deleted, actor=member)
    assert reason_for(deleted_secret) == RefusalReason.UNKNOWN
    left.created_by.memberships.update(deactivated_at=timezone.now())
    assert reason_for(left_secret) == RefusalReason.OWNER_LEFT
    change_plan(account=account, actor=member, plan=Plan.objects.get(slug="standard"))
    assert reason_for(downgraded_secret) == RefusalReason.DISABLED


def test_K12_a_key_ends_with_the_trial():
    now = timezone.now()
    account = make_account(plan="free_trial", trial_started_at=now)
    make_member(account)
    _, secret = make_api_key(account)
    authenticate(secret, now + timedelta(days=14, microseconds=-1))
    assert reason_for(secret, now + timedelta(days=14)) == RefusalReason.PLAN


def test_P10_last_use_is_noted_with_its_facts(account, rf):
    _, secret = make_api_key(account)
    now = timezone.now()

    def view(request):
        authenticate(secret, now)
        return HttpResponse()

    RequestIdMiddleware(view)(rf.get("/", REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="curl/8"))
    key = ApiKey.objects.get()
    assert (key.last_used_at, key.last_used_address, key.last_used_client) == (now, "192.0.2.7", "curl/8")


def test_D29_refusals_of_a_known_key_are_gathered_and_written_in_one_go(
    account, rf, notes_wait, django_assert_num_queries
):
    _, secret = make_api_key(account, disabled_at=timezone.now())
    now = timezone.now().replace(second=30)

    def view(request):
        reason_for(secret, now)
        return HttpResponse()

    for address in ("192.0.2.7", "192.0.2.8"):
        with django_assert_num_queries(1):
            RequestIdMiddleware(view)(rf.get("/", REMOTE_ADDR=address))
    assert not ApiKeyRefusal.objects.exists()
    gathered.write_now()
    refusal = ApiKeyRefusal.objects.get()
    assert (refusal.count, refusal.reason, refusal.address) == (2, "disabled", "192.0.2.8")
    assert refusal.minute == now.replace(second=0, microsecond=0)


@pytest.mark.django_db(transaction=True)
def test_D29_gathered_refusals_of_a_key_that_was_deleted_are_dropped(account, notes_wait):
    deleted, gone = make_api_key(account, disabled_at=timezone.now())
    _, kept = make_api_key(account, disabled_at=timezone.now())
    reason_for(gone)
    reason_for(kept)
    deleted.delete()
    gathered.write_now()
    gathered.write_now()
    assert [refusal.count for refusal in ApiKeyRefusal.objects.all()] == [1]


def test_D32_refusals_are_kept_up_to_a_cap(account):
    key, secret = make_api_key(account, disabled_at=timezone.now())
    start = timezone.now().replace(second=0, microsecond=0)
    for minute in range(MAX_KEPT + 3):
        reason_for(secret, start + timedelta(minutes=minute))
    kept = key.refusals.order_by("minute")
    assert kept.count() == MAX_KEPT
    assert kept.first().minute == start + timedelta(minutes=3)


def test_P3_no_log_line_holds_a_secret(account, caplog):
    caplog.set_level("DEBUG")
    _, secret = make_api_key(account, disabled_at=timezone.now())
    unknown = secrets.generate(secrets.API_KEY_PREFIX)
    reason_for(secret)
    reason_for(unknown)
    lines = [str(vars(record)) for record in caplog.records if record.name == "accounts.keys"]
    assert len(lines) == 2
    assert not [line for line in lines if secret[9:] in line or unknown[9:] in line]
