"""Accept an invitation: as a new person, or with the sign-in one has (app.md 8.3, decisions D5 and D6)."""

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Invitation, Membership, Role, User
from accounts.services.account_lock import lock_account
from accounts.services.invitation_links import InvitationSpent, Opened, open_link, read_link
from accounts.services.invitations import tell_trail
from accounts.services.members import put_back
from accounts.services.seats import MemberLimitReached
from accounts.services.sessions import record_for_person
from accounts.services.sign_up import FORM_LIFETIME_SECONDS, form_key, sent_before


class SomebodyElses(DomainError):
    """An invitation is for one address; another person's sign-in does not take it."""

    code, status = "somebody_elses", 409
    message = "This invitation is for another email address than the one you are signed in with."


class HasSignIn(DomainError):
    """Somebody began to sign in with the address while the form was open."""

    code, status = "has_sign_in", 409
    message = "This email address has a sign-in already. Sign in with it to accept the invitation."


def accept_invitation(*, code: str, person: User) -> Account:
    """Give the person the place that was kept for them; the link has thereby done its one success."""
    with transaction.atomic():
        opened, account = hold(code)
        if opened.invitation.email != person.email:
            raise SomebodyElses
        admit(opened, account, person)
    return account


@sensitive_variables("password", "hashed")
def accept_as_new_person(
    *, code: str, first_name: str, last_name: str, password: str, form_id: str
) -> tuple[User, Account]:
    """Make the person and give them their place; the same form sent twice gives the same person."""
    link = read_link(code)
    if link is None:
        raise InvitationSpent
    email = link.invitation.email
    # Hashed first: it takes its time, and the transaction holds the only writer's place of an SQLite database.
    hashed = make_password(password)
    try:
        with transaction.atomic():
            opened, account = hold(code)
            person: User = User.objects.create(
                email=email, password=hashed, first_name=first_name, last_name=last_name
            )
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=False)
            admit(opened, account, person)
            cache.set(form_key(form_id), person.pk, FORM_LIFETIME_SECONDS)
    except (IntegrityError, InvitationSpent) as refusal:
        made_before = sent_before(form_id=form_id, email=email, password=password)
        if made_before is not None:
            return made_before, link.invitation.account
        if isinstance(refusal, IntegrityError) and User.objects.filter(email=email).exists():
            raise HasSignIn from refusal
        raise
    return person, account


def hold(code: str) -> tuple[Opened, Account]:
    """Lock the account of a link that works, and look again: two clicks at once are one success."""
    account = lock_account(open_link(code).invitation.account)
    return open_link(code), account


def admit(opened: Opened, account: Account, person: User) -> None:
    """Make the person an active member with the role of the invitation, and close it."""
    invitation, now = opened.invitation, timezone.now()
    membership = account.memberships.select_related("user").filter(user=person).first()
    if membership is None or membership.deactivated_at is not None:
        require_free_place(account)
    role = Role(invitation.role)
    if membership is None:
        membership = account.memberships.create(user=person, role=role)
        record(
            Event.MEMBER_JOINED,
            account=account,
            actor=person,
            target=membership,
            target_name=person.email,
            role=role.value,
        )
    elif membership.deactivated_at is not None:
        put_back(account, membership, person, role=role)
    Membership.objects.filter(pk=membership.pk).update(last_used_at=now)
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=now)
    tell_trail(Event.INVITATION_ACCEPTED, invitation, person, role=role.label)
    if opened.came_by_mail:
        confirm_address(person)


def require_free_place(account: Account) -> None:
    """Raise MemberLimitReached if active members fill the plan: it may have changed since the invitation."""
    most = account.plan.max_members
    if most is not None and account.memberships.active().count() >= most:
        raise MemberLimitReached(
            f"{account.company_name} has the {most} team members that its plan includes. Ask the person who "
            "invited you to make room; this invitation goes on working until it expires."
        )


def confirm_address(person: User) -> None:
    """Count the address as confirmed: the link was sent to it and to nobody else."""
    address, _ = EmailAddress.objects.get_or_create(
        user=person, email=person.email, defaults={"primary": True, "verified": False}
    )
    if not address.verified:
        EmailAddress.objects.filter(pk=address.pk).update(verified=True, primary=True)
        record_for_person(Event.EMAIL_CONFIRMED, person)
