"""Why a load did not happen. Nothing was written, and its batches stay queued."""

from __future__ import annotations

from typing import Literal


class LoadError(Exception):
    """A load that was rolled back: `transient` heals by itself, the rest wait for a person.

    `scope` says what must wait: this table, or everything for the destination.
    """

    def __init__(
        self, message: str, *, transient: bool = False, scope: Literal["table", "destination"] = "table"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.scope = scope


class TooManyColumns(LoadError):
    """The table would have more columns than the destination takes."""

    def __init__(self) -> None:
        super().__init__("ERROR: too many columns")


class RowsAtFault(Exception):
    """The engine refuses single rows for what is in them; `reasons` has its words by the ordinals of root rows."""

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__(f"{len(reasons)} rows are at fault")
        self.reasons = reasons


class Busy(Exception):
    """The warehouse file is being written; the reader may try again in a moment."""


class UnknownTable(Exception):
    """The destination has no such table (any more)."""
