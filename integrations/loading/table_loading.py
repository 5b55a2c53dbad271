"""One load of one table, inside the caller's transaction: the same steps for every destination (loading.md 13).

First the batches become staged root rows and counts; then what is stored decides which of them are wanted; then
structure, root and sub tables, rejected records and ledger are written. What destinations differ in is in their
`StoredSchema` and its `Capabilities`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from integrations.loading import merging, naming
from integrations.loading.batches import Part, TableBatch
from integrations.loading.bookmarks import bookmarks
from integrations.loading.capabilities import Kind
from integrations.loading.catalogue import Catalogue, ExistingTable
from integrations.loading.collecting import (
    EXTRACTED,
    GENERATED,
    ORDINAL,
    ORIGIN,
    SEQUENCE,
    Collected,
    Collector,
    Origin,
)
from integrations.loading.drafting import Draft, SubTable, check_name, draft_tables, reject_all
from integrations.loading.errors import TooManyColumns
from integrations.loading.keys import incoming_key, stored_key
from integrations.loading.ledger import Held, KnownTable
from integrations.loading.outcomes import BatchCounts, Bookmark, LoadedTable, Matched, TableLoad
from integrations.loading.planning import TablePlan, check_width
from integrations.loading.rejected import Rejected
from integrations.loading.shapes import Row, Slot, TableShape
from integrations.loading.stored_schema import StoredSchema
from integrations.loading.unnesting import level_code
from integrations.loading.versions import Versions, follow_versions

ROOT_KINDS = {
    ORDINAL: Kind.BIGINT,
    ORIGIN: Kind.BIGINT,
    SEQUENCE: Kind.BIGINT,
    EXTRACTED: Kind.TIMESTAMP,
    GENERATED: Kind.STRING,
}
ORIGIN_KINDS = {ORIGIN: Kind.BIGINT, "received_at": Kind.TIMESTAMP, "version": Kind.BIGINT}
FEW_ORIGINS = 100  # that stand in a statement; more are staged
REJECTED_KINDS = {"record": Kind.STRING, "reason": Kind.STRING, "t": Kind.STRING}


class TableLoader:
    """The steps of one load. Nothing of it remains unless the caller commits."""

    def __init__(
        self,
        schema: StoredSchema,
        *,
        table_name: str,
        batches: list[TableBatch],
        batched_at: datetime,
    ) -> None:
        self.schema = schema
        self.capabilities = schema.capabilities
        self.fold = schema.capabilities.fold
        self.execute = schema.execute
        self.ledger = schema.ledger()
        self.source_name = table_name
        self.given = batches
        self.batched_at = batched_at
        self.name = naming.table_name(table_name)
        self.folded = self.fold(self.name)
        self.collected: Collected | None = None
        self.rejected = Rejected()
        self.root_stage = self.origins = ""  # the full names of temporary tables, once they are there
        self.replaces = None if schema.capabilities.replaces_in_place else merging.ALL
        self.known: dict[str, KnownTable] = {}  # by folded name
        self.catalogue: Catalogue | None = None  # None: to be read (again)
        self.plans: dict[str, TablePlan] = {}
        self.rows_loaded: Counter[str] = Counter()  # by folded table name
        self.rows_written: Counter[Part] = Counter()
        self.bookmarks: list[Bookmark] = []
        self.max_extracted: str | None = None

    def run(self) -> TableLoad:
        """Load what is not held yet into a schema that is prepared, and say what became of every batch.

        Raises RowsAtFault for records that the engine refuses and the rules do not foresee: `sent_by` names them.
        """
        held = self.ledger.held(self.source_name, (batch.part for batch in self.given))
        batches = [batch for batch in self.given if batch.part not in held]
        self.known = self.ledger.tables()
        own = self.known.get(self.folded)
        active = own.active_version if own is not None else None
        if not batches:
            return self._outcome([], held, {}, Versions(active or 0, active or 0, activated=False))
        refusal = naming.table_refusal(self.name, self.source_name, self.capabilities)
        if refusal is not None:
            counts = reject_all(batches, reason=refusal, name=self.name, rejected=self.rejected)
            return self._finish(batches, held, counts, Versions(0, 0, activated=False))
        self.catalogue = catalogue = self.schema.catalogue(self.folded, self.known)
        existing = catalogue.find(self.name, self.capabilities)
        check_name(existing, source_name=self.source_name, known=self.known, capabilities=self.capabilities)
        versions = follow_versions(batches, active=active)
        shape = TableShape(self.name, capabilities=self.capabilities, catalogue=catalogue)
        key = incoming_key(batches, existing, self.capabilities)
        counts = self._write(batches, shape, key, versions)
        self._know(KnownTable(self.folded, self.source_name, self.folded, None, versions.after))
        return self._finish(batches, held, counts, versions)

    def _write(
        self, batches: list[TableBatch], shape: TableShape, key: tuple[str, ...], versions: Versions
    ) -> dict[Part, BatchCounts]:
        """Bring the records of all batches into their tables, and say what became of each batch."""
        collected = self.collected = Collector(shape, key=key, versions=versions).collect(batches)
        self.rejected = collected.rejected
        try:
            updated = self._settle(collected, shape.existing, versions)
            draft = draft_tables(collected, key=key, known=self.known, rejected=self.rejected)
        except TooManyColumns as error:
            if len(batches) > 1 or versions.activated:  # not all of them need be at fault
                raise
            self.rejected = Rejected()
            return reject_all(batches, reason=error.message, name=self.name, rejected=self.rejected)
        if draft is not None:
            self._merge(draft, collected, versions)
        self.bookmarks = bookmarks(batches, collected)
        times = [message.time_extracted for batch in batches for message in batch.messages]
        self.max_extracted = max(filter(None, times), default=None)
        return self._counts(batches, collected, updated)

    def sent_by(self, ordinals: Iterable[int]) -> list[tuple[Part, int]]:
        """Return the batches and message indexes of rows by their ordinals."""
        return [self.collected.sent[ordinal] for ordinal in ordinals] if self.collected is not None else []

    # Which records are wanted

    def _settle(
        self, collected: Collected, existing: ExistingTable | None, versions: Versions
    ) -> Counter[Part]:
        """Stage the root rows, drop those that stored rows outrank, and return the updates per batch."""
        slots = list(collected.shape.slots.values())
        check_width(len(slots), self.capabilities)  # before the engine is asked for a staging table as wide
        kinds = ROOT_KINDS | {slot.code: slot.kind for slot in slots}
        for code in (EXTRACTED, GENERATED):  # a table as wide as can be leaves no room for both
            if not any(code in row for row in collected.rows):
                del kinds[code]
        self.root_stage = self.schema.stage("root", kinds, collected.rows)
        self._stage_origins(collected.origins)
        if existing is None or not existing.key or not collected.rows:
            return Counter()
        matched, found = self._compare(collected.key_slots, existing, versions)
        updated: Counter[Part] = Counter()
        for origin, count in found.items():
            updated[collected.origins[origin].part] += count
        if matched.has_lost:
            lost = {row[0] for row in self.execute(f"SELECT o FROM {matched.table} WHERE lost", [])}
            collected.supersede(lost)
            self.schema.write(
                f"DELETE FROM {self.root_stage} WHERE o IN (SELECT o FROM {matched.table} WHERE lost)"
            )
        return updated

    def _stage_origins(self, origins: list[Origin]) -> None:
        if len(origins) <= FEW_ORIGINS:
            self.origins = merging.listed_origins(origins) if origins else ""
            return
        rows: list[Row] = [
            {ORIGIN: number, "received_at": origin.received_at, "version": origin.version}
            for number, origin in enumerate(origins)
        ]
        self.origins = self.schema.stage("origins", ORIGIN_KINDS, rows)

    def _compare(
        self, key_slots: list[Slot], existing: ExistingTable, versions: Versions
    ) -> tuple[Matched, dict[int, int]]:
        """Look up the staged keys among the stored rows; return what was found.

        Return also how many staged rows replace a stored one, by the number of their origin.
        """
        query = merging.comparison_query(
            table=self.schema.qualified(existing.name),
            stage=self.root_stage,
            key=stored_key(key_slots, existing, self.capabilities),
            activated_version=versions.after if versions.activated else None,
            capabilities=self.capabilities,
        )
        in_place = self.capabilities.replaces_in_place  # then it is seldom asked which rows were found
        table = f"({query}) AS matched" if in_place else self.schema.stage_query("matched", query)
        counts = self.execute(f"SELECT lost, b, count(*) FROM {table} GROUP BY lost, b", [])
        has_lost = any(lost for lost, _, _ in counts)
        if in_place and has_lost:
            table = self.schema.stage_query("matched", query)
        return Matched(table, has_lost), {origin: count for lost, origin, count in counts if not lost}

    # Writing

    def _merge(self, draft: Draft, collected: Collected, versions: Versions) -> None:
        """Give root and sub tables the structure they need, and write the rows.

        All rows are staged before the first change of structure, which locks its table until the commit.
        """
        root = draft.root
        stages = [self._stage_sub(number, sub) for number, sub in enumerate(draft.subs)]
        self._change(self.folded, root, collected.shape.existing)
        if collected.rows:
            self._merge_root(root)
            self.rows_written.update(collected.part_of(row) for row in collected.rows)
        for sub, stage in zip(draft.subs, stages, strict=True):
            self._change(self.fold(sub.shape.name), sub.plan, sub.shape.existing)
            self._merge_staged_sub(sub.shape, sub.plan, stage, sub.source_keys)
            self.rows_written.update(collected.part_of(row) for row in sub.rows)
        if versions.activated:
            self._delete_older(versions.after)
        self._prune(collected.key_slots, collected.shape.existing)

    def _stage_sub(self, number: int, sub: SubTable) -> str:
        shape = sub.shape
        kinds = {ORDINAL: Kind.BIGINT} | {level_code(level): Kind.BIGINT for level in range(shape.depth)}
        kinds |= {slot.code: slot.kind for slot in shape.slots.values()}
        return self.schema.stage(f"sub_{number}", kinds, sub.rows)

    def _merge_root(self, plan: TablePlan) -> None:
        def statements(stage: str) -> list[str]:
            return merging.root_merge(
                plan=plan,
                table=self.schema.qualified(plan.name),
                stage=stage,
                origins=self.origins,
                batched_at=self.batched_at.isoformat(),
                replaces=self.replaces,
                capabilities=self.capabilities,
            )

        self.rows_loaded[self.folded] += self.schema.merge(statements, self.root_stage)

    def _merge_staged_sub(
        self, shape: TableShape, plan: TablePlan, stage: str, source_keys: dict[str, str]
    ) -> None:
        def statements(stage: str) -> list[str]:
            return merging.sub_merge(
                plan=plan,
                table=self.schema.qualified(plan.name),
                stage=stage,
                root_stage=self.root_stage,
                origins=self.origins,
                batched_at=self.batched_at.isoformat(),
                source_keys=source_keys,
                replaces=self.replaces,
                capabilities=self.capabilities,
            )

        folded = self.fold(shape.name)
        self.rows_loaded[folded] += self.schema.merge(statements, stage)
        self._know(KnownTable(folded, self.source_name, self.folded, shape.parent, None))

    def _change(self, folded: str, plan: TablePlan, existing: ExistingTable | None) -> None:
        self.plans[folded] = plan
        for change in plan.changes:
            self.execute(merging.change_statement(self.schema.qualified(plan.name), change), [])
        recorded = existing.recorded if existing is not None else self._recorded(plan)
        self.ledger.manage(self.fold(plan.name), plan, recorded=recorded)
        if plan.changes:
            self.schema.was_changed()
            self.catalogue = None

    def _recorded(self, plan: TablePlan) -> frozenset[str]:
        """Return what the ledger still knows of a table that its user dropped."""
        return frozenset(column for _, column in self.ledger.managed_columns([self.fold(plan.name)]))

    def _delete_older(self, version: int) -> None:
        """Remove older versions from the root and from all its sub tables, touched by this load or not."""
        names = {name for name, table in self.known.items() if table.root_name == self.folded} | set(
            self.plans
        )
        for name in sorted(names):
            if self.schema.has_table(name):
                self.execute(merging.older_versions_deletion(self.schema.qualified(name), version), [])

    def _prune(self, key_slots: list[Slot], existing: ExistingTable | None) -> None:
        """Remove sub rows that the newest version of their record does not have, where that was asked for."""
        if not self.capabilities.prunes_sub_rows or existing is None or not existing.key:
            return
        key = stored_key(key_slots, existing, self.capabilities)
        wanted = {self.fold(naming.source_key(column.name)) for _, column in key} | {naming.SEQUENCE}
        for name, table in sorted(self.known.items()):
            if table.root_name != self.folded or name == self.folded:
                continue
            sub = self._structure().tables.get(name)
            if sub is not None and wanted <= sub.columns.keys():
                statement = merging.outdated_deletion(
                    self.schema.qualified(sub.name),
                    key=key,
                    stage=self.root_stage,
                    capabilities=self.capabilities,
                )
                self.execute(statement, [])

    # What is told

    def _counts(
        self, batches: list[TableBatch], collected: Collected, updated: Counter[Part]
    ) -> dict[Part, BatchCounts]:
        rows = Counter(collected.part_of(row) for row in collected.rows)
        return {
            part: BatchCounts(
                inserted=rows[part] - updated[part],
                updated=updated[part],
                superseded=collected.superseded_by_part[part],
                rejected=collected.rejected_by_part[part],
            )
            for part in dict.fromkeys(batch.part for batch in batches)
        }

    def _finish(
        self,
        batches: list[TableBatch],
        held: dict[Part, Held],
        counts: dict[Part, BatchCounts],
        versions: Versions,
    ) -> TableLoad:
        if self.rejected.rows:
            rows: list[Row] = [
                {"record": row.record, "reason": row.reason, "t": row.table_name}
                for row in self.rejected.rows
            ]
            stage = self.schema.stage("rejected", REJECTED_KINDS, rows)
            self.schema.write(
                f"INSERT INTO {self.schema.qualified(naming.REJECTED_TABLE)} SELECT record, reason, t, "
                f"CAST('{self.batched_at.isoformat()}' AS TIMESTAMPTZ) FROM {stage}"
            )
        outcomes = {part: Held(count, self.rows_written[part]) for part, count in counts.items()}
        self.ledger.hold(self.source_name, outcomes, held_at=self.batched_at)
        self.ledger.forget_before(self.batched_at)
        return self._outcome(batches, held, counts, versions)

    def _outcome(
        self,
        batches: list[TableBatch],
        held: dict[Part, Held],
        counts: dict[Part, BatchCounts],
        versions: Versions,
    ) -> TableLoad:
        by_batch: dict[str, BatchCounts] = {}
        known = {part: earlier.counts for part, earlier in held.items()}
        for (batch_id, _), count in {**known, **counts}.items():
            by_batch[batch_id] = by_batch.get(batch_id, BatchCounts()) + count
        return TableLoad(
            table_name=self.name,
            batched_at=self.batched_at,
            tables=self._tables(),
            batches=by_batch,
            rejections=self.rejected.summary(),
            refused=self.rejected.records,
            max_received_at=max((batch.received_at for batch in batches), default=None),
            max_time_extracted=self.max_extracted,
            table_version=versions.after,
            new_version=versions.activated,
            bookmarks=self.bookmarks,
            already_held=list(dict.fromkeys(batch_id for batch_id, _ in held)),
            rows_held=sum(earlier.rows for earlier in held.values()),
        )

    def _tables(self) -> list[LoadedTable]:
        """Describe the root and all its sub tables as they are now."""
        known, catalogue = self.known, self._structure()
        names = sorted(name for name, table in self.known.items() if table.root_name == self.folded)
        names.sort(key=lambda name: name != self.folded)
        there = [(name, catalogue.tables[name]) for name in names if name in catalogue.tables]
        counts = self.schema.row_counts([table.name for _, table in there])
        described = []
        for name, table in there:
            plan = self.plans.get(name)
            described.append(
                LoadedTable(
                    name=table.name,
                    parent=known[name].parent_name,
                    columns=[(column.name, column.type_name) for column in table.columns.values()],
                    row_count=counts[table.name],
                    rows_loaded=self.rows_loaded[name],
                    rows_rejected=self.rejected.count(table.name),
                    new_columns=plan.new_columns if plan is not None else [],
                    created=plan.created if plan is not None else False,
                )
            )
        return described

    def _structure(self) -> Catalogue:
        """Return the tables as they are now."""
        if self.catalogue is None:
            self.catalogue = self.schema.catalogue(self.folded, self.known)
        return self.catalogue

    def _know(self, table: KnownTable) -> None:
        if self.known.get(table.table_name) != table:
            self.ledger.know(table)
            self.known[table.table_name] = table
