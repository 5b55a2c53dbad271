"""Make a sample account with members, keys, integrations and real loaded rows; print its credentials."""

import json
import secrets
import sys
import uuid
from datetime import timedelta

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connections
from django.utils import timezone

from accounts.models import Account, Plan, Role, User
from accounts.services.api_keys import create_api_key, disable_api_key
from accounts.services.plans import change_plan
from accounts.services.sign_up import sign_up
from integrations.management.demo_notices import let_things_go_wrong, list_addresses
from integrations.management.demo_usage import make_earlier_usage
from integrations.models import AccessToken, Hook, Integration
from integrations.queue.accepting import accept_batch
from integrations.services import sample_records
from integrations.services.access_tokens import create_access_token
from integrations.services.hooks import disable_hook, keep_hook
from integrations.services.integrations import create_import_api_integration_with_token, pause_integration
from integrations.services.sample_people import add_people, let_somebody_go

COMPANY = "Bike Fleet Inc."
DOMAIN = "bikefleet.example"
SEED = 20190330


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("--run", action="store_true", help="Start the servers afterwards.")
        parser.add_argument("--json", action="store_true", help="Print the credentials as JSON.")

    def handle(self, *args, run: bool, json: bool, **options):
        if not settings.LOCAL_MODE:
            raise CommandError("The demo account is for the local mode: set LOCAL_MODE=true.")
        for alias in connections:
            call_command("migrate", database=alias, verbosity=0)
        demo = self.existing() or self.make()
        self.show(demo, as_json=json)
        if run:
            connections.close_all()
            call_command("run")

    def existing(self) -> dict[str, object] | None:
        """Return the demo account of an earlier run with a new password for its administrator."""
        account = Account.objects.filter(company_name=COMPANY).order_by("pk").first()
        if account is None:
            return None
        person = account.memberships.filter(role=Role.ADMINISTRATOR).order_by("pk").first().user
        password = new_password()
        person.set_password(password)
        person.save(update_fields=["password"])
        integration = account.integrations.live().order_by("pk").first()
        return credentials(account, person, password, integration)

    def make(self) -> dict[str, object]:
        """Make the account through the services that the pages use, then load its records for real."""
        self.tell("Making the sample account and loading its records …")
        password = new_password()
        admin = sign_up(
            first_name="Ada",
            last_name="Lovelace",
            email=f"ada@{DOMAIN}",
            company_name=COMPANY,
            password=password,
            region="eu",
            form_id=uuid.uuid4().hex,
        )
        account = admin.memberships.get().account
        add_people(account=account, admin=admin, domain=DOMAIN, server=server_of_demo())
        _, key_secret = create_api_key(
            account=account, actor=admin, description="Used to create and configure Salesforce integrations"
        )
        night, _ = create_api_key(account=account, actor=admin, description="Nightly scheduler, now retired")
        disable_api_key(key=night, actor=admin)
        let_somebody_go(account=account, admin=admin, server=server_of_demo())
        fleet, secret = create_import_api_integration_with_token(
            account=account, actor=admin, display_name="Bike Fleet"
        )
        create_access_token(integration=fleet, actor=admin)
        customers, _ = create_import_api_integration_with_token(
            account=account, actor=admin, display_name="Customer Records"
        )
        old, _ = create_import_api_integration_with_token(
            account=account, actor=admin, display_name="Old Counters"
        )
        pause_integration(integration=old, actor=admin)
        change_plan(account=account, actor=admin, plan=Plan.objects.get(slug="advanced"))
        make_earlier_usage(account=account, actor=admin, old=old, now=timezone.now())
        self.send_records(fleet, customers)
        self.begin_a_trial(account, admin)
        retired = self.add_hooks(account, admin)
        call_command("load_batches", once=True, verbosity=0)
        disable_hook(hook=retired, actor=admin)
        let_things_go_wrong(account=account, admin=admin, integration=fleet, solved=customers)
        list_addresses(account=account, admin=admin, domain=DOMAIN, server=server_of_demo())
        return credentials(account, admin, password, fleet) | {"api_key": key_secret, "access_token": secret}

    def add_hooks(self, account: Account, admin: User) -> Hook:
        """Add two webhooks that show what failing looks like; return the one to disable.

        The demo calls nobody: they lead to this machine, where no hook may be sent unless an operator allows it.
        """
        keep_hook(account=account, actor=admin, url="https://127.0.0.1:8443/after-each-load")
        return keep_hook(account=account, actor=admin, url="https://127.0.0.1:8443/retired")[0]

    def send_records(self, fleet: Integration, customers: Integration) -> None:
        """Put batches into the queue as the Import API does once it has checked them."""
        now = timezone.now()
        self.send(fleet, "bikes", 400, sample_records.bikes(400, seed=SEED, now=now - timedelta(hours=2)))
        self.send(fleet, "bookings", 1500, sample_records.bookings(1500, seed=SEED, now=now))
        self.send(fleet, "tolls", 250, sample_records.tolls(250, seed=SEED, now=now))
        self.send(fleet, "repairs", 25, sample_records.repairs(25, seed=SEED, now=now))
        self.send(fleet, "bikes", 40, sample_records.bikes(40, seed=SEED + 1, now=now))
        self.send(customers, "bookings", 90, sample_records.bookings(90, seed=SEED + 2, now=now))

    def begin_a_trial(self, account: Account, admin: User) -> None:
        """Load something for the Administrator's other account, so that its trial runs."""
        other = admin.memberships.exclude(account=account).get(account__closed_at=None).account
        rig, _ = create_import_api_integration_with_token(account=other, actor=admin, display_name="Test Rig")
        now = timezone.now()
        self.send(rig, "bikes", 25, sample_records.bikes(25, seed=SEED + 3, now=now))

    def send(self, integration: Integration, table: str, records: int, body: bytes) -> None:
        token: AccessToken = integration.access_tokens.active().order_by("pk").first()
        accept_batch(
            token=token, kind="batch", body=body, tables=[(table, records)], received_at=timezone.now()
        )

    def show(self, demo: dict[str, object], *, as_json: bool) -> None:
        """Print what a person needs to sign in; a key or token that was shown before is not shown again."""
        if as_json:
            self.stdout.write(json.dumps(demo))
            return
        labels = {"email": "Email Address", "password": "Password", "client_id": "Client ID"}
        labels |= {"api_key": "API access key", "access_token": "Import API access token"}
        self.stdout.write(f"\nSign in to {COMPANY} at http://127.0.0.1:{settings.PORT}/ with:")
        for name, label in labels.items():
            if name in demo:
                self.stdout.write(f"  {label:24} {demo[name]}")
        self.stdout.write("")
        self.stdout.flush()

    def tell(self, sentence: str) -> None:
        """Say on the error stream what takes its time, so that `--json` stays JSON."""
        sys.stderr.write(f"{sentence}\n")


def credentials(account: Account, person: User, password: str, integration: Integration) -> dict[str, object]:
    return {
        "email": person.email,
        "password": password,
        "client_id": account.client_id,
        "integration_id": integration.pk,
    }


def server_of_demo() -> str:
    """Return the address of the server that shows the sample account."""
    return settings.PUBLIC_URL or f"http://127.0.0.1:{settings.PORT}"


def new_password() -> str:
    return secrets.token_urlsafe(12)
