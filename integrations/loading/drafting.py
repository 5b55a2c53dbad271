"""What one load has to write, decided before anything is: a destination carries it out, a rehearsal shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrations.loading import naming
from integrations.loading.batches import ACTIVATE_VERSION, Part, TableBatch
from integrations.loading.capabilities import Capabilities
from integrations.loading.catalogue import ExistingTable
from integrations.loading.collecting import EXTRACTED, GENERATED, ORDINAL, Collected
from integrations.loading.errors import LoadError, TooManyColumns
from integrations.loading.keys import sorted_names
from integrations.loading.ledger import KnownTable
from integrations.loading.outcomes import BatchCounts
from integrations.loading.planning import TablePlan, check_existing, plan_table, slots_with_values
from integrations.loading.rejected import Rejected
from integrations.loading.shapes import Row, Slot, TableShape
from integrations.loading.system_columns import root_columns, sub_columns
from integrations.loading.unnesting import Unnester

Known = dict[str, KnownTable]  # the loader's tables of a schema, by folded name


@dataclass(frozen=True, slots=True)
class SubTable:
    """A sub table to write: its rows, its structure, and where its copies of the root's key come from."""

    shape: TableShape
    rows: list[Row]
    plan: TablePlan
    source_keys: dict[str, str]  # its source key columns to the codes of the root's slots


@dataclass(frozen=True, slots=True)
class Draft:
    """The tables of a load, root first."""

    root: TablePlan
    subs: list[SubTable] = field(default_factory=list)


def check_name(
    existing: ExistingTable | None, *, source_name: str, known: Known, capabilities: Capabilities
) -> None:
    """Two senders' tables must not become one (loading.md 1.2), and what the loader made must be there."""
    if existing is None:
        return
    check_existing(existing, {}, existing.key, capabilities)
    own = known.get(capabilities.fold(existing.name))
    if own is None:
        return
    if own.parent_name is not None or capabilities.fold(own.source_name) != capabilities.fold(source_name):
        raise LoadError(f"Table name collision on {naming.table_name(source_name)}")


def reject_all(
    batches: list[TableBatch], *, reason: str, name: str, rejected: Rejected
) -> dict[Part, BatchCounts]:
    """Refuse every record of a table whose name no destination takes."""
    counts: dict[Part, BatchCounts] = {}
    for batch in batches:
        records = [message for message in batch.messages if message.action != ACTIVATE_VERSION]
        for message in records:
            rejected.refuse(message, batch, reason=reason, table_name=name)
        counts[batch.part] = counts.get(batch.part, BatchCounts()) + BatchCounts(rejected=len(records))
    return counts


def draft_tables(
    collected: Collected, *, key: tuple[str, ...], known: Known, rejected: Rejected
) -> Draft | None:
    """Plan the root table and its sub tables; None where there is nothing to make or fill.

    What is refused on the way goes to `rejected`; records of nothing but nulls, for a table that does not
    exist, to the superseded. Raises LoadError when one of the tables cannot take what it should.
    """
    shape = collected.shape
    sub_rows = Unnester(rejected).unnest(collected)
    for data, reasons in collected.left_out.values():
        for reason in reasons:
            rejected.add(data, reason, shape.name, counts=False)
    slots = slots_with_values(shape, collected.rows)
    wanted = {sub: slots_with_values(sub, rows) for sub, rows in sub_rows.items()}
    if shape.existing is None and not slots and not any(wanted.values()):
        collected.supersede({row[ORDINAL] for row in collected.rows})
        return None
    if not collected.rows and shape.existing is None:
        return None
    extracted = any(EXTRACTED in row for row in collected.rows)
    system = root_columns(key, extracted=extracted)
    draft = Draft(plan_table(shape, slots, system=system, key=sorted_names(key)))
    for sub, rows in sub_rows.items():
        if wanted[sub] or sub.existing is not None:
            _draft_sub_table(draft, sub, rows, collected, known, rejected)
    return draft


def _draft_sub_table(
    draft: Draft, sub: TableShape, rows: list[Row], collected: Collected, known: Known, rejected: Rejected
) -> None:
    source_keys = source_key_columns(sub, draft.root, collected.key_slots)
    too_long = [name for name in source_keys if len(name) > sub.capabilities.column_name_length]
    root_name = sub.capabilities.fold(collected.shape.name)
    if too_long:
        check_sub_name(sub, root_name, known)
        reason = f"Column name {too_long[0]} is too long for {sub.capabilities.display_name}"
        _reject_rows(sub, rows, reason, rejected)
        return
    slots = slots_with_values(sub, rows)
    try:
        plan = plan_sub_table(
            sub, slots, root=draft.root, root_name=root_name, source_keys=source_keys, known=known
        )
    except TooManyColumns as error:
        _reject_rows(sub, rows, error.message, rejected)
        return
    draft.subs.append(SubTable(sub, rows, plan, source_keys))


def _reject_rows(sub: TableShape, rows: list[Row], reason: str, rejected: Rejected) -> None:
    for row in rows:
        rejected.add(
            {slot.name: row[slot.code] for slot in sub.slots.values() if slot.code in row}, reason, sub.name
        )


def source_key_columns(sub: TableShape, root: TablePlan, key_slots: list[Slot]) -> dict[str, str]:
    """Return the sub table's copies of the root's key, with the codes of the slots they come from."""
    codes = [slot.code for slot in key_slots]
    if not codes:
        return {naming.source_key(root.targets[naming.PRIMARY_KEY].name): GENERATED}
    return {naming.source_key(root.targets[code].name): code for code in codes}


def plan_sub_table(
    sub: TableShape,
    slots: list[Slot],
    *,
    root: TablePlan,
    root_name: str,
    source_keys: dict[str, str],
    known: Known,
) -> TablePlan:
    """Plan a sub table of the root with this folded name."""
    check_sub_name(sub, root_name, known)
    sources = [
        root.targets[naming.PRIMARY_KEY if code == GENERATED else code] for code in source_keys.values()
    ]
    key = sorted_names((*map(naming.level_id, range(sub.depth)), *source_keys))
    return plan_table(sub, slots, system=sub_columns(sub.depth, sources), key=key)


def check_sub_name(sub: TableShape, root_name: str, known: Known) -> None:
    """Stop the table when another root's sub table has the name."""
    other = known.get(sub.capabilities.fold(sub.name))
    if other is not None and other.root_name != root_name and sub.existing is not None:
        raise LoadError(f"Table name collision on {sub.name}")
