"""What people call a destination: one line, and in an account no two alike."""

from __future__ import annotations

from typing import TypedDict

from accounts.errors import DomainError
from accounts.lines import clean_line
from accounts.models import Account
from integrations.models import Destination, DestinationType

MAX_NAME_LENGTH = 100


class DestinationNameTaken(DomainError):
    """Another destination of the account has the name."""

    code, status = "destination_name_taken", 409
    message = "Another destination of this account has this name. Use a different one."


class Names(TypedDict):
    """What people call a destination."""

    display_name: str
    description: str


def clean_names(names: Names) -> Names:
    """Return the names in one line each. Raises LineRefused."""
    description = names["description"].strip()
    return {
        "display_name": clean_line(names["display_name"], max_length=MAX_NAME_LENGTH),
        "description": clean_line(description) if description else "",
    }


def require_free_name(*, account: Account, display_name: str, destination: Destination | None = None) -> None:
    """Raise DestinationNameTaken when another destination of the account has the name."""
    others = account.destinations.live().exclude(pk=destination.pk if destination is not None else None)
    if others.filter(display_name__iexact=display_name).exists():
        raise DestinationNameTaken


def free_name(account: Account, type_: str) -> str:
    """Return a display name for a destination that nobody named: its type's, numbered where that is taken."""
    label = DestinationType(type_).label
    taken = {name.lower() for name in account.destinations.live().values_list("display_name", flat=True)}
    numbered = (f"{label} {number}" for number in range(2, len(taken) + 3))
    return (
        label if label.lower() not in taken else next(name for name in numbered if name.lower() not in taken)
    )
