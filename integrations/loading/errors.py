"""Why a load did not happen. Nothing was written, and its batches stay queued."""

from __future__ import annotations

from typing import Literal

Fault = Literal["table", "data", "warehouse", "own"]


class LoadError(Exception):
    """A load that was rolled back: `transient` heals by itself, the rest wait for a person.

    `scope` says what must wait: this table, or everything for the destination. `fault` says what is wrong: how the
    table is made, what the records hold, the warehouse, or this product itself. `engine_error` and `sql_state` are the
    engine's names for it, where an engine spoke.
    """

    def __init__(
        self,
        message: str,
        *,
        transient: bool = False,
        scope: Literal["table", "destination"] = "table",
        fault: Fault = "table",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.scope = scope
        self.fault: Fault = fault if scope == "table" else "warehouse"
        self.engine_error = ""
        self.sql_state = ""


class NoDestination(LoadError):
    """There is nowhere to load to: nobody has chosen where."""

    def __init__(self) -> None:
        super().__init__(
            "This integration has no destination: its data waits until it has one.", fault="warehouse"
        )


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
