"""One load of plain batches, column by column: the steps of `table_loading` without an object for each record.

What it cannot bring to the same end as they do ends in Unsuited. Then nothing may be committed, and the batches are
loaded record by record.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from integrations.loading import naming
from integrations.loading.batches import Part, TableBatch
from integrations.loading.bookmarks import bookmark_text
from integrations.loading.capabilities import Kind
from integrations.loading.collecting import EXTRACTED, GENERATED, ORDINAL, Origin
from integrations.loading.drafting import plan_sub_table, source_key_columns
from integrations.loading.keys import sorted_names
from integrations.loading.merging import NONE
from integrations.loading.outcomes import BatchCounts, Bookmark
from integrations.loading.plain_staging import ROOT, Execute, PlainStage, StagedTable
from integrations.loading.plain_tables import TYPE_NAMES, Unsuited, columns_of
from integrations.loading.planning import TablePlan, check_width, plan_table
from integrations.loading.shapes import Slot, TableShape
from integrations.loading.system_columns import root_columns
from integrations.loading.table_loading import ROOT_KINDS, TableLoader
from integrations.loading.unnesting import level_code
from integrations.loading.versions import Versions

TIMES = {"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def suits(batches: list[TableBatch]) -> bool:
    """Tell whether a load can be tried by columns: plain batches of one schema and key, each given once."""
    plans = {None if batch.plain is None else id(batch.plain.plan) for batch in batches}
    return len(plans) == 1 and None not in plans and len({batch.part for batch in batches}) == len(batches)


class ColumnLoader(TableLoader):
    """Loads batches for which `suits` holds, or raises Unsuited.

    DuckDB reads the batches: the destination's own connection, or another one that hands over what it read.
    """

    @property
    def reader(self) -> Execute:
        """What carries out the statements that read and unnest."""
        return self.execute

    def _hand_over(self, stage: PlainStage, table: str, kinds: dict[str, Kind]) -> str:
        """Bring a stage to where it is merged, with the columns of `kinds` at least; return its name there."""
        return table

    def _drop_lost(self, stage: PlainStage, matched: str) -> None:
        """Drop the staged rows that stored rows outrank."""
        stage.drop(f"SELECT o FROM {matched} WHERE lost")

    def _write(
        self, batches: list[TableBatch], shape: TableShape, key: tuple[str, ...], versions: Versions
    ) -> dict[Part, BatchCounts]:
        wanted = [batch for batch in batches if (batch.table_version or versions.before) >= versions.after]
        counts = {batch.part: BatchCounts(superseded=len(batch.messages)) for batch in batches}
        if not wanted:
            return counts
        stage, key_slots = self._stage(wanted, shape, key, versions)
        updated = self._settle_staged(stage, key_slots, shape, versions)
        if not self._merge_staged(stage, shape, key, key_slots):
            return counts
        kept = stage.rows_by_origin()
        for number, batch in enumerate(wanted):
            rows = kept.get(number, 0)
            counts[batch.part] = BatchCounts(
                inserted=rows - updated[number],
                updated=updated[number],
                superseded=len(batch.messages) - rows,
            )
            self.rows_written[batch.part] += rows
        names = dict.fromkeys(name for batch in batches for name in batch.bookmark_names)
        self.bookmarks = [
            found for name in names if (found := self._bookmark(name, stage, shape)) is not None
        ]
        return counts

    def _stage(
        self, batches: list[TableBatch], shape: TableShape, key: tuple[str, ...], versions: Versions
    ) -> tuple[PlainStage, list[Slot]]:
        """Read the batches into the root's stage, one row per key; return it and the slots of the key."""
        [record] = {id(batch.plain): batch.plain.plan.record for batch in batches[:1] if batch.plain}.values()
        if not key:
            shape.own_names.add(shape.capabilities.fold(naming.PRIMARY_KEY))
        columns = columns_of(record, batches[0].schema, shape, of="j.data")
        check_width(len(shape.slots), self.capabilities)
        key_slots = [_only(shape.variants(name)) for name in key]
        stage = PlainStage(self.reader, columns)
        stage.read(batches, key=key_slots)
        self.max_extracted = stage.max_extracted
        if key:
            stage.keep_greatest(key_slots)
        self.root_stage = self._hand_over(stage, ROOT, _root_kinds(stage, generates_key=not key))
        self.origin_parts = [batch.part for batch in batches]
        self._stage_origins(
            [
                Origin(batch.part, batch.received_at, batch.table_version or versions.before)
                for batch in batches
            ]
        )
        return stage, key_slots

    def _settle_staged(
        self, stage: PlainStage, key_slots: list[Slot], shape: TableShape, versions: Versions
    ) -> Counter[int]:
        """Drop the rows that stored rows outrank; count those that replace one by the number of their batch."""
        in_place = self.capabilities.replaces_in_place
        self.replaces = None if in_place else NONE
        if shape.existing is None or not shape.existing.key:
            return Counter()
        matched, updated = self._compare(key_slots, shape.existing, versions)
        if matched.has_lost:
            self._drop_lost(stage, matched.table)
        if updated and not in_place:
            self.replaces = f"s.o IN (SELECT o FROM {matched.table} WHERE NOT lost)"
        return Counter(updated)

    def _merge_staged(
        self, stage: PlainStage, shape: TableShape, key: tuple[str, ...], key_slots: list[Slot]
    ) -> bool:
        """Give root and sub tables their structure, and write the rows; False where there is nothing to make."""
        rows, slots, extracted = stage.filled(stage.columns)
        subs = stage.unnest()
        if shape.existing is None and not slots and not any(sub.slots for sub in subs):
            return False
        _check_small_integers(shape, slots)
        system = root_columns(key, extracted=extracted)
        root = plan_table(shape, slots, system=system, key=sorted_names(key))
        self._check_types(root, slots)
        wanted = [sub for sub in subs if sub.slots or sub.shape.existing is not None]
        stages = [self._hand_over(stage, sub.stage, _sub_kinds(sub)) for sub in wanted]
        self._change(self.folded, root, shape.existing)
        if rows:
            self._merge_root(root)
        for sub, handed_over in zip(wanted, stages, strict=True):
            self._merge_staged_table(sub, handed_over, root, key_slots, stage)
        self._prune(key_slots, shape.existing)
        return True

    def _merge_staged_table(
        self, sub: StagedTable, handed_over: str, root: TablePlan, key_slots: list[Slot], stage: PlainStage
    ) -> None:
        shape = sub.shape
        _check_small_integers(shape, sub.slots)
        source_keys = source_key_columns(shape, root, key_slots)
        if any(len(name) > self.capabilities.column_name_length for name in source_keys):
            raise Unsuited  # every row of it is rejected
        plan = plan_sub_table(
            shape, sub.slots, root=root, root_name=self.folded, source_keys=source_keys, known=self.known
        )
        self._check_types(plan, sub.slots)
        self._change(self.fold(shape.name), plan, shape.existing)
        self._merge_staged_sub(shape, plan, handed_over, source_keys)
        for number, rows in stage.rows_by_origin(sub.stage).items():
            self.rows_written[self.origin_parts[number]] += rows

    def _check_types(self, plan: TablePlan, slots: list[Slot]) -> None:
        """Leave columns of a user's making, in which a value may be rounded, to the conversion they know."""
        exact = {self.capabilities.type_names[kind].upper() for kind in TYPE_NAMES} | TIMES
        if any(plan.targets[slot.code].type_name.upper() not in exact for slot in slots):
            raise Unsuited

    def _bookmark(self, name: str, stage: PlainStage, shape: TableShape) -> Bookmark | None:
        """Return the least and greatest value of one of the sender's replication keys."""
        slots = shape.variants(naming.column_name(name, self.capabilities))
        if not slots:
            return None
        if slots[0].kind is Kind.DOUBLE:
            raise Unsuited  # shown with the digits that were sent
        least, greatest = stage.extremes(slots[0])
        if least is None or greatest is None:
            return None
        if slots[0].kind is Kind.TIMESTAMP:
            least, greatest = (EPOCH + timedelta(microseconds=value) for value in (least, greatest))
        return Bookmark(name, bookmark_text(least), bookmark_text(greatest))


