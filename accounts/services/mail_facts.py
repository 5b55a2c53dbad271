"""What a mail that waits tells of, as JSON: rows of the database by their number, links by what they lead to.

A link that is a secret is made when the mail is sent and stands nowhere before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db.models import Model

ROW, TIME, DAY = "$row", "$time", "$day"
LinkMaker = Callable[..., str]
LINK_MAKERS: dict[str, LinkMaker] = {}


class MailPointless(Exception):
    """What the mail is about is over: it is not sent, and nobody misses it."""


class RowGone(Exception):
    """A row that the mail tells of does not exist any more."""


def makes_link(name: str) -> Callable[[LinkMaker], LinkMaker]:
    """Register a function that makes the path of a mail's link from the numbers that `send_mail` was given.

    It raises MailPointless when the link would lead nowhere any more.
    """

    def register(maker: LinkMaker) -> LinkMaker:
        LINK_MAKERS[name] = maker
        return maker

    return register


def packed(value: Any) -> Any:
    """Return a value of a mail's context as JSON; raise TypeError for what cannot wait there."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Model():
            return {ROW: [value._meta.label_lower, value.pk]}
        case datetime():
            return {TIME: value.isoformat()}
        case date():
            return {DAY: value.isoformat()}
        case list() | tuple():
            return [packed(part) for part in value]
        case dict():
            return {str(name): packed(part) for name, part in value.items()}
    raise TypeError(f"A mail cannot keep a {type(value).__name__}: give it rows, text, numbers or times.")


def unpacked(value: Any) -> Any:
    """Return the value again, rows as they are now. Raises RowGone."""
    match value:
        case {"$row": [label, pk]}:
            row = apps.get_model(label)._base_manager.filter(pk=pk).first()
            if row is None:
                raise RowGone(label)
            return row
        case {"$time": moment}:
            return datetime.fromisoformat(moment)
        case {"$day": day}:
            return date.fromisoformat(day)
        case dict():
            return {name: unpacked(part) for name, part in value.items()}
        case list():
            return [unpacked(part) for part in value]
    return value
