"""The end of a free trial: as a downgrade, once, and with the refusal before it is written down (app.md 17, row 4)."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import PlanRequired
from accounts.models import Account, AuditEvent, Plan
from accounts.services.api_keys import enable_api_key
from accounts.services.key_authentication import KeyRefused, authenticate_api_key
from accounts.services.plan_terms import change_plan_terms
from accounts.services.plans import change_plan
from accounts.services.tasks import TaskFailed
from accounts.services.trials import TrialIsOver, end_trial_if_over, end_trials
from integrations.models import Kind
from integrations.services.integrations import (
    create_integration,
    pause_integration,
    resume_integration,
)
from integrations.services.token_authentication import (
    TokenRefusalReason,
    TokenRefused,
    authenticate_access_token,
)
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_member,
    make_user,
)
from tests.pages import Page
from tests.server import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    """An account whose trial ran out an hour ago."""
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=14, hours=1))
    make_member(account)
    return account


@pytest.fixture
def member(account):
    return account.memberships.get().user


def plan(slug):
    return Plan.objects.get(slug=slug)


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", flat=True))


def test_keys_are_disabled_and_integrations_paused_and_it_is_told(account, member):
    key, _ = make_api_key(account)
    running = make_integration(account)
    by_hand = make_integration(account, paused_at=timezone.now())
    end_trials(timezone.now())
    for thing in (account, key, running, by_hand):
        thing.refresh_from_db()
    assert account.trial_ended_at is not None
    assert not key.is_enabled
    assert running.system_paused_at is not None
    assert by_hand.system_paused_at is None
    assert events(account) == ["account.trial_ended", "api_key.disabled", "integration.paused"]
    assert set(account.audit_events.values_list("actor", flat=True)) == {None}
    assert account.notifications.open().get().kind == Kind.FREE_TRIAL_EXPIRATION.stored


def test_a_worker_knows_the_timed_work_and_a_change_all_its_effects():
    code = (
        "from accounts.services.plan_effects import KINDS; from accounts.services.tasks import HANDLERS; "
        "print(*KINDS, *HANDLERS)"
    )
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "-v0", "-c", code]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    ran = subprocess.run(shell, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    effects = {"api_keys", "integrations", "destinations", "reports", "hooks", "row_warnings"}
    timed = {"end_trials", "pause_inactive", "pause_long_holds", "end_row_warnings", "weigh_rows"}
    assert effects | timed <= set(ran.stdout.split())


def test_it_happens_once(account, member):
    end_trials(timezone.now())
    end_trials(timezone.now())
    assert end_trial_if_over(account=account, now=timezone.now()) == []
    assert events(account) == ["account.trial_ended"]
    assert account.notifications.get().occurrences == 1


def test_a_running_trial_and_a_plan_without_one_go_on(member):
    running = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=13))
    not_begun = make_account(plan="free_trial")
    paid = make_account(plan="advanced", trial_started_at=timezone.now() - timedelta(days=100))
    for account in (running, not_begun, paid):
        make_member(account)
        make_api_key(account)
    end_trials(timezone.now())
    for account in (running, not_begun, paid):
        assert account.api_keys.enabled().count() == 1
        assert not account.audit_events.exists()


def test_a_closed_account_is_told_nothing_of_its_trial(account, member):
    account.closed_at = timezone.now()
    account.save(update_fields=["closed_at"])
    end_trials(timezone.now())
    assert not account.audit_events.exists()
    assert not account.notifications.exists()


def test_P7_keys_and_tokens_are_refused_before_it_is_written_down(account, member):
    _, key_secret = make_api_key(account)
    _, token_secret = make_access_token(make_integration(account))
    now = timezone.now()
    with pytest.raises(KeyRefused):
        authenticate_api_key(authorization=f"Bearer {key_secret}", now=now)
    with pytest.raises(TokenRefused) as refused:
        authenticate_access_token(authorization=f"Bearer {token_secret}", now=now)
    assert refused.value.reason is TokenRefusalReason.TRIAL_OVER
    assert refused.value.connection_is_inactive
    an_hour_ago = now - timedelta(hours=2)
    assert authenticate_access_token(authorization=f"Bearer {token_secret}", now=an_hour_ago)


def test_a_push_is_answered_like_one_to_a_paused_integration(account, member, client):
    _, secret = make_access_token(make_integration(account))
    response = client.post(
        "/v2/import/push", [], content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )
    assert (response.status_code, "Connection is not active" in response.content.decode()) == (401, True)


def test_nothing_is_resumed_or_added_before_a_plan_is_chosen(account, member, client):
    integration = make_integration(account)
    end_trials(timezone.now())
    integration.refresh_from_db()
    with pytest.raises(TrialIsOver):
        resume_integration(integration=integration, actor=member)
    with pytest.raises(TrialIsOver):
        create_integration(account=account, actor=member, display_name="One more")
    key, _ = make_api_key(account, disabled_at=timezone.now())
    with pytest.raises(PlanRequired):
        enable_api_key(key=key, actor=member)
    client.force_login(member)
    pages = f"/client/{account.client_id}/pipeline/connections"
    response = client.post(f"{pages}/{integration.pk}/resume")
    assert response.status_code == 403
    assert "Your free trial has ended. Choose a plan on the Billing page" in Page(response).words


def test_K14_a_plan_brings_nothing_back_by_itself(account, member):
    make_api_key(account)
    integration = make_integration(account)
    end_trials(timezone.now())
    change_plan(account=account, actor=member, plan=plan("advanced"))
    integration.refresh_from_db()
    assert not account.api_keys.enabled().exists()
    assert integration.is_paused
    assert not account.notifications.standing().exists()
    assert Account.objects.get(pk=account.pk).trial_ended_at is None
    assert not resume_integration(integration=integration, actor=member).is_paused


def test_choosing_a_plan_before_it_is_written_down_ends_the_trial_first(account, member):
    key, _ = make_api_key(account)
    integration = make_integration(account)
    done = change_plan(account=account, actor=member, plan=plan("advanced"))
    assert done == ["1 API access key was disabled.", "1 integration was paused."]
    key.refresh_from_db()
    integration.refresh_from_db()
    assert (key.is_enabled, integration.is_paused) == (False, True)
    assert not account.notifications.standing().exists()
    assert events(account) == [
        "account.trial_ended",
        "api_key.disabled",
        "integration.paused",
        "account.plan_changed",
    ]


def test_the_page_names_the_integrations_that_stay_paused(account, member, client):
    make_integration(account, display_name="Bike Fleet", schema_name="bike_fleet")
    pause_integration(integration=make_integration(account, display_name="By hand"), actor=member)
    end_trials(timezone.now())
    client.force_login(member)
    shown = Page(client.get(f"/client/{account.client_id}/account/plans/advanced"))
    assert (
        "No integration that was paused when the trial ended goes on by itself. Resume by hand: "
        "bike_fleet Bike Fleet"
    ) in shown.words
    assert "By hand" not in shown.words.replace("Resume by hand", "")


def test_staff_can_give_back_no_trial_that_has_run_out(account, member):
    change_plan(account=account, actor=member, plan=plan("advanced"))
    key, _ = make_api_key(account)
    staff = make_user(is_staff=True)
    change_plan(account=account, actor=staff, plan=plan("free_trial"), by_staff=True)
    key.refresh_from_db()
    assert not key.is_enabled
    assert account.notifications.open().get().kind == Kind.FREE_TRIAL_EXPIRATION.stored


def test_more_trial_days_end_the_end(account, member):
    end_trials(timezone.now())
    staff = make_user(is_staff=True)
    change_plan_terms(plan=account.plan, actor=staff, terms={"trial_days": 30})
    account.refresh_from_db()
    assert account.trial_ended_at is None
    assert not account.notifications.standing().exists()
    end_trials(timezone.now() + timedelta(days=16))
    account.refresh_from_db()
    assert account.trial_ended_at is not None


def test_P8_fewer_trial_days_end_trials_at_once(member):
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=10))
    make_member(account)
    key, _ = make_api_key(account)
    done = change_plan_terms(plan=account.plan, actor=make_user(is_staff=True), terms={"trial_days": 7})
    key.refresh_from_db()
    assert not key.is_enabled
    assert f"{account}: 1 API access key was disabled." in done
    account.refresh_from_db()
    assert account.trial_ended_at is not None


def test_P8_a_failure_in_the_middle_leaves_neither_half(account, member, monkeypatch):
    key, _ = make_api_key(account)
    make_integration(account)

    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr("integrations.services.plan_effects.pause_by_system", fail)
    with pytest.raises(TaskFailed, match=str(account.client_id)):
        end_trials(timezone.now())
    key.refresh_from_db()
    account.refresh_from_db()
    assert key.is_enabled
    assert account.trial_ended_at is None
    assert not AuditEvent.objects.exists()
