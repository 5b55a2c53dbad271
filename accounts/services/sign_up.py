"""Open an account with its first member (app.md 4.1)."""

import secrets

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Membership, Plan, Role, User
from accounts.models.account import new_client_id
from accounts.services import throttle
from stitchapp import request_facts

FORM_LIFETIME_SECONDS = 60 * 60
# The form tells whether an address is in use: nobody asks it about thousands.
SIGN_UPS_FROM_HERE = throttle.Limit("sign-up", most=100, seconds=60 * 60)


class TooManySignUps(DomainError):
    """More forms came from one place than people sit there."""

    code, status = "too_many_sign_ups", 429
    message = "Too many accounts were asked for from here. Please try again in an hour."


class AddressTaken(DomainError):
    """Somebody signs in with this e-mail address already."""

    code, status = "email_taken", 409
    message = "This email address is already associated with an active user."


@sensitive_variables("password")
def sign_up(
    *,
    first_name: str,
    last_name: str,
    email: str,
    company_name: str,
    password: str,
    region: str,
    form_id: str,
) -> User:
    """Create the person, the account on the default plan and the membership of its Administrator.

    The same form sent twice gives the same person: `form_id` is its one-time id.
    """
    email = email.lower()
    if throttle.take_place(SIGN_UPS_FROM_HERE, throttle.network_of(request_facts.current().address)) is None:
        raise TooManySignUps
    # Hashed first: it takes its time, and the transaction holds the only writer's place of an SQLite database.
    hashed = make_password(password)
    try:
        with transaction.atomic():
            person: User = User.objects.create(
                email=email, password=hashed, first_name=first_name, last_name=last_name
            )
            EmailAddress.objects.create(user=person, email=email, primary=True, verified=False)
            open_account(person=person, company_name=company_name, region=region)
            cache.set(form_key(form_id), person.pk, FORM_LIFETIME_SECONDS)
    except IntegrityError as error:
        if not User.objects.filter(email=email).exists():
            raise
        made_before = sent_before(form_id=form_id, email=email, password=password)
        if made_before is None:
            raise AddressTaken from error
        return made_before
    return person


def open_another_account(*, person: User, company_name: str, region: str, form_id: str) -> Account:
    """Open an account for a person who has a sign-in; the same form sent twice opens one."""
    if throttle.take_place(SIGN_UPS_FROM_HERE, throttle.network_of(request_facts.current().address)) is None:
        raise TooManySignUps
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)  # two clicks at once, one account
        key = f"account-create:{person.pk}:{form_id}"
        made_before: Account | None = Account.objects.filter(
            pk=cache.get(key), memberships__user=person
        ).first()
        if made_before is not None:
            return made_before
        account = open_account(person=person, company_name=company_name, region=region)
        cache.set(key, account.pk, FORM_LIFETIME_SECONDS)
    return account


def open_account(*, person: User, company_name: str, region: str) -> Account:
    """Create an account with its Administrator; both leave their event in its trail."""
    account = Account.objects.create(
        client_id=free_client_id(),
        company_name=company_name,
        region=region,
        plan=Plan.objects.get(slug=settings.DEFAULT_PLAN),
    )
    membership = Membership.objects.create(
        account=account, user=person, role=Role.ADMINISTRATOR, last_used_at=timezone.now()
    )
    record(
        Event.ACCOUNT_CREATED,
        account=account,
        actor=person,
        target=account,
        target_name=company_name,
        region=region,
        plan=account.plan.slug,
    )
    record(
        Event.MEMBER_JOINED,
        account=account,
        actor=person,
        target=membership,
        target_name=person.email,
        role=membership.role,
    )
    return account


def free_client_id() -> int:
    """Return a client ID that no account has; the unique column still decides."""
    while Account.objects.filter(client_id=(client_id := new_client_id())).exists():
        pass
    return client_id


@sensitive_variables("password")
def sent_before(*, form_id: str, email: str, password: str) -> User | None:
    """Return the person whom this very form made a moment ago: a double click sends it twice."""
    person = User.objects.filter(pk=cache.get(form_key(form_id)), email=email).first()
    return person if person is not None and person.check_password(password) else None


def form_key(form_id: str) -> str:
    return f"sign-up:{form_id}"


def new_form_id() -> str:
    """Return the one-time id of a form that is being shown."""
    return secrets.token_urlsafe(16)
