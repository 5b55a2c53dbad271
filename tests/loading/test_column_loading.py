"""Plain batches loaded by columns leave what loading them record by record leaves: rows, ledger and outcome alike."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.loading.batches import TableBatch
from integrations.loading.column_loading import ColumnLoader
from integrations.loading.destinations import postgresql_columns
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import TableLoad
from integrations.loading.plain import read_plain
from integrations.loading.reading import BATCH, plain_table_batch, read_table_batches
from tests.loading.conftest import MORNING, Make, Warehouse

Record = tuple[int, Any] | tuple[int, Any, str]
INTEGER, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
NULLABLE = {"type": ["null", "string"]}


def body(properties: dict[str, Any], *records: Record, key: tuple[str, ...] = (), **more: Any) -> bytes:
    """Return the bytes of a plain request; a record's data may be JSON text."""
    messages = []
    for sequence, data, *extracted in records:
        text = data if isinstance(data, str) else json.dumps(data)
        time = f',"time_extracted":"{extracted[0]}"' if extracted else ""
        messages.append(f'{{"action":"upsert","sequence":{sequence},"data":{text}{time}}}')
    head = {"table_name": "bikes", "schema": {"properties": properties}, "key_names": list(key), **more}
    sent = f'{json.dumps(head)[:-1]},"messages":[{", ".join(messages)}]}}'.encode()
    assert read_plain(sent) is not None
    return sent


class Pair:
    """Two empty warehouses of one engine, one loaded by columns, the other record by record."""

    def __init__(self, by_columns: Warehouse, by_records: Warehouse) -> None:
        self.by_columns, self.by_records = by_columns, by_records
        self.sent = 0

    def load(self, *bodies: bytes) -> TableLoad:
        """Load requests together into both, and compare everything; return the outcome."""
        plain: list[TableBatch] = []
        exact: list[TableBatch] = []
        for content in bodies:
            self.sent += 1
            facts: dict[str, Any] = {
                "batch_id": f"00000000-0000-4000-8000-{self.sent:012d}",
                "received_at": MORNING + timedelta(microseconds=self.sent),
            }
            accepted = read_plain(content)
            assert accepted is not None
            [batch] = [plain_table_batch(body=content, records=accepted.records, **facts)]
            assert batch is not None
            plain.append(batch)
            exact += read_table_batches(kind=BATCH, body=content, **facts)
        at = MORNING + timedelta(minutes=self.sent)
        outcomes: list[TableLoad | str] = []
        for warehouse, batches in ((self.by_columns, plain), (self.by_records, exact)):
            try:
                outcomes.append(warehouse.load(*batches, at=at))
            except LoadError as error:
                outcomes.append(error.message)
        assert told(outcomes[0]) == told(outcomes[1])
        assert contents(self.by_columns) == contents(self.by_records)
        assert isinstance(outcomes[0], TableLoad)
        return outcomes[0]

    def run(self, sql: str) -> None:
        self.by_columns.run(sql)
        self.by_records.run(sql)


def told(outcome: TableLoad | str) -> Any:
    """Return an outcome without the objects of the requests it speaks of."""
    if isinstance(outcome, str):
        return outcome
    refused = [(entry.message, entry.reason, entry.path) for entry in outcome.refused]
    return dataclasses.replace(outcome, refused=[]), refused


def contents(warehouse: Warehouse) -> dict[str, Any]:
    """Return every table of the file with its columns, key and rows."""
    found: dict[str, Any] = {}
    for schema in ("bike_fleet", "_stitchapp"):
        for table in warehouse.tables(schema):
            columns = warehouse.columns(table, schema)
            rows = warehouse.rows(table, *columns, schema=schema)
            found[f"{schema}.{table}"] = (columns, warehouse.primary_key(table), rows)
    return found


@pytest.fixture
def pair(fresh: Make) -> Iterator[Pair]:
    with fresh() as by_columns, fresh() as by_records:
        yield Pair(by_columns, by_records)


@pytest.fixture(autouse=True, scope="module")
def few_records_are_enough() -> Iterator[None]:
    """Let PostgreSQL, too, load the handful of records of a test by columns."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgresql_columns, "FEWEST_RECORDS", 0)
        yield


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note of each load that was tried by columns whether it ended there."""
    noted: list[str] = []
    write = ColumnLoader._write

    def noting(self: ColumnLoader, *rest: Any) -> Any:
        noted.append("records")
        counts = write(self, *rest)
        noted[-1] = "columns"
        return counts

    monkeypatch.setattr(ColumnLoader, "_write", noting)
    return noted


