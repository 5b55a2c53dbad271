"""More destinations than a plan has room for put an account on hold (app.md 11)."""

from accounts.models import Account, Plan, User
from accounts.services.holds import Hold, lift_hold, place_hold
from integrations.models import Destination


def destinations_beyond(*, account: Account, plan: Plan) -> list[Destination]:
    """Return the account's destinations when they are more than the plan has room for; none otherwise."""
    if plan.max_destinations is None:
        return []
    live = list(account.destinations.live().order_by("pk"))
    return live if len(live) > plan.max_destinations else []


def settle_destination_hold(
    *, account: Account, plan: Plan, actor: User | None, by_staff: bool = False
) -> str:
    """Place or lift the hold, as the account's destinations and its plan now ask for; return what was done.

    Call it in the transaction of what changed them, with the account locked.
    """
    if destinations_beyond(account=account, plan=plan):
        placed = place_hold(account=account, hold=Hold.DESTINATIONS, actor=actor, by_staff=by_staff)
        return (
            "The account is on hold: nothing is loaded until there are fewer destinations." if placed else ""
        )
    lifted = lift_hold(account=account, hold=Hold.DESTINATIONS, actor=actor, by_staff=by_staff)
    return (
        "The account is no longer on hold: what waits is loaded." if lifted and not account.is_on_hold else ""
    )
