"""From what a load holds and what the destination has to the structure it needs (loading.md 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrations.loading import naming
from integrations.loading.capabilities import Capabilities, Kind, scale_of
from integrations.loading.catalogue import Column, ExistingTable
from integrations.loading.errors import LoadError, TooManyColumns
from integrations.loading.shapes import Row, Slot, TableShape

KEY_MISMATCH = "Primary Keys for table do not match Primary Keys of incoming data"
KEY_TYPE_MISMATCH = "Incoming Primary Key type does not match Primary Key type in existing table"


@dataclass(frozen=True, slots=True)
class CreateTable:
    columns: list[tuple[str, str]]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RenameColumn:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AddColumn:
    name: str
    type_name: str


@dataclass(frozen=True, slots=True)
class ChangeType:
    name: str
    type_name: str


Change = CreateTable | RenameColumn | AddColumn | ChangeType


@dataclass(slots=True)
class TablePlan:
    """What must change in one table, and into which column each slot then goes."""

    name: str
    key: tuple[str, ...]
    created: bool
    changes: list[Change] = field(default_factory=list)
    targets: dict[str, Column] = field(default_factory=dict)  # by slot code, or by name of a system column
    columns: dict[str, Column] = field(default_factory=dict)  # by folded name, as they will be
    managed: set[str] = field(default_factory=set)  # folded names; they are NULL where a record has no value
    new_columns: list[str] = field(default_factory=list)


def plan_table(
    shape: TableShape,
    slots: list[Slot],
    *,
    system: dict[str, Kind],
    key: tuple[str, ...],
) -> TablePlan:
    """Plan one root or sub table.

    `slots` are those with a value, in the order of their first values. `system` are the columns that the
    loader fills itself; `key` names the primary key, empty for none.
    """
    capabilities, existing = shape.capabilities, shape.existing
    if existing is None:
        plan = TablePlan(shape.name, key, created=True)
    else:
        check_existing(existing, system, key, capabilities)
        plan = TablePlan(existing.name, existing.key, created=False, columns=dict(existing.columns))
        plan.managed |= existing.managed
    planner = _ColumnPlanner(plan, capabilities, {capabilities.fold(name) for name in key})
    for name, kind in system.items():
        planner.system(name, kind)
    for slot in slots:
        planner.place(slot)
    planner.finish()
    check_width(len(plan.columns) + (existing.dropped if existing is not None else 0), capabilities)
    return plan


def slots_with_values(shape: TableShape, rows: list[Row]) -> list[Slot]:
    """Return the slots that some row fills; of several types of one name, the first value's comes first."""
    codes = set().union(*rows)
    slots = [slot for slot in shape.slots.values() if slot.code in codes]
    if shape.existing is not None:
        _mark_small_integers(slots, rows, shape.existing, shape.capabilities)
    names = [shape.capabilities.fold(slot.name) for slot in slots]
    if len(set(names)) == len(names):
        return slots
    first: dict[str, int] = {}
    for number, row in sorted(enumerate(rows), key=lambda numbered: (numbered[1]["o"], numbered[0])):
        for code in row:
            first.setdefault(code, number)
    order = {slot.code: position for position, slot in enumerate(slots)}
    first = {code: position for position, code in enumerate(first)}
    return sorted(slots, key=lambda slot: (first[slot.code], order[slot.code]))


def _mark_small_integers(
    slots: list[Slot], rows: list[Row], existing: ExistingTable, capabilities: Capabilities
) -> None:
    """Find out whether integers fit the 32 bits of a column that the loader would not have made."""
    for slot in slots:
        column = existing.columns.get(capabilities.fold(slot.name))
        if slot.kind is Kind.BIGINT and column is not None and column.kind is Kind.INTEGER:
            slot.fits_integer = all(-(2**31) <= row.get(slot.code, 0) < 2**31 for row in rows)


