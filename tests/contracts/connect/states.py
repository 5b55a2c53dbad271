"""Starting states by name: what an account has before a row's request, and the words that name it in the row."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import Account, Plan
from integrations.models import Destination, JobMode, QueuedTable, SetUpStep, Stream
from tests.factories import (
    make_access_token,
    make_account,
    make_batch,
    make_hook,
    make_integration,
    make_job,
    make_load,
    make_member,
    make_notification_address,
    make_postgres_destination,
    make_source,
    make_stream,
)

MARCH = datetime(2024, 3, 5, 21, tzinfo=UTC)
APRIL = datetime(2024, 3, 6, 21, tzinfo=UTC)
Words = dict[str, object]
STATES: dict[str, Callable[[Account], Words]] = {}


def state(make: Callable[[Account], Words]) -> Callable[[Account], Words]:
    """Let rows begin in what a function makes; they call it by the function's name."""
    STATES[make.__name__] = make
    return make


def prepare(name: str, account: Account) -> Words:
    """Bring the account into a state; return the words that rows may use."""
    return {"client": account.client_id} | STATES[name](account)


@state
def nothing(account: Account) -> Words:
    """An account with a member and a key."""
    return {}


@state
def sources(account: Account) -> Words:
    """Import API sources: a live one, a deleted one, one with both its tokens; and another account's."""
    times = {"created_at": MARCH, "updated_at": MARCH}
    shop = make_integration(account, display_name="Shop", schema_name="shop", **times)
    gone = make_integration(account, display_name="Gone", schema_name="gone", deleted_at=APRIL, **times)
    full = make_integration(account, display_name="Full", schema_name="full", **times)
    revoked, _ = make_access_token(full, created_at=MARCH, revoked_at=APRIL)
    first, _ = make_access_token(full, created_at=MARCH)
    second, _ = make_access_token(full, created_at=MARCH)
    other = make_account()
    make_member(other)
    foreign = make_integration(other)
    foreign_token, _ = make_access_token(foreign)
    return {
        "shop": shop.pk,
        "gone": gone.pk,
        "full": full.pk,
        "token1": first.pk,
        "token2": second.pk,
        "revoked": revoked.pk,
        "foreign": foreign.pk,
        "foreign_token": foreign_token.pk,
        "destination": make_embedded(account).pk,
        "foreign_destination": make_embedded(other).pk,
    }


@state
def destinations(account: Account) -> Words:
    """The embedded warehouse and two PostgreSQL ones, on a plan with room for five; sources; another account's."""
    account.plan = Plan.objects.get(slug="premium")
    account.save(update_fields=["plan"])
    times = {"created_at": MARCH, "updated_at": MARCH}
    embedded = make_embedded(account, **times)
    staging = make_postgres_destination(
        account,
        password=secrets.token_hex(),
        display_name="Staging",
        description="Staging warehouse",
        host="db.acme.example",
        port=5432,
        database="wh",
        username="loader",
        ssl=True,
        check_id=UUID("8934a4cd-4d60-48c9-85e4-e95cab6d4cae"),
        check_started_at=MARCH,
        checked_at=MARCH + timedelta(seconds=8),
        check_steps=[["Connect", True, "Connected."]],
        **times,
    )
    broken = make_postgres_destination(
        account,
        display_name="Broken",
        host="127.0.0.1",
        check_id=UUID("5c28cfab-8a51-11ea-9197-0ee6b2399f9b"),
        check_started_at=MARCH,
        checked_at=MARCH + timedelta(seconds=8),
        check_steps=[["Look up", True, "Found."], ["Connect", False, "Connection refused."]],
        **times,
    )
    removed = make_postgres_destination(account, display_name="Removed", deleted_at=APRIL)
    shop = make_integration(account, display_name="Shop", schema_name="shop", destination=staging)
    other = make_account()
    make_member(other)
    return {
        "embedded": embedded.pk,
        "staging": staging.pk,
        "broken": broken.pk,
        "removed": removed.pk,
        "shop": shop.pk,
        "foreign": make_postgres_destination(other).pk,
        "password": secrets.token_hex(),
    }


@state
def taps(account: Account) -> Words:
    """Sources that a tap reads: one that runs well, a paused one that failed, one that cannot be reached."""
    now = timezone.now()
    crm = make_source(account, display_name="CRM", schema_name="crm")
    paused = make_source(account, display_name="Paused", schema_name="paused", paused_at=MARCH)
    broken = make_source(
        account, display_name="Broken", schema_name="broken", step=SetUpStep.DISCOVER_SCHEMA, deleted_at=APRIL
    )
    times = {"started_at": MARCH, "completed_at": APRIL}
    make_job(crm, mode=JobMode.CHECK, **times)
    make_job(paused, mode=JobMode.CHECK, **times)
    running = {"started_at": MARCH, "completed_at": None, "discovery_exit_status": None}
    make_job(paused, mode=JobMode.CHECK, **running)
    refused = {"discovery_exit_status": 1, "discovery_description": "connection refused"}
    make_job(broken, mode=JobMode.CHECK, check_exit_status=None, **refused, **times)
    make_job(crm, completed_at=now - timedelta(days=1))
    done = make_job(crm)
    make_job(crm, completed_at=None)
    make_job(paused, tap_exit_status=1, tap_description="relation does not exist")
    killed = dict.fromkeys(("discovery", "tap", "target"), "Terminated")
    make_job(
        broken,
        **{f"{phase}_exit_status": None for phase in killed},
        **{f"{phase}_description": word for phase, word in killed.items()},
    )
    long_ago = make_source(account, display_name="Long ago", schema_name="long_ago")
    make_job(long_ago, completed_at=now - timedelta(days=61))
    shop = make_integration(account, display_name="Shop", schema_name="shop")
    unready = make_source(account, display_name="Unready", schema_name="unready", step=SetUpStep.FORM)
    held = make_source(account, display_name="Held", schema_name="held", system_paused_at=MARCH)
    removed = make_postgres_destination(account, deleted_at=MARCH)
    homeless = make_source(account, display_name="Homeless", schema_name="homeless", destination=removed)
    other = make_account()
    make_member(other)
    foreign = make_source(other)
    make_job(foreign, mode=JobMode.CHECK)
    foreign_job = make_job(foreign)
    return {
        "crm": crm.pk,
        "paused": paused.pk,
        "broken": broken.pk,
        "shop": shop.pk,
        "unready": unready.pk,
        "held": held.pk,
        "homeless": homeless.pk,
        "job": done.name,
        "foreign": foreign.pk,
        "foreign_job": foreign_job.name,
        "destination": make_embedded(account).pk,
    }