NESTED = {
    "id": INTEGER,
    "price": NUMBER,
    "name": NULLABLE,
    "on": {"type": "boolean"},
    "seen": TIME,
    "addr": {
        "type": ["null", "object"],
        "properties": {"city": TEXT, "geo": {"properties": {"lat": NUMBER}, "type": "object"}},
    },
    "tags": {"type": ["null", "array"], "items": NULLABLE},
    "nights": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "day": TIME,
                "extras": {"type": "array", "items": {"type": "object", "properties": {"fee": NUMBER}}},
            },
        },
    },
    "grid": {"type": "array", "items": {"type": "array", "items": {"type": ["null", "integer"]}}},
    "nothing": {"type": "object", "properties": {}},
    "odd 'n' name": TEXT,
}
FULL = {
    "id": 7,
    "price": 1.5,
    "name": None,
    "on": True,
    "seen": "2024-04-30T08:00:00.123456+0200",
    "addr": {"city": "Åre", "geo": {"lat": -0.0}},
    "tags": ["a", None, "c"],
    "nights": [{"day": "2024-06-01T00:00:00Z", "extras": [{"fee": 40.5}, {}]}, {"extras": []}],
    "grid": [[1, None], [], [2]],
    "nothing": {},
    "odd 'n' name": "ok",
}


def test_nested_records_with_a_key(pair: Pair, ways: list[str]) -> None:
    outcome = pair.load(
        body(NESTED, (5, FULL), (4, FULL | {"price": 99}), (6, {"id": 8}), key=("id",)),
        body(
            NESTED, (5, FULL | {"tags": ["later"]}), (7, {"id": 9, "addr": None, "tags": None}), key=("id",)
        ),
    )
    assert (outcome.counts.inserted, outcome.counts.superseded) == (3, 2)
    assert pair.by_columns.rows("bikes__tags", "value") == [("later",)]
    pair.load(body(NESTED, (6, FULL | {"price": 3}), (1, {"id": 8, "price": 1}), key=("id",)))
    assert pair.by_columns.rows("bikes", "price")[:1] == [("3.0",)]
    pair.load(body(NESTED, (7, {"id": 7}), key=("id",)))
    assert ways == ["columns"] * 3


def test_without_a_key(pair: Pair, ways: list[str]) -> None:
    pair.load(body(NESTED, (5, FULL), (5, FULL)), body(NESTED, (1, {})))
    pair.load(body(NESTED, (5, FULL)))
    assert ways == ["columns"] * 2
    assert len(pair.by_columns.rows("bikes", "__sdc_primary_key")) == 4


def test_a_key_of_several_columns_and_types(pair: Pair, ways: list[str]) -> None:
    types = {"at": TIME, "who": TEXT, "n": INTEGER, "tags": {"type": "array", "items": INTEGER}}
    key = ("who", "at", "n")
    first = {"who": "ü", "at": "2024-04-30T08:00:00+02:00", "n": 2**63 - 1, "tags": [1, 2]}
    same = first | {"at": "2024-04-30T06:00:00Z", "tags": [3]}
    pair.load(body(types, (1, first), (2, same), (3, first | {"n": -(2**63)}), key=key))
    outcome = pair.load(body(types, (3, first), key=key))
    assert outcome.counts.updated == 1
    assert ways == ["columns"] * 2


def test_only_nulls_make_no_table(pair: Pair, ways: list[str]) -> None:
    types = {"a": NULLABLE, "b": {"type": "array", "items": NULLABLE}}
    assert pair.load(body(types, (1, {"a": None}), (2, {"b": [None, None]}))).counts.superseded == 2
    assert pair.load(body(types, (3, {"b": ["x"]}))).counts.inserted == 1
    assert pair.load(body(types, (4, {"a": None}))).counts.inserted == 1
    assert ways == ["columns"] * 3


def test_types_that_change_and_columns_that_come(pair: Pair, ways: list[str]) -> None:
    pair.load(body({"id": INTEGER, "reading": INTEGER}, (1, {"id": 1, "reading": 15}), key=("id",)))
    later = {"id": INTEGER, "reading": NUMBER, "more": TEXT}
    pair.load(body(later, (2, {"id": 2, "reading": 16.5, "more": "x"}), key=("id",)))
    pair.load(body(later, (3, {"id": 1, "reading": 18}), key=("id",)))
    assert ways == ["columns"] * 3
    assert list(pair.by_columns.columns("bikes"))[-2:] == ["more", "reading__do"]


