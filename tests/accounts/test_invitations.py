"""Invitations as services: inviting, links, limits, accepting (app.md 8, decisions D5 and D6, promise S6)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import Invitation, Plan, Role, User
from accounts.models.invitation import LINK_LIFETIME
from accounts.services.accepting import (
    HasSignIn,
    SomebodyElses,
    accept_as_new_person,
    accept_invitation,
)
from accounts.services.invitation_links import InvitationSpent, code_to_copy, code_to_mail, open_link
from accounts.services.invitations import (
    AlreadyInvited,
    FormSpent,
    InvitationClosed,
    TooManyInvitations,
    cancel_invitation,
    change_invited_role,
    invite_member,
    resend_invitation,
)
from accounts.services.leavers import deactivate_member
from accounts.services.seats import MemberLimitReached
from accounts.services.sign_up import AddressTaken
from tests.factories import make_account, make_api_key, make_invitation, make_member, make_user
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
SERVER = "https://stitch.example"
PASSWORD = "a long enough passphrase"


@pytest.fixture
def admin(account):
    return make_member(account)


def invite(account, actor, email="new@example.com", role=Role.GENERAL_USER, **more) -> Invitation:
    return invite_member(account=account, actor=actor, email=email, role=role, server=SERVER, **more)


def mailed_code(index=-1) -> str:
    return re.search(rf"{SERVER}/invitation/(\S+)", sent_mails()[index].body)[1]


def join(code, **fields):
    fields = {"first_name": "New", "last_name": "Comer", "password": PASSWORD, "form_id": "form"} | fields
    return accept_as_new_person(code=code, **fields)


def is_confirmed(person) -> bool:
    return EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists()


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", "object_name"))


def test_an_invitation_is_sent_and_waits(account, admin):
    invitation = invite(account, admin, " New@Example.com ", Role.ADMINISTRATOR)
    assert (invitation.email, invitation.role, invitation.invited_by) == (
        "new@example.com",
        Role.ADMINISTRATOR,
        admin,
    )
    assert invitation.expires_at - invitation.sent_at == pytest.approx(
        LINK_LIFETIME, abs=timedelta(seconds=1)
    )
    [sent] = sent_mails()
    assert sent.to == ["new@example.com"]
    assert sent.subject == f"Stitch: Join {account.company_name}"
    assert f"{admin.get_full_name()} ({admin.email}) invited new@example.com" in sent.body
    assert "as an Administrator" in sent.body
    assert open_link(mailed_code()).invitation == invitation
    assert events(account) == [("invitation.sent", "new@example.com")]


def test_P3_nothing_that_opens_an_invitation_is_stored(account, admin):
    invitation = invite(account, admin)
    code = mailed_code()
    signature = code.rpartition(".")[2]
    stored = " ".join(str(value) for value in Invitation.objects.filter(pk=invitation.pk).values_list()[0])
    trail = " ".join(str(row) for row in account.audit_events.values_list())
    assert signature not in stored + trail
    assert code not in stored + trail
    assert len(signature) >= 43  # 256 bits


def test_an_active_member_s_address_is_refused_in_the_documented_words(account, admin):
    with pytest.raises(AddressTaken) as refusal:
        invite(account, admin, admin.email.upper())
    assert refusal.value.message == "This email address is already associated with an active user."
    assert events(account) == []


def test_one_open_invitation_for_an_address(account, admin):
    invite(account, admin)
    with pytest.raises(AlreadyInvited):
        invite(account, admin)
    assert account.invitations.count() == 1


def test_an_expired_invitation_is_renewed_by_inviting_again(account, admin):
    old = make_invitation(account, email="new@example.com", expires_at=timezone.now())
    code = code_to_copy(old, by=admin.memberships.get())
    renewed = invite(account, admin, role=Role.ADMINISTRATOR)
    assert renewed.pk == old.pk
    assert renewed.is_pending(timezone.now())
    assert Invitation.objects.get().role == Role.ADMINISTRATOR
    with pytest.raises(InvitationSpent):
        open_link(code)


def test_a_form_sent_twice_invites_once(account, admin):
    form_id = "6b0c9f3e-65a8-4a36-9f43-000000000001"
    first = invite(account, admin, form_id=form_id)
    assert invite(account, admin, form_id=form_id) == first
    assert len(sent_mails()) == 1
    cancel_invitation(invitation=first, actor=admin)
    with pytest.raises(FormSpent):
        invite(account, admin, form_id=form_id)
    other = make_account()
    with pytest.raises(FormSpent):
        invite(other, make_member(other), form_id=form_id)


@pytest.mark.parametrize("slug", ["free_trial", "standard", "advanced", "premium"])
def test_the_plan_s_members_count_active_and_pending(slug):
    account = make_account(plan=slug)
    admin = make_member(account)
    make_member(account).memberships.update(deactivated_at=timezone.now())
    make_invitation(account, expires_at=timezone.now())
    for number in range(4):
        invite(account, admin, f"person-{number}@elsewhere.example")
    if Plan.objects.get(slug=slug).max_members is None:
        invite(account, admin)
        return
    with pytest.raises(MemberLimitReached) as refusal:
        invite(account, admin)
    assert refusal.value.message.startswith(
        "Your plan has 5 team members; this account has 1 active and 4 pending."
    )
    with pytest.raises(MemberLimitReached):
        resend_invitation(
            invitation=account.invitations.filter(expires_at__lte=timezone.now()).get(),
            actor=admin,
            server=SERVER,
        )
    cancel_invitation(invitation=account.invitations.pending(timezone.now()).first(), actor=admin)
    invite(account, admin)


def test_a_downgrade_keeps_the_members_and_adds_none(account, admin):
    for _ in range(5):
        make_member(account)
    invitation = make_invitation(account)
    account.plan = Plan.objects.get(slug="standard")
    account.save()
    with pytest.raises(MemberLimitReached):
        join(code_to_mail(invitation))
    assert account.memberships.active().count() == 6
    for membership in account.memberships.exclude(user=admin)[:2]:
        deactivate_member(membership=membership, actor=admin, server=SERVER)
    join(code_to_mail(invitation))
    assert account.memberships.active().count() == 5


def test_S6_sending_again_ends_every_earlier_link(account, admin):
    invitation = invite(account, admin)
    earlier = [mailed_code(), code_to_copy(invitation, by=admin.memberships.get())]
    resend_invitation(invitation=invitation, actor=admin, server=SERVER)
    for code in earlier:
        with pytest.raises(InvitationSpent):
            open_link(code)
    assert open_link(mailed_code()).invitation == invitation
    assert events(account)[-1] == ("invitation.resent", "new@example.com")


def test_S6_a_link_works_for_seven_days(account, admin):
    invitation = make_invitation(account)
    code = code_to_mail(invitation)
    open_link(code)
    Invitation.objects.update(expires_at=timezone.now())
    with pytest.raises(InvitationSpent):
        open_link(code)


def test_a_cancelled_invitation_is_over(account, admin):
    invitation = make_invitation(account)
    code = code_to_mail(invitation)
    cancel_invitation(invitation=invitation, actor=admin)
    with pytest.raises(InvitationSpent):
        join(code)
    for change in (
        lambda: cancel_invitation(invitation=invitation, actor=admin),
        lambda: resend_invitation(invitation=invitation, actor=admin, server=SERVER),
        lambda: change_invited_role(invitation=invitation, actor=admin, role=Role.ADMINISTRATOR),
    ):
        with pytest.raises(InvitationClosed):
            change()
    assert events(account) == [("invitation.cancelled", invitation.email)]


def test_the_role_can_change_before_acceptance(account, admin):
    invitation = make_invitation(account)
    code = code_to_mail(invitation)
    change_invited_role(invitation=invitation, actor=admin, role=Role.ADMINISTRATOR)
    person, _ = join(code)
    assert person.memberships.get().role == Role.ADMINISTRATOR
    changed = account.audit_events.get(event="invitation.role_changed")
    assert changed.detail == {"before": "General User", "after": "Administrator"}


@pytest.mark.parametrize(
    "code", ["", "new", "1", "1-abc", "x.y", "1-abc.def", "1-abc." + "A" * 43, "\x00", "é.é"]
)
def test_S6_made_up_links_open_nothing(account, admin, code):
    make_invitation(account)
    with pytest.raises(InvitationSpent):
        open_link(code)


def test_accepting_as_a_new_person(account, admin):
    invite(account, admin)
    person, joined = join(mailed_code())
    assert joined == account
    assert (person.email, person.get_full_name()) == ("new@example.com", "New Comer")
    assert person.check_password(PASSWORD)
    membership = person.memberships.get()
    assert (membership.account, membership.role) == (account, Role.GENERAL_USER)
    assert is_confirmed(person)
    assert ("member.joined", "new@example.com") in events(account)
    assert ("invitation.accepted", "new@example.com") in events(account)


def test_S6_one_success(account, admin):
    invite(account, admin)
    code = mailed_code()
    person, _ = join(code)
    with pytest.raises(InvitationSpent):
        join(code, form_id="another", first_name="Somebody", last_name="Else")
    with pytest.raises(InvitationSpent):
        accept_invitation(code=code, person=person)
    assert account.memberships.count() == 2


def test_a_double_click_makes_one_person_and_refuses_neither(account, admin):
    code = code_to_mail(make_invitation(account))
    first, _ = join(code)
    again, _ = join(code)
    assert first == again
    with pytest.raises(InvitationSpent):
        join(code, password="another long passphrase")


def test_a_copied_link_proves_no_address(account, admin):
    person, _ = join(code_to_copy(make_invitation(account), by=admin.memberships.get()))
    assert not is_confirmed(person)
    assert EmailAddress.objects.filter(user=person, email=person.email, verified=False).exists()


def test_a_copied_link_ends_with_the_place_of_who_copied_it(account, admin):
    leaver = make_member(account, role=Role.ADMINISTRATOR)
    invitation = make_invitation(account)
    theirs = code_to_copy(invitation, by=leaver.memberships.get())
    assert open_link(theirs).invitation == invitation
    deactivate_member(membership=leaver.memberships.get(), actor=admin, server=SERVER)
    with pytest.raises(InvitationSpent):
        open_link(theirs)
    assert open_link(code_to_copy(invitation, by=admin.memberships.get())).invitation == invitation
    assert open_link(code_to_mail(invitation)).invitation == invitation


def test_D5_accepting_with_the_sign_in_one_has(account, admin):
    person = make_member()
    invite(account, admin, person.email, Role.ADMINISTRATOR)
    accept_invitation(code=mailed_code(), person=person)
    assert person.memberships.get(account=account).role == Role.ADMINISTRATOR
    assert person.memberships.count() == 2
    assert is_confirmed(person)


def test_an_invitation_is_for_its_own_address(account, admin):
    code = code_to_mail(make_invitation(account))
    with pytest.raises(SomebodyElses):
        accept_invitation(code=code, person=make_member())
    open_link(code)


def test_an_address_that_came_into_use_meanwhile(account, admin):
    invitation = make_invitation(account)
    make_user(email=invitation.email)
    with pytest.raises(HasSignIn):
        join(code_to_mail(invitation))
    open_link(code_to_mail(invitation))


def test_row27_an_invitation_lets_a_deactivated_member_in_again_with_its_role(account, admin):
    person = make_member(account, role=Role.GENERAL_USER)
    key, _ = make_api_key(account, person)
    deactivate_member(membership=person.memberships.get(), actor=admin, server=SERVER)
    invite(account, admin, person.email, Role.ADMINISTRATOR)
    accept_invitation(code=mailed_code(), person=person)
    membership = person.memberships.get()
    assert (membership.role, membership.deactivated_at) == (Role.ADMINISTRATOR, None)
    key.refresh_from_db()
    assert not key.is_enabled
    assert ("member.reactivated", person.email) in events(account)


def test_one_mailbox_is_not_flooded(account, admin):
    invitation = invite(account, admin)
    for sent in range(1, 5):
        assert len(sent_mails()) == sent
        resend_invitation(invitation=invitation, actor=admin, server=SERVER)
    code = mailed_code()
    with pytest.raises(TooManyInvitations):
        resend_invitation(invitation=invitation, actor=admin, server=SERVER)
    open_link(code)  # what was not sent did not replace the link
    assert len(sent_mails()) == 5


def race(*changes) -> list[bool]:
    together = Barrier(len(changes))

    def attempt(change):
        try:
            together.wait()
            change()
        except DomainError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(len(changes)) as pool:
        return list(pool.map(attempt, changes))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_two_administrators_inviting_the_same_address_make_one_invitation(_):
    account = make_account()
    admins = [make_member(account) for _ in range(6)]
    outcome = race(*[lambda actor=actor: invite(account, actor) for actor in admins])
    assert sum(outcome) == 1
    assert account.invitations.count() == 1
    assert account.audit_events.filter(event="invitation.sent").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_the_plan_s_limit_holds_under_race(_):
    account = make_account(plan="standard")
    admin = make_member(account)
    make_member(account)
    outcome = race(
        *[
            lambda number=number: invite(account, admin, f"person{number}@elsewhere.example")
            for number in range(10)
        ]
    )
    assert sum(outcome) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(3))
def test_S6_two_clicks_at_once_are_one_success(_):
    account = make_account()
    make_member(account)
    code = code_to_mail(make_invitation(account))
    outcome = race(
        *[
            lambda number=number: join(code, form_id=f"form{number}", last_name=f"N{number}")
            for number in range(5)
        ]
    )
    assert sum(outcome) == 1
    assert account.memberships.count() == 2
    assert User.objects.count() == 2