@state
def one_destination(account: Account) -> Words:
    """The embedded warehouse, on the trial's plan, which has room for no other."""
    account.plan = Plan.objects.get(slug="free_trial")
    account.save(update_fields=["plan"])
    return {"embedded": make_embedded(account).pk, "password": secrets.token_hex()}


@state
def no_destination(account: Account) -> Words:
    """An account whose only destination was removed, with a source that therefore has none."""
    removed = make_embedded(account, deleted_at=APRIL)
    source = make_integration(account, display_name="Shop", schema_name="shop", destination=removed)
    return {"shop": source.pk, "password": secrets.token_hex()}


@state
def notifications(account: Account) -> Words:
    """Two addresses of the list and two hooks, one of each disabled; another account's."""
    times = {"created_at": MARCH}
    ops = make_notification_address(account, email="ops@acme.example", **times)
    off = make_notification_address(account, email="off@acme.example", disabled_at=APRIL, **times)
    destination = make_embedded(account)
    make = {"destination": destination, "modified_at": MARCH, **times}
    hook = make_hook(account, url="https://203.0.113.7/x", **make)
    disabled = make_hook(account, url="https://203.0.113.7/y", disabled_at=APRIL, **make)
    other = make_account()
    make_member(other)
    return {
        "ops": ops.pk,
        "off": off.pk,
        "hook": hook.pk,
        "disabled": disabled.pk,
        "destination": destination.pk,
        "removed": make_postgres_destination(account, deleted_at=APRIL).pk,
        "foreign_address": make_notification_address(other).pk,
        "foreign_hook": make_hook(other).pk,
        "foreign_destination": make_embedded(make_account()).pk,
    }


@state
def streams(account: Account) -> Words:
    """A source with three tables, one of them gone and one selected; one that was never checked; a pushed one."""
    crm = make_source(account, display_name="CRM", schema_name="crm", step=SetUpStep.FIELD_SELECTION)
    orders = make_stream(crm, "orders")
    chosen = {"[]": {"selected": True}, '["properties", "title"]': {"selected": False}}
    customers = make_stream(crm, "customers", is_selected=True, chosen=chosen)
    gone = make_stream(crm, "gone", vanished_at=APRIL)
    empty = make_source(account, display_name="Empty", schema_name="empty", step=SetUpStep.DISCOVER_SCHEMA)
    other = make_account()
    make_member(other)
    return {
        "crm": crm.pk,
        "orders": orders.pk,
        "customers": customers.pk,
        "gone": gone.pk,
        "empty": empty.pk,
        "shop": make_integration(account, display_name="Shop", schema_name="shop").pk,
        "foreign": make_source(other).pk,
    }


@state
def full_notifications(account: Account) -> Words:
    """Ten addresses and ten hooks: as many as an account may have."""
    words = notifications(account)
    for _ in range(8):
        make_notification_address(account)
        make_hook(account)
    return words


@state
def no_hooks_in_plan(account: Account) -> Words:
    """A plan that opens the API and sells no hooks; one was added before."""
    words = notifications(account)
    account.plan.post_load_hooks = False
    account.plan.save(update_fields=["post_load_hooks"])
    return words


@state
def unsupported(account: Account) -> Words:
    """The same, with a field that the tap cannot read."""
    words = streams(account)
    found = Stream.objects.get(pk=words["customers"])
    found.field_metadata['["properties", "secret"]'] = {"inclusion": "unsupported"}
    found.save(update_fields=["field_metadata"])
    return words


@state
def loaded(account: Account) -> Words:
    """Tables that are loaded and tables that cannot be, of two sources; and another account's."""
    shop = make_integration(account, display_name="Shop", schema_name="shop")
    crm = make_source(account, display_name="CRM", schema_name="crm")
    make_load(shop, "bikes", error="disk full")
    make_load(shop, "bikes")
    make_load(shop, "orders")
    make_load(shop, "orders", error="Key mismatch: id")
    make_load(crm, "orders")
    make_load(shop, "drafts", error="Internal error: KeyError", is_internal=True)
    spoken = {"error_class": "psycopg.OperationalError", "sql_state": "08001"}
    make_load(crm, "accounts", error="connection refused", **spoken)
    make_batch(crm, "accounts")
    QueuedTable.objects.filter(integration_id=crm.pk).update(
        error="connection refused", error_scope="destination"
    )
    make_load(shop, "old", finished_at=timezone.now() - timedelta(days=61))
    other = make_account()
    make_member(other)
    make_load(make_integration(other), "secret")
    return {}


def make_embedded(account: Account, **fields: object) -> Destination:
    return Destination.objects.create(account=account, type="duckdb", display_name="Warehouse", **fields)