def test_times_of_extraction_and_bookmarks(pair: Pair, ways: list[str]) -> None:
    types = {"id": INTEGER, "at": TIME, "b": {"type": "boolean"}}
    outcome = pair.load(
        body(
            types,
            (1, {"id": 10, "at": "2024-04-30T08:00:00+02:00", "b": True}, "2024-05-01T00:00:00+09:00"),
            (2, {"id": 9, "b": False}, "2024-05-01T00:00:00Z"),
            (3, {"id": 9}),
            key=("id",),
            bookmark_names=["id", "at", "b", "absent"],
        )
    )
    assert [(mark.name, mark.least, mark.greatest) for mark in outcome.bookmarks] == [
        ("id", "9", "10"),
        ("at", "2024-04-30T06:00:00Z", "2024-04-30T06:00:00Z"),
        ("b", "True", "True"),
    ]
    assert outcome.max_time_extracted == "2024-05-01T00:00:00Z"
    assert ways == ["columns"]


def test_versions(pair: Pair, ways: list[str]) -> None:
    types = {"id": INTEGER}
    pair.load(body(types, (1, {"id": 1}), key=("id",), table_version=5))
    outcome = pair.load(
        body(types, (9, {"id": 1}), key=("id",), table_version=4),
        body(types, (2, {"id": 2}), key=("id",), table_version=6),
        body(types, (2, {"id": 3}), key=("id",)),
    )
    assert (outcome.counts.inserted, outcome.counts.superseded) == (2, 1)
    assert pair.load(body(types, (9, {"id": 1}), key=("id",), table_version=4)).counts.superseded == 1
    assert ways == ["columns"] * 3


def test_a_user_s_column_keeps_its_values(pair: Pair, ways: list[str]) -> None:
    types = {"id": INTEGER, "a": TEXT, "tags": {"type": "array", "items": TEXT}}
    pair.load(body(types, (1, {"id": 1, "a": "x", "tags": ["p"]}), (1, {"id": 2}), key=("id",)))
    pair.run(
        "ALTER TABLE bike_fleet.bikes ADD COLUMN mine VARCHAR; UPDATE bike_fleet.bikes SET mine = 'kept'"
    )
    pair.load(body(types, (2, {"id": 1, "tags": ["q"]}), (2, {"id": 3}), key=("id",)))
    assert pair.by_columns.rows("bikes", "a", "id", "mine")[-1] == (None, "3", None)
    assert ("x", "1", "kept") not in pair.by_columns.rows("bikes", "a", "id", "mine")
    assert ways == ["columns"] * 2


@pytest.mark.parametrize(
    ("types", "records"),
    [
        pytest.param({"a": TEXT}, ['{"a":"1","a":"2"}'], id="a field twice"),
        pytest.param(
            {"a-b": TEXT, "ab": TEXT}, [{"a-b": "1"}, {"ab": "2"}, {"a-b": "1", "ab": "2"}], id="one name"
        ),
        pytest.param({"a": TEXT, "A": TEXT}, [{"a": "1"}, {"A": "2"}], id="one name but for case"),
        pytest.param({"x__st": TEXT, "a": TEXT}, [{"a": "1"}, {"x__st": "2"}], id="reserved"),
        pytest.param({"%": TEXT, "a": TEXT}, [{"a": "1"}], id="no name"),
        pytest.param({"x" * 252: TEXT, "a": TEXT}, [{"a": "1", "x" * 252: "y"}], id="too long"),
        pytest.param(
            {
                "a": {"type": "object", "properties": {"x": TEXT}},
                "A": {"type": "object", "properties": {"y": TEXT}},
            },
            [{"a": {"x": "1"}, "A": {"y": "2"}}],
            id="objects of one name but for case",
        ),
    ],
)
def test_what_needs_each_record_looked_at_is_loaded_so(
    pair: Pair, ways: list[str], types: dict[str, Any], records: list[Any]
) -> None:
    pair.load(body(types, *enumerate(records)))
    assert ways == ["records"]


def test_sub_rows_left_without_their_root_are_replaced(pair: Pair, ways: list[str]) -> None:
    types = {"id": INTEGER, "tags": {"type": "array", "items": TEXT}}
    pair.load(body(types, (1, {"id": 1, "tags": ["p", "q"]}), key=("id",)))
    pair.run("DELETE FROM bike_fleet.bikes")
    pair.load(body(types, (1, {"id": 1, "tags": ["r"]}), key=("id",)))
    assert pair.by_columns.rows("bikes__tags", "value") == [("q",), ("r",)]
    assert ways == ["columns", "columns" if pair.by_columns.capabilities.replaces_in_place else "records"]


