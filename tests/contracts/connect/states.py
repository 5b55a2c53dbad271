"""Starting states by name: what an account has before a row's request, and the words that name it in the row."""

from collections.abc import Callable
from datetime import UTC, datetime

from accounts.models import Account
from integrations.models import Destination
from tests.factories import make_access_token, make_account, make_integration, make_member

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


def make_embedded(account: Account) -> Destination:
    return Destination.objects.create(account=account, type="duckdb", display_name="Warehouse")
