"""Starting states by name: what an account has before a row's request, and the words that name it in the row."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from accounts.models import Account, Plan
from integrations.models import Destination
from tests.factories import (
    make_access_token,
    make_account,
    make_hook,
    make_integration,
    make_member,
    make_notification_address,
    make_postgres_destination,
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


def make_embedded(account: Account, **fields: object) -> Destination:
    return Destination.objects.create(account=account, type="duckdb", display_name="Warehouse", **fields)
