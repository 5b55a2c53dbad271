"""What a rehearsal asks a warehouse file that is open for reading: its structure, and which rows outrank new ones."""

from __future__ import annotations

import duckdb

from integrations.loading import merging
from integrations.loading.capabilities import DUCKDB
from integrations.loading.catalogue import ExistingTable
from integrations.loading.collecting import ORDINAL, ORIGIN, SEQUENCE, Collected
from integrations.loading.destinations.duckdb_schema import DuckDBSchema
from integrations.loading.drafting import Known
from integrations.loading.errors import LoadError
from integrations.loading.ledger import SCHEMA
from integrations.loading.planning import KEY_TYPE_MISMATCH
from integrations.loading.rehearsing import Standing
from integrations.loading.staging import stage_rows, staged_types
from integrations.loading.versions import Versions

STAGE = "temp.main.stage_rehearsed"  # of the connection alone: the file is not written


class DuckDBStanding:
    """One integration's schema, read on a connection that somebody else opened and will close."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema_name: str) -> None:
        self.schema = DuckDBSchema(connection, schema_name)

    def read(self, root: str) -> Standing:
        """Return what there is of a root table, by its folded name, and of its sub tables."""
        known = self._known()
        return Standing(self.schema.catalogue(root, known), known)

    def outranked(self, collected: Collected, existing: ExistingTable, versions: Versions) -> set[int]:
        """Compare root rows with the stored rows of their keys, as a load does."""
        key = []
        for slot in collected.key_slots:
            column = existing.columns[DUCKDB.fold(slot.name)]
            if column.kind is not slot.kind:
                raise LoadError(KEY_TYPE_MISMATCH)
            key.append((slot.code, column))
        codes = {ORDINAL, ORIGIN, SEQUENCE, *(slot.code for slot in collected.key_slots)}
        types = {ORDINAL: "BIGINT", ORIGIN: "BIGINT", SEQUENCE: "BIGINT"} | staged_types(collected.key_slots)
        rows = [{code: row[code] for code in codes} for row in collected.rows]
        stage_rows(self.schema.execute, table=STAGE, types=types, rows=rows)
        query = merging.comparison_query(
            table=self.schema.qualified(existing.name),
            stage=STAGE,
            key=key,
            activated_version=versions.after if versions.activated else None,
        )
        return {ordinal for ordinal, _, lost in self.schema.execute(query, []) if lost}

    def _known(self) -> Known:
        """Return the ledger's tables; a file that the loader has never written has none."""
        there = self.schema.execute(
            "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = 'tables'",
            [self.schema.database, SCHEMA],
        )
        return self.schema.ledger().tables() if there else {}