def test_columns_of_a_user_s_making_take_values_as_before(pair: Pair, ways: list[str]) -> None:
    pair.load(body({"id": INTEGER}, (1, {"id": 1}), key=("id",)))
    pair.run(
        "ALTER TABLE bike_fleet.bikes ADD COLUMN n INTEGER; ALTER TABLE bike_fleet.bikes ADD COLUMN f REAL"
    )
    types = {"id": INTEGER, "n": INTEGER, "f": NUMBER}
    pair.load(body(types, (2, {"id": 2, "n": 5}), (2, {"id": 3, "f": 0.1}), key=("id",)))
    assert ways == ["columns", "records"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
VALUES = {
    "n": (INTEGER, st.integers(-(2**63), 2**63 - 1)),
    "d": (
        NUMBER,
        st.sampled_from(
            [
                "0",
                "-0",
                "-0.0",
                "1.0",
                "1e3",
                "5e-324",
                "1.7976931348623157e308",
                "1e-400",
                "9007199254740993",
            ]
        )
        | st.floats(allow_nan=False, allow_infinity=False).map(repr)
        | st.integers(-(2**70), 2**70).map(str),
    ),
    "s": (NULLABLE, st.none() | TEXTS),
    "t": (
        TIME,
        st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(2999, 12, 30)).map(
            lambda moment: moment.isoformat() + "Z"
        ),
    ),
    "b": ({"type": "boolean"}, st.booleans()),
}


@st.composite
def loads(draw: st.DrawFn) -> list[list[bytes]]:
    """Return a few loads of a few requests each under one schema, which may grow."""
    key = draw(st.sampled_from([(), ("n",), ("s", "n")]))
    made = []
    for _ in range(draw(st.integers(1, 3))):
        names = draw(st.sets(st.sampled_from(sorted(VALUES)))) | set(key)
        arrays = draw(st.sets(st.sampled_from(sorted(VALUES))))
        types: dict[str, Any] = {name: VALUES[name][0] for name in sorted(names)}
        types |= {f"list {name}": {"type": "array", "items": VALUES[name][0]} for name in sorted(arrays)}
        types["o"] = {"type": "object", "properties": dict(types)}
        made.append([draw(bodies(types, key)) for _ in range(draw(st.integers(1, 2)))])
    return made


@st.composite
def bodies(draw: st.DrawFn, types: dict[str, Any], key: tuple[str, ...]) -> bytes:
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        members = {name: draw(texts(name)) for name in types if name in key or draw(st.booleans())}
        members |= {name: json.dumps(draw(st.sampled_from(["", "a"]))) for name in key if name == "s"}
        members |= {name: str(draw(st.integers(0, 2))) for name in key if name == "n"}
        rows.append((draw(st.integers(-3, 3)), as_object(members)))
    return body(types, *rows, key=key)


@st.composite
def texts(draw: st.DrawFn, name: str) -> str:
    """Return the JSON text of a field's value."""
    if name == "o":
        chosen = draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=1))
        return as_object({inner: draw(texts(inner)) for inner in chosen if draw(st.just(False))})
    if name.startswith("list "):
        return f"[{','.join(draw(st.lists(texts(name[5:]), max_size=3)))}]"
    value = draw(VALUES[name][1])
    return value if name == "d" else json.dumps(value)


def as_object(members: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


@settings(
    max_examples=int(os.environ.get("LAW_EXAMPLES", "6")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(loads())
def test_both_ways_lead_to_the_same_warehouse(fresh: Make, sent: list[list[bytes]]) -> None:
    with fresh() as by_columns, fresh() as by_records:
        pair = Pair(by_columns, by_records)
        for together in sent:
            pair.load(*together)


AWKWARD = [
    "",
    " ",
    "NULL",
    "\\N",
    '"',
    '""',
    ",",
    "\\.",
    "a\n\\.\nb",
    "\r",
    "\r\n",
    "\t",
    "\\",
    "é\u2028",
    "\ufeff",
    "\x01",
]


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_texts_arrive_as_they_were_sent(pair: Pair, text: str) -> None:
    types = {"id": INTEGER, "s": NULLABLE, "list": {"type": "array", "items": NULLABLE}}
    first = (1, {"id": 1, "s": text, "list": [text, None, text]})
    pair.load(body(types, first, (1, {"id": 2, "s": None}), (1, {"id": 3, "list": [None]})))
    assert pair.by_columns.rows("bikes", "id", "s") == [("1", text), ("2", None), ("3", None)]
    assert pair.by_columns.rows("bikes__list", "value").count((text,)) == 2


def test_a_row_that_the_server_refuses_is_found_record_by_record(pair: Pair, ways: list[str]) -> None:
    """A key too large for PostgreSQL's index; DuckDB takes it."""
    huge = "".join(chr(0x4E00 + number) for number in range(1024))
    pair.load(body({"k": TEXT}, (1, {"k": "small"}), (1, {"k": huge}), key=("k",)))
    refused = pair.by_columns.capabilities.display_name == "PostgreSQL"
    assert len(pair.by_columns.rejected()) == refused
    assert ways == ["records" if refused else "columns"]