class _ColumnPlanner:
    """Places slots one after the other on the columns as they stand by then."""

    def __init__(self, plan: TablePlan, capabilities: Capabilities, key: set[str]) -> None:
        self.plan = plan
        self.capabilities = capabilities
        self.key = key
        self.renames: list[RenameColumn] = []
        self.added: list[Column] = []
        self.widened: list[ChangeType] = []
        self.user_columns: set[str] = set()

    def system(self, name: str, kind: Kind) -> None:
        column = self.plan.columns.get(self.capabilities.fold(name)) or self._add(name, kind, 0)
        self._target(name, column)

    def place(self, slot: Slot) -> None:
        """Find or make the column for a slot (loading.md 6.3)."""
        fold, columns = self.capabilities.fold, self.plan.columns
        base = columns.get(fold(slot.name))
        if base is None:
            suffixed = self._suffixed(slot.name, slot.kind)
            if any(fold(self._suffixed(slot.name, kind)) in columns for kind in Kind):
                column = columns.get(fold(suffixed)) or self._add(suffixed, slot.kind, slot.scale)
            else:
                column = self._add(slot.name, slot.kind, slot.scale)
        elif base.kind is slot.kind or (base.kind is Kind.INTEGER and slot.fits_integer):
            column = base
        elif fold(slot.name) in self.key:
            raise LoadError(KEY_TYPE_MISMATCH)
        else:
            column = self._split(base, slot)
        if column.kind is not slot.kind and column is not base:
            raise LoadError(
                f"Column {column.name} of table {self.plan.name} does not have the type of its suffix"
            )
        self._target(slot.code, self._widen(column, slot))

    def finish(self) -> None:
        """Write down the changes: one statement for a new table, otherwise renames before additions."""
        plan = self.plan
        if plan.created:
            columns = sorted(plan.columns.values(), key=lambda column: column.name.encode())
            plan.changes = [CreateTable([(c.name, c.type_name) for c in columns], plan.key)]
            return
        added = sorted(self.added, key=lambda column: column.name.encode())
        plan.changes = [*self.renames, *(AddColumn(c.name, c.type_name) for c in added), *self.widened]
        plan.new_columns = [column.name for column in added if column.name in self.user_columns]

    def _split(self, base: Column, slot: Slot) -> Column:
        fold, columns = self.capabilities.fold, self.plan.columns
        if base.kind is not None and self.capabilities.rename_original_on_split:
            renamed = self._suffixed(base.name, base.kind)
            if fold(renamed) not in columns:
                self._rename(base, renamed)
        suffixed = self._suffixed(base.name, slot.kind)
        return columns.get(fold(suffixed)) or self._add(suffixed, slot.kind, slot.scale)

    def _rename(self, base: Column, new: str) -> None:
        fold, plan = self.capabilities.fold, self.plan
        column = Column(new, base.type_name, base.kind)
        del plan.columns[fold(base.name)]
        plan.columns[fold(new)] = column
        plan.managed.discard(fold(base.name))
        plan.managed.add(fold(new))
        for code, target in plan.targets.items():
            if target is base:
                plan.targets[code] = column
        if base in self.added:
            self.added[self.added.index(base)] = column
            self.user_columns.add(new)
        else:
            self.renames.append(RenameColumn(base.name, new))

    def _add(self, name: str, kind: Kind, scale: int) -> Column:
        column = Column(name, self.capabilities.type_name(kind, scale), kind)
        self.plan.columns[self.capabilities.fold(name)] = column
        self.added.append(column)
        if not name.lower().startswith("_sdc") and name != naming.PRIMARY_KEY:
            self.user_columns.add(name)
        return column

    def _widen(self, column: Column, slot: Slot) -> Column:
        """Give a bounded decimal column the decimals its new values have."""
        scale = scale_of(column.type_name)
        if slot.kind is not Kind.DECIMAL or scale is None or slot.scale <= scale:
            return column
        if self.capabilities.decimal_digits is None:  # a bound of its user's own
            return column
        wider = Column(column.name, self.capabilities.type_name(Kind.DECIMAL, slot.scale), Kind.DECIMAL)
        self.plan.columns[self.capabilities.fold(column.name)] = wider
        if column in self.added:
            self.added[self.added.index(column)] = wider
        else:
            self.widened.append(ChangeType(wider.name, wider.type_name))
        return wider

    def _target(self, code: str, column: Column) -> None:
        self.plan.targets[code] = column
        self.plan.managed.add(self.capabilities.fold(column.name))

    def _suffixed(self, name: str, kind: Kind) -> str:
        return f"{name}{naming.SEPARATOR}{kind}"


def check_existing(
    existing: ExistingTable, system: dict[str, Kind], key: tuple[str, ...], capabilities: Capabilities
) -> None:
    """Stop the table when its key or a column of the loader's is not what it was."""
    fold = capabilities.fold
    if existing.key and {fold(name) for name in existing.key} != {fold(name) for name in key}:
        raise LoadError(KEY_MISMATCH)
    for name in naming.SYSTEM_COLUMNS:
        if fold(name) not in existing.columns:
            raise LoadError(
                f"Column {name} is missing from table {existing.name}. Restore it, or drop the table to have "
                "it made again from the data that follows."
            )
    for name, kind in system.items():
        column = existing.columns.get(fold(name))
        if column is not None and name in key and column.kind is not kind:
            raise LoadError(KEY_TYPE_MISMATCH)


def check_width(columns: int, capabilities: Capabilities) -> None:
    """Stop the table when it would have more columns than the destination takes."""
    if capabilities.max_columns is not None and columns > capabilities.max_columns:
        raise TooManyColumns
