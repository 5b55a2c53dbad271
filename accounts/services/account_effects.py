"""What a change of plan does to an account's own things: its API access keys, its members, its rows."""

from accounts.models import ApiKey
from accounts.plan_words import limit_words
from accounts.plans import Feature
from accounts.services.api_keys import disable_every_api_key
from accounts.services.plan_effects import Change, Effect, Thing, counted, register
from accounts.services.seats import seats_of
from accounts.services.usage import counted_rows
from stitchapp.formats import key_time, thousands


def foretell_keys(change: Change) -> list[Effect]:
    """Name every key that will be disabled, or say that none comes back by itself (K-13, K-14)."""
    if not change.keeps(Feature.CONNECT_API):
        keys = list(change.account.api_keys.enabled().select_related("created_by", "handed_to"))
        if keys:
            return [disabled_keys(keys)]
    disabled = change.account.api_keys.exclude(disabled_at=None).count()
    if not disabled or not change.gives(Feature.CONNECT_API):
        return []
    sentence = (
        f"API access comes back, but no key by itself: {counted(disabled, 'key stays', 'keys stay')} disabled "
        "until somebody uses “Re-enable this key” in Account Settings."
    )
    return [Effect("api_keys", sentence, takes_away=False)]


def disabled_keys(keys: list[ApiKey]) -> Effect:
    """Return the effect that disables keys."""
    one = len(keys) == 1
    return Effect(
        "api_keys",
        sentence="This API access key will be disabled:"
        if one
        else f"These {len(keys)} API access keys will be disabled:",
        things=tuple(Thing(key.pk, key_words(key), key.last_four) for key in keys),
        afterwards=(
            f"Programs that use {'it' if one else 'them'} are refused from then on. "
            f"{'It stays' if one else 'They stay'} listed, and disabled until somebody re-enables "
            f"{'it' if one else 'them'} on a plan with API access."
        ),
    )


def key_words(key: ApiKey) -> str:
    """Return a key's description, its owner and its last use."""
    used = f"last used {key_time(key.last_used_at)}" if key.last_used_at else "never used"
    return f"{key.description} ({key.owner.email}, {used})"


def disable_keys(change: Change) -> str:
    """Disable every key, unless API access was there and stays."""
    if change.keeps(Feature.CONNECT_API):
        return ""
    number = disable_every_api_key(
        account=change.account, actor=change.actor, by_staff=change.by_staff, reason=change.reason
    )
    return f"{counted(number, 'API access key was', 'API access keys were')} disabled." if number else ""


def foretell_members(change: Change) -> list[Effect]:
    """Say that members beyond the limit stay (app.md 13.2)."""
    limit, seats = change.after.plan.max_members, seats_of(change.account, now=change.now)
    if limit is None or seats.taken <= limit or change.before.plan == change.after.plan:
        return []
    pending = f" and {counted(seats.invitations, 'pending invitation')}" if seats.invitations else ""
    sentence = (
        f"All {counted(seats.members, 'member')}{pending} stay, though {change.after.plan.name} has room for "
        f"{thousands(limit)}: nobody can be invited until there are fewer."
    )
    return [Effect("members", sentence)]


def foretell_rows(change: Change) -> list[Effect]:
    """Say that the rows of this cycle are more than the new limit; loading goes on (app.md 17, row 34)."""
    limit = change.after.plan.rows_per_month
    if limit is None or change.before.plan == change.after.plan:
        return []
    rows = counted_rows(change.account, now=change.now)
    if rows < limit:
        return []
    sentence = (
        f"{thousands(rows)} rows count in this usage cycle, and {change.after.plan.name} has "
        f"{limit_words(limit)}: the row limit is reached at once. Loading goes on."
    )
    return [Effect("rows", sentence)]


def foretell_end_of_trial(change: Change) -> list[Effect]:
    """Say that a trial that was left does not come back."""
    if change.before.plan.trial_days is None or change.after.plan.trial_days is not None:
        return []
    if change.before.trial_is_over:
        return []
    return [Effect("trial", "The free trial ends now, and cannot be chosen again.")]


register("api_keys", foretell=foretell_keys, carry_out=disable_keys)
register("members", foretell=foretell_members)
register("rows", foretell=foretell_rows)
register("trial", foretell=foretell_end_of_trial)