def _root_kinds(stage: PlainStage, *, generates_key: bool) -> dict[str, Kind]:
    _, slots, extracted = stage.filled(stage.columns)
    kinds = {code: kind for code, kind in ROOT_KINDS.items() if code not in (EXTRACTED, GENERATED)}
    if extracted:
        kinds[EXTRACTED] = Kind.TIMESTAMP
    if generates_key:
        kinds[GENERATED] = Kind.STRING
    return kinds | {slot.code: slot.kind for slot in slots}


def _sub_kinds(sub: StagedTable) -> dict[str, Kind]:
    kinds = {ORDINAL: Kind.BIGINT} | {level_code(level): Kind.BIGINT for level in range(sub.shape.depth)}
    return kinds | {slot.code: slot.kind for slot in sub.slots}


def _only(slots: list[Slot]) -> Slot:
    if len(slots) != 1:
        raise Unsuited
    return slots[0]


def _check_small_integers(shape: TableShape, slots: list[Slot]) -> None:
    """Leave tables with a column of 32 bits, which no loader made, to those who look at each value."""
    if shape.existing is None:
        return
    for slot in slots:
        column = shape.existing.columns.get(shape.capabilities.fold(slot.name))
        if column is not None and column.kind is Kind.INTEGER:
            raise Unsuited
