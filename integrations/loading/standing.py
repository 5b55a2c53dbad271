"""What a rehearsal asks a destination, and writes nothing: its structure, and which rows outrank new ones."""

from __future__ import annotations

from integrations.loading import merging
from integrations.loading.capabilities import Kind
from integrations.loading.catalogue import ExistingTable
from integrations.loading.collecting import ORDINAL, ORIGIN, SEQUENCE, Collected
from integrations.loading.keys import stored_key
from integrations.loading.rehearsing import Standing
from integrations.loading.stored_schema import StoredSchema
from integrations.loading.versions import Versions


class StoredStanding:
    """One integration's schema, read on a connection that somebody else opened and will close."""

    def __init__(self, schema: StoredSchema) -> None:
        self.schema = schema

    def read(self, root: str) -> Standing:
        """Return what there is of a root table, by its folded name, and of its sub tables."""
        known = self.schema.ledger().tables() if self.schema.has_ledger() else {}
        return Standing(self.schema.catalogue(root, known), known)

    def outranked(self, collected: Collected, existing: ExistingTable, versions: Versions) -> set[int]:
        """Compare root rows with the stored rows of their keys, as a load does."""
        key = stored_key(collected.key_slots, existing, self.schema.capabilities)
        kinds = {ORDINAL: Kind.BIGINT, ORIGIN: Kind.BIGINT, SEQUENCE: Kind.BIGINT}
        kinds |= {slot.code: slot.kind for slot in collected.key_slots}
        rows = [{code: row[code] for code in kinds} for row in collected.rows]
        query = merging.comparison_query(
            table=self.schema.qualified(existing.name),
            stage=self.schema.stage("rehearsed", kinds, rows),
            key=key,
            activated_version=versions.after if versions.activated else None,
            capabilities=self.schema.capabilities,
        )
        return {ordinal for ordinal, _, lost in self.schema.execute(query, []) if lost}
