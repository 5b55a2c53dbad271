"""The people of the demo account: everybody that the Members tab and the leaver's desk can show."""

import secrets
from datetime import timedelta

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Account, Membership, Role, User
from accounts.services import key_clients, last_use
from accounts.services.api_keys import create_api_key
from accounts.services.closing import close_account
from accounts.services.invitations import invite_member
from accounts.services.key_authentication import authenticate_api_key
from accounts.services.leavers import Keep, deactivate_member
from accounts.services.second_factor import add_app, begin_enrolment
from accounts.services.sign_up import open_account
from stitchapp import request_facts

COLLEAGUES = {
    "Grace": ("Hopper", Role.GENERAL_USER),
    "Emmy": ("Noether", Role.ADMINISTRATOR),
    "Luca": ("Pacioli", Role.GENERAL_USER),
    "Blaise": ("Pascal", Role.GENERAL_USER),
}
INVOICE_ADMIN = "Luca"
INVITED = {"sofia": Role.GENERAL_USER, "alan": Role.ADMINISTRATOR, "emil": Role.GENERAL_USER}
EXPIRED = "emil"
WITH_TWO_FACTOR = "Luca"


def add_people(*, account: Account, admin: User, domain: str, server: str) -> None:
    """Add members of each role, invitations that wait and one that expired, and the Administrator's second account."""
    with transaction.atomic():
        for name, (last, role) in COLLEAGUES.items():
            password = secrets.token_urlsafe(12)
            person = User.objects.create_user(
                f"{name.lower()}@{domain}", password, first_name=name, last_name=last
            )
            Membership.objects.create(
                account=account, user=person, role=role, invoice_admin=name == INVOICE_ADMIN
            )
        open_account(person=admin, company_name=f"{account.company_name} (Test)", region=account.region)
        closed = open_account(
            person=admin, company_name=f"{account.company_name} (Closed)", region=account.region
        )
        close_account(account=closed, actor=admin, server=server)
        admin.memberships.filter(account=closed).update(last_used_at=None)
        admin.memberships.filter(account=account).update(last_used_at=timezone.now())
    add_second_factor(User.objects.get(email=f"{WITH_TWO_FACTOR.lower()}@{domain}"), server=server)
    for name, role in INVITED.items():
        invite_member(account=account, actor=admin, email=f"{name}@{domain}", role=role, server=server)
    yesterday = timezone.now() - timedelta(days=1)
    account.invitations.filter(email=f"{EXPIRED}@{domain}").update(expires_at=yesterday)


def add_second_factor(person: User, *, server: str) -> None:
    """Give a member an authenticator app; nobody has its key."""
    enrolment = begin_enrolment(person)
    counter = max(yield_hotp_counters_from_time())
    code = format_hotp_value(hotp_value(enrolment.secret, counter))
    add_app(person=person, enrolment=enrolment, code=code, server=server)


def let_somebody_go(*, account: Account, admin: User, server: str) -> None:
    """Deactivate somebody who leaves a key to a colleague for a month; leave another with keys to decide on."""
    places = {place.user.first_name: place for place in account.memberships.select_related("user")}
    leaver, stays, heir = places["Blaise"].user, places["Grace"].user, places["Emmy"].user
    kept, _ = create_api_key(account=account, actor=leaver, description="Monthly report")
    create_api_key(account=account, actor=leaver, description="Experiments")
    month = timezone.now() + timedelta(days=30)
    deactivate_member(
        membership=places["Blaise"], actor=admin, server=server, choices={kept.pk: Keep(heir, month)}
    )
    _, secret = create_api_key(account=account, actor=stays, description="Sync of the maintenance calendar")
    create_api_key(account=account, actor=stays, description="Dashboard in the workshop")
    for program in ("airflow/2.9.1", "calendar-sync/1.4"):
        use_key(secret, program)
    last_use.gathered.write_now()
    key_clients.gathered.write_now()


def use_key(secret: str, program: str) -> None:
    """Let a program show the key, as it does to the API."""
    request = HttpRequest()
    request.META = {"HTTP_USER_AGENT": program, "REMOTE_ADDR": "127.0.0.1"}
    request_facts.begin(request)
    try:
        authenticate_api_key(authorization=f"Bearer {secret}", now=timezone.now())
    finally:
        request_facts.end()
