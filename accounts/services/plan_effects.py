"""What a change of what an account has brings with it: told beforehand, then carried out with it (app.md 13.2).

An account gets another plan, its plan other terms, its trial ends: all three change what it has. Whoever owns
something that depends on it registers an effect, from its app's `ready`; all effects of a change are carried out in
the change's own transaction, so that a crash leaves neither half (promise P8).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account, Plan, User
from accounts.plans import Feature


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account has: its plan's terms, without the sold features once its trial has run out."""

    plan: Plan
    trial_is_over: bool = False

    def has(self, feature: Feature) -> bool:
        return bool(getattr(self.plan, feature.value)) and not self.trial_is_over


@dataclass(frozen=True, slots=True)
class Change:
    """From what an account has to what it will have. `account` is locked while a change is carried out."""

    account: Account
    before: Standing
    after: Standing
    now: datetime
    actor: User | None = None
    by_staff: bool = False
    reason: str = ""

    def gives(self, feature: Feature) -> bool:
        return self.after.has(feature) and not self.before.has(feature)

    def keeps(self, feature: Feature) -> bool:
        return self.after.has(feature) and self.before.has(feature)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that a change touches, in words; `code` is what it is told apart by."""

    pk: int
    words: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a change does: a sentence, what it touches, and what people have to do afterwards."""

    name: str
    sentence: str
    things: tuple[Thing, ...] = ()
    afterwards: str = ""
    takes_away: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """How effects of one name are told and carried out; what was done is returned as a sentence, or nothing."""

    foretell: Callable[[Change], list[Effect]]
    carry_out: Callable[[Change], str]


KINDS: dict[str, Kind] = {}


def nothing_to_do(change: Change) -> str:
    """Carry out an effect that is only told of."""
    return ""


def register(
    name: str,
    *,
    foretell: Callable[[Change], list[Effect]],
    carry_out: Callable[[Change], str] = nothing_to_do,
) -> None:
    """Let changes have an effect. Call it from a module that the app's `ready` imports."""
    KINDS[name] = Kind(foretell, carry_out)


def foretell(change: Change) -> list[Effect]:
    """Return everything that the change would do now, what it takes away first."""
    effects = [effect for kind in KINDS.values() for effect in kind.foretell(change)]
    return sorted(effects, key=lambda effect: not effect.takes_away)


def carry_out(change: Change) -> list[str]:
    """Do everything that the change brings, in the caller's transaction; return what was done, in sentences."""
    done = [kind.carry_out(change) for kind in KINDS.values()]
    return [sentence for sentence in done if sentence]


def digest_of(effects: list[Effect]) -> str:
    """Return what tells whether a person has seen just these effects: what is taken away, and from what."""
    seen = [
        [effect.name, sorted(thing.pk for thing in effect.things)] for effect in effects if effect.takes_away
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]


def counted(number: int, one: str, many: str = "") -> str:
    """Return "1 key", "3 keys"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
