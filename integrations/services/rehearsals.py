"""What an integration's destination would do with some records: planned by the loader, and stored nowhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from integrations.loading import naming
from integrations.loading.batches import UPSERT, TableBatch
from integrations.loading.capabilities import DUCKDB, Capabilities
from integrations.loading.catalogue import Catalogue, read_catalogue
from integrations.loading.errors import Busy, LoadError
from integrations.loading.inferring import infer_schema
from integrations.loading.rehearsing import Rehearsal, Standing, rehearse
from integrations.models import Integration, LoadedTable
from integrations.services.destinations import destination_of
from integrations.services.engines import Engine, capabilities_of, engine_of

MAX_SAMPLE_BYTES = 1024 * 1024


class ComparedWith(StrEnum):
    """What a rehearsal knows of the tables that there are."""

    DESTINATION = "destination"
    RECORDED = "recorded"  # what the last load left, keys and stored rows unseen


@dataclass(frozen=True, slots=True)
class TableRehearsal:
    """One table's rehearsal, and the JSON Schema that its records suggest."""

    rehearsal: Rehearsal
    schema: dict[str, Any] | None  # None: too many fields


@dataclass(frozen=True, slots=True)
class IntegrationRehearsal:
    """The tables of one sample, against which destination, and why that could not be looked into, if so."""

    destination: str
    schema_name: str
    compared_with: ComparedWith
    problem: str
    tables: list[TableRehearsal]


def rehearse_batches(*, integration: Integration, batches: Iterable[TableBatch]) -> IntegrationRehearsal:
    """Say what loading these batches would do to the integration's tables. Nothing is stored."""
    by_table: dict[str, list[TableBatch]] = {}
    for batch in batches:
        by_table.setdefault(batch.table_name, []).append(batch)
    engine, capabilities, problem = _engine(integration)
    rehearsed = []
    for parts in by_table.values():
        rehearsal = None
        if engine is not None and not problem:
            rehearsal, problem = _in_destination(engine, integration.schema_name, parts)
        if rehearsal is None:
            standing = _recorded(integration, parts, capabilities)
            rehearsal = rehearse(parts, standing=standing, capabilities=capabilities)
        rehearsed.append(TableRehearsal(rehearsal, _suggested(parts)))
    return IntegrationRehearsal(
        destination=capabilities.display_name,
        schema_name=integration.schema_name,
        compared_with=ComparedWith.RECORDED if problem else ComparedWith.DESTINATION,
        problem=problem,
        tables=rehearsed,
    )


def _engine(integration: Integration) -> tuple[Engine | None, Capabilities, str]:
    destination = destination_of(integration=integration)
    if destination is None:
        return None, DUCKDB, "This integration has no destination: its data waits until it has one."
    try:
        return engine_of(destination), capabilities_of(destination), ""
    except LoadError as error:
        return None, capabilities_of(destination), error.message


def _in_destination(
    engine: Engine, schema_name: str, parts: list[TableBatch]
) -> tuple[Rehearsal | None, str]:
    """Rehearse against the destination itself, or say why it cannot be looked into."""
    try:
        return engine.rehearse(schema_name=schema_name, table_name=parts[0].table_name, batches=parts), ""
    except Busy:
        return None, "The warehouse is being written. Try again in a moment."
    except LoadError as error:
        return None, error.message


def _recorded(integration: Integration, parts: list[TableBatch], capabilities: Capabilities) -> Standing:
    """Return the tables as the last load recorded them; keys are known by the columns that copy them."""
    tables = list(integration.loaded_tables.filter(root=parts[0].table_name))
    columns = [(table.name, name, kind) for table in tables for name, kind in table.columns]
    copied = [name for table in tables for name, _ in table.columns if name.startswith(naming.source_key(""))]
    root_key = list(dict.fromkeys(name.removeprefix(naming.source_key("")) for name in copied))
    sent = [naming.column_name(name, capabilities) for name in parts[0].key_names]
    keys = [(table.name, _recorded_key(table, root_key or sent)) for table in tables]
    return Standing(read_catalogue(columns, keys, [], capabilities) if tables else Catalogue({}))


def _recorded_key(table: LoadedTable, root_key: list[str]) -> list[str]:
    names = [name for name, _ in table.columns]
    if naming.PRIMARY_KEY in names:
        return []
    of_sub_table = [name for name in names if name.startswith(("_sdc_level_", naming.source_key("")))]
    return of_sub_table or [name for name in root_key if name in names]


def _suggested(parts: list[TableBatch]) -> dict[str, Any] | None:
    records = (message.data or {} for part in parts for message in part.messages if message.action == UPSERT)
    return infer_schema(records, key_names=itertools.chain.from_iterable(part.key_names for part in parts))
