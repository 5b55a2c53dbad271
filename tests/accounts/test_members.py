"""Members as services: roles, deactivation with its keys, coming back (app.md 8.3, promises P7, P8, S5, A1)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import ApiKey, Membership, Role
from accounts.services.api_keys import OwnerHasLeft, TimeIsOver, enable_api_key
from accounts.services.key_authentication import KeyRefused, RefusalReason, authenticate_api_key
from accounts.services.leavers import (
    Delete,
    Departure,
    Keep,
    NewOwnerNotActive,
    OwnPlace,
    deactivate_member,
)
from accounts.services.members import LastAdministrator, NotActive, change_role, reactivate_member
from accounts.services.seats import MemberLimitReached
from tests.factories import make_account, make_api_key, make_invitation, make_member
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
SERVER = "https://stitch.example"


@pytest.fixture
def admin(account):
    return make_member(account, role=Role.ADMINISTRATOR)


@pytest.fixture
def leaver(account, admin):
    return make_member(account, role=Role.GENERAL_USER)


def place(account, person) -> Membership:
    return account.memberships.get(user=person)


def deactivate(account, person, actor, **more) -> Departure:
    return deactivate_member(membership=place(account, person), actor=actor, server=SERVER, **more)


def works(secret, now=None) -> bool:
    try:
        authenticate_api_key(authorization=f"Bearer {secret}", now=now or timezone.now())
    except KeyRefused:
        return False
    return True


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", "object_name"))


def test_a_role_is_changed_at_once_and_the_member_is_told(account, admin, leaver):
    change_role(membership=place(account, leaver), actor=admin, role=Role.ADMINISTRATOR, server=SERVER)
    assert place(account, leaver).role == Role.ADMINISTRATOR
    event = account.audit_events.get()
    assert (event.event, event.actor, event.object_name) == ("member.role_changed", admin, leaver.email)
    assert event.detail == {"before": "General User", "after": "Administrator"}
    [sent] = sent_mails()
    assert sent.to == [leaver.email]
    assert f"{admin.get_full_name()} ({admin.email}) made you an Administrator." in sent.body


def test_the_same_role_again_changes_nothing(account, admin, leaver):
    change_role(membership=place(account, leaver), actor=admin, role=Role.GENERAL_USER, server=SERVER)
    assert events(account) == []
    assert sent_mails() == []


def test_the_last_administrator_keeps_the_role_and_the_place(account, admin, leaver):
    with pytest.raises(LastAdministrator):
        change_role(membership=place(account, admin), actor=admin, role=Role.GENERAL_USER, server=SERVER)
    with pytest.raises(LastAdministrator):
        deactivate(account, admin, admin, leaving=True)
    with pytest.raises(LastAdministrator):
        deactivate(account, admin, leaver)
    assert place(account, admin).role == Role.ADMINISTRATOR
    assert place(account, admin).deactivated_at is None
    assert events(account) == []


def test_a_deactivated_administrator_does_not_count_as_another(account, admin):
    make_member(account, role=Role.ADMINISTRATOR).memberships.update(deactivated_at=timezone.now())
    with pytest.raises(LastAdministrator):
        change_role(membership=place(account, admin), actor=admin, role=Role.GENERAL_USER, server=SERVER)


def test_somebody_deactivated_has_no_role_to_change(account, admin, leaver):
    deactivate(account, leaver, admin)
    with pytest.raises(NotActive):
        change_role(membership=place(account, leaver), actor=admin, role=Role.ADMINISTRATOR, server=SERVER)


def test_nobody_deactivates_themselves_but_they_may_leave(account, admin):
    other = make_member(account, role=Role.ADMINISTRATOR)
    with pytest.raises(OwnPlace):
        deactivate(account, other, other)
    assert events(account) == []
    deactivate(account, other, other, leaving=True)
    assert events(account) == [("member.left", other.email)]
    assert sent_mails() == []


def test_P7_D30_every_key_of_a_leaver_is_disabled_in_the_same_step(account, admin, leaver):
    key, secret = make_api_key(account, leaver, description="Nightly")
    _, others_secret = make_api_key(account, admin)
    assert works(secret)
    assert deactivate(account, leaver, admin) == Departure(disabled=1)
    key.refresh_from_db()
    assert not key.is_enabled
    assert not works(secret)
    assert works(others_secret)
    assert events(account) == [("member.deactivated", leaver.email), ("api_key.disabled", "Nightly")]
    disabled = account.audit_events.get(event="api_key.disabled")
    assert disabled.detail["reason"] == f"Its owner {leaver.email} left the account"
    assert sent_mails()[0].to == [leaver.email]


def test_D30_a_key_kept_for_good_works_in_its_new_owner_s_name(account, admin, leaver):
    key, secret = make_api_key(account, leaver)
    departure = deactivate(account, leaver, admin, choices={key.pk: Keep(admin)})
    assert departure == Departure(kept=1)
    used = authenticate_api_key(authorization=secret, now=timezone.now())
    assert (used.created_by, used.owner, used.handed_until) == (leaver, admin, None)
    event = account.audit_events.get(event="api_key.handed_over")
    assert event.detail == {"last_four": key.last_four, "before": leaver.email, "after": admin.email}


def test_D30_a_key_kept_until_a_date_stops_at_that_date_without_any_job(account, admin, leaver):
    key, secret = make_api_key(account, leaver)
    until = timezone.now() + timedelta(days=30)
    deactivate(account, leaver, admin, choices={key.pk: Keep(admin, until)})
    assert works(secret, until - timedelta(microseconds=1))
    with pytest.raises(KeyRefused) as refusal:
        authenticate_api_key(authorization=secret, now=until)
    assert refusal.value.reason == RefusalReason.TIME_OVER
    assert "until" in account.audit_events.get(event="api_key.handed_over").detail


def test_a_key_whose_time_is_over_is_not_enabled_again(account, admin, leaver):
    key, _ = make_api_key(
        account, leaver, handed_to=admin, handed_until=timezone.now(), disabled_at=timezone.now()
    )
    with pytest.raises(TimeIsOver):
        enable_api_key(key=key, actor=admin)
    assert not ApiKey.objects.get(pk=key.pk).is_enabled


def test_D30_a_key_can_be_deleted_on_the_way_out(account, admin, leaver):
    key, secret = make_api_key(account, leaver, description="Old")
    assert deactivate(account, leaver, admin, choices={key.pk: Delete()}) == Departure(deleted=1)
    assert not account.api_keys.exists()
    assert not works(secret)
    assert ("api_key.deleted", "Old") in events(account)


def test_a_kept_key_stays_off_if_it_was_off(account, admin, leaver):
    key, secret = make_api_key(account, leaver, disabled_at=timezone.now())
    deactivate(account, leaver, admin, choices={key.pk: Keep(admin)})
    assert not works(secret)
    enable_api_key(key=ApiKey.objects.get(pk=key.pk), actor=admin)
    assert works(secret)


@pytest.mark.parametrize("gone", ["leaver", "deactivated", "stranger"])
def test_A1_a_new_owner_must_be_active_and_nothing_happens_otherwise(account, admin, leaver, gone):
    key, secret = make_api_key(account, leaver)
    if gone == "leaver":
        owner = leaver
    elif gone == "stranger":
        owner = make_member()
    else:
        owner = make_member(account)
        place(account, owner).__class__.objects.filter(user=owner).update(deactivated_at=timezone.now())
    with pytest.raises(NewOwnerNotActive):
        deactivate(account, leaver, admin, choices={key.pk: Keep(owner)})
    assert place(account, leaver).deactivated_at is None
    assert works(secret)
    assert events(account) == []


def test_choices_for_other_people_s_keys_do_nothing(account, admin, leaver):
    key, secret = make_api_key(account, admin)
    other = make_account()
    make_member(other)
    foreign, foreign_secret = make_api_key(other)
    deactivate(account, leaver, admin, choices={key.pk: Delete(), foreign.pk: Delete()})
    assert works(secret)
    assert works(foreign_secret)


def test_the_new_owner_s_leaving_is_about_the_key_too(account, admin, leaver):
    second = make_member(account)
    key, secret = make_api_key(account, leaver)
    deactivate(account, leaver, admin, choices={key.pk: Keep(second)})
    assert deactivate(account, second, admin) == Departure(disabled=1)
    assert not works(secret)


def test_P7_even_a_key_that_stayed_on_is_refused_while_its_owner_is_away(account, admin, leaver):
    key, secret = make_api_key(account, leaver, handed_to=make_member(account))
    place(account, key.handed_to).delete()
    assert not works(secret)
    leaver_place = place(account, leaver)
    assert leaver_place.deactivated_at is None


def test_somebody_who_comes_back_finds_their_keys_disabled(account, admin, leaver):
    key, secret = make_api_key(account, leaver)
    deactivate(account, leaver, admin)
    with pytest.raises(OwnerHasLeft):
        enable_api_key(key=ApiKey.objects.get(pk=key.pk), actor=admin)
    reactivate_member(membership=place(account, leaver), actor=admin, server=SERVER)
    assert place(account, leaver).deactivated_at is None
    assert not works(secret)
    enable_api_key(key=ApiKey.objects.get(pk=key.pk), actor=admin)
    assert works(secret)
    assert ("member.reactivated", leaver.email) in events(account)
    assert "let you in again as a General User" in sent_mails()[-1].body


def test_reactivating_must_fit_the_plan_and_takes_over_the_place_of_an_invitation():
    account = make_account(plan="standard")
    admin, leaver = make_member(account), make_member(account)
    deactivate(account, leaver, admin)
    for _ in range(4):
        make_member(account)
    with pytest.raises(MemberLimitReached) as refusal:
        reactivate_member(membership=place(account, leaver), actor=admin, server=SERVER)
    assert "Your plan has 5 team members" in refusal.value.message
    account.memberships.exclude(user__in=[admin, leaver]).first().delete()
    invitation = make_invitation(account, email=leaver.email)
    reactivate_member(membership=place(account, leaver), actor=admin, server=SERVER)
    invitation.refresh_from_db()
    assert invitation.cancelled_at is not None


def test_deactivating_twice_changes_nothing_the_second_time(account, admin, leaver):
    deactivate(account, leaver, admin)
    before = events(account)
    assert deactivate(account, leaver, admin) == Departure()
    assert events(account) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(5))
def test_two_administrators_ending_each_other_leave_one(_):
    account = make_account()
    first, second = make_member(account), make_member(account)
    together = Barrier(4)

    def attempt(change):
        try:
            together.wait()
            change()
        except DomainError:
            return False
        finally:
            connections.close_all()
        return True

    changes = [
        partial(deactivate, account, first, second),
        partial(deactivate, account, second, first),
        partial(
            change_role, membership=place(account, first), actor=first, role=Role.GENERAL_USER, server=SERVER
        ),
        partial(
            change_role,
            membership=place(account, second),
            actor=second,
            role=Role.GENERAL_USER,
            server=SERVER,
        ),
    ]
    with ThreadPoolExecutor(len(changes)) as pool:
        assert sum(pool.map(attempt, changes)) >= 1
    assert account.memberships.active().filter(role=Role.ADMINISTRATOR).count() == 1
