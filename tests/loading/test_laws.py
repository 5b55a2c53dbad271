"""Arrival order, splitting and repetition do not change root rows; the books balance (I3, I4, I5, D27)."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Make, Warehouse, batch

TYPES = {
    "id": {"type": "integer"},
    "name": {"type": ["null", "string"]},
    "price": {"type": "number"},
    "seen": {"type": "string", "format": "date-time"},
    "tags": {"type": "array", "items": {"type": "integer"}},
}
BIGINT = st.integers(-(2**63), 2**63 - 1)
DATA = st.fixed_dictionaries(
    {"id": st.sampled_from([1, 2, 3, -(2**63), 2**63 - 1])},
    optional={
        "name": st.none() | st.text(max_size=5),
        "price": st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9, max_value=9),
        "seen": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
        "tags": st.lists(BIGINT, max_size=3),
        "addr": st.fixed_dictionaries({}, optional={"city": st.text(max_size=3), "zip": BIGINT}),
    },
)
RECORDS = st.lists(
    st.tuples(BIGINT, DATA), min_size=1, max_size=8, unique_by=lambda record: (record[1]["id"], record[0])
)
EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "6"))  # the promised figures take an hour: I3, I4
FEW = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.data_too_large]
)


def send(warehouse: Warehouse, records: list[tuple[int, dict[str, Any]]], **facts: Any) -> BatchCounts:
    counts = warehouse.send(*records, key=("id",), types=TYPES, **facts).counts
    assert counts.accepted == len(records)  # I5
    return counts


def state(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Return root and current sub rows; a column that is NULL everywhere says nothing."""
    tables = {}
    for table in warehouse.tables():
        if table == "_sdc_rejected":
            continue
        columns = [
            name
            for name in sorted(warehouse.columns(table))
            if name not in {"_sdc_batched_at", "_sdc_received_at"}
            and warehouse.query(f'SELECT count("{name}") FROM bike_fleet."{table}"') != [(0,)]
        ]
        rows = warehouse.rows(table, *columns)
        if table != "bikes":
            wanted = ", ".join(f's."{name}"' for name in columns)
            rows = warehouse.query(
                f'SELECT {wanted} FROM bike_fleet."{table}" s JOIN bike_fleet.bikes r '
                "ON r.id = s._sdc_source_key_id AND r._sdc_sequence = s._sdc_sequence ORDER BY ALL"
            )
        if rows:
            tables[table] = [tuple(columns), *rows]
    return tables


@FEW
@given(RECORDS, st.randoms(use_true_random=False))
def test_I4_order_of_arrival_does_not_matter(
    fresh: Make, records: list[tuple[int, dict[str, Any]]], random: Any
) -> None:
    shuffled = random.sample(records, len(records))
    with fresh() as first, fresh() as second:
        for record in records:
            send(first, [record])
        for record in shuffled:
            send(second, [record])
        assert state(first) == state(second)


@FEW
@given(RECORDS, st.data())
def test_I4_any_split_into_batches_and_loads_gives_the_same_rows(
    fresh: Make, records: list[tuple[int, dict[str, Any]]], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(records)))
    together = data.draw(st.booleans())
    with fresh() as whole, fresh() as split:
        send(whole, records)
        parts = [part for part in (records[:cut], records[cut:]) if part]
        if together:
            batches = [
                batch(*part, key=("id",), types=TYPES, batch_id=str(number))
                for number, part in enumerate(parts)
            ]
            assert split.load(*batches).counts.accepted == len(records)
        else:
            for part in parts:
                send(split, part)
        assert state(whole) == state(split)


@FEW
@given(RECORDS)
def test_I3_replaying_changes_nothing(fresh: Make, records: list[tuple[int, dict[str, Any]]]) -> None:
    with fresh() as warehouse:
        send(warehouse, records)
        before = state(warehouse)
        assert send(warehouse, records) == BatchCounts(superseded=len(records))
        assert state(warehouse) == before
        again = send(warehouse, records, batch_id="batch-1")  # the very batch, retried: known by the ledger
        assert again.superseded < len(records)
        assert state(warehouse) == before


@FEW
@given(RECORDS)
def test_I4_the_greatest_sequence_of_each_key_is_what_remains(
    fresh: Make,
    records: list[tuple[int, dict[str, Any]]],
) -> None:
    with fresh() as warehouse:
        send(warehouse, records)
        greatest: dict[int, int] = {}
        for sequence, data in records:
            greatest[data["id"]] = max(sequence, greatest.get(data["id"], sequence))
        assert warehouse.query("SELECT id, _sdc_sequence FROM bike_fleet.bikes ORDER BY 1") == sorted(
            greatest.items()
        )


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.text(max_size=4)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from([Decimal("1e400"), "\ud800", "\0", 9223372036854775808]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.text(max_size=8) | st.sampled_from(
    ["id", "ID", "i-d", "a__b", "x__st", "_sdc_x", "value", "__sdc_primary_key"]
)


@settings(max_examples=3 * EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(NAMES, JSON_VALUES, max_size=5), min_size=1, max_size=5), st.booleans())
def test_I5_books_balance_whatever_is_sent(fresh: Make, records: list[dict[str, Any]], keyed: bool) -> None:
    """I13: anything a push can carry loads or is refused with a reason; nothing jams the table."""
    with fresh() as warehouse:
        if keyed:
            records = [{**record, "key": number} for number, record in enumerate(records)]
        refused = 0
        for _ in range(2):
            load = warehouse.send(*enumerate(records), key=("key",) if keyed else ())
            assert load.counts.accepted == len(records)
            refused += sum(rejection.count for rejection in load.rejections)
            for table in load.tables:
                assert warehouse.query(f'SELECT count(*) FROM bike_fleet."{table.name}"') == [
                    (table.row_count,)
                ]
        assert len(warehouse.rejected()) == refused
