"""From a sender's names to the destination's (loading.md 1.2 to 1.4), and the names that are refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.loading import naming
from integrations.loading.capabilities import DUCKDB, POSTGRESQL, Capabilities
from integrations.loading.errors import LoadError
from integrations.loading.merging import quote
from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Make, Warehouse
from tests.loading.test_laws import EXAMPLES


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("DockId", "DockId"),
        ("dock id", "dock id"),
        ("dock#id", "dockid"),
        ("BAT! level", "BAT level"),
        ("smtp-id", "smtpid"),
        ("24h_total", "h_total"),
        ("_9x", "_9x"),
        ("order", "order"),
        ("café", "caf"),
        ("%%", ""),
        ('a"; DROP TABLE x; --', "a DROP TABLE x "),
    ],
)
def test_column_names(sent: str, stored: str) -> None:
    assert naming.column_name(sent, DUCKDB) == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("CAMPAIGN_REPORT", "CAMPAIGN_REPORT"), ("2024 sales", "2024 sales"), ("a-b.c", "abc")],
)
def test_table_names_keep_leading_digits(sent: str, stored: str) -> None:
    assert naming.table_name(sent) == stored


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("%%", "Column name [%%] is not valid for ENGINE"),
        ("_sdc_sequence", "column names from client should not include reserved prefix on _sdc_sequence"),
        ("_SDC_x", "column names from client should not include reserved prefix on _SDC_x"),
        ("_rjm", "column names from client should not include reserved prefix on _rjm"),
        ("total__st", "column names from client should not include reserved datatype suffix on total__st"),
        ("total__BI", "column names from client should not include reserved datatype suffix on total__BI"),
    ],
)
@pytest.mark.parametrize("value", [1, None])
def test_refused_names(warehouse: Warehouse, name: str, reason: str, value: object) -> None:
    loaded = warehouse.send((1, {"id": 1, name: value}), (2, {"id": 2}))
    assert [row[:2] for row in warehouse.rejected()] == [
        ("bikes", reason.replace("ENGINE", warehouse.engine))
    ]
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)
    assert loaded.tables[0].rows_rejected == 1


@pytest.mark.parametrize("suffix", ["bi", "bo", "de", "do", "it", "st", "ti"])
def test_every_suffix_is_reserved(suffix: str) -> None:
    assert naming.column_refusal(f"x__{suffix}", "", DUCKDB) is not None
    assert naming.column_refusal(f"x_{suffix}", "", DUCKDB) is None


def test_extractors_own_columns_are_accepted(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "_sdc_deleted_at": "x", "_sdc_extra": [{"a": 1}]}), key=("id",))
    assert warehouse.rows("bikes", "_sdc_deleted_at") == [("x",)]
    assert warehouse.rows("bikes___sdc_extra", "a") == [("1",)]


@pytest.mark.parametrize(
    "record",
    [
        {"a-b": 1, "ab": 2},
        {"ab": 2, "a-b": 1},
        {"a": {"b": 1}, "a__b": 2},
        {"a": [1], "-a": [2]},
        {"a-b": None, "ab": 1},
    ],
)
def test_two_fields_with_one_name_refuse_the_record(warehouse: Warehouse, record: dict[str, object]) -> None:
    loaded = warehouse.send((1, record), (2, {"other": 1}))
    (rejected,) = warehouse.rejected()
    assert rejected[1].startswith("Field collision on ")
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)


@pytest.mark.parametrize(
    ("warehouse", "record", "reason"),
    [
        ("duckdb", {"id": 1, "ID": "x"}, ["Field collision on ID"]),
        ("duckdb", {"a": [1], "A": [2]}, ["Field collision on A"]),
        ("postgresql", {"id": 1, "ID": "x"}, []),
        ("postgresql", {"a": [1], "A": [2]}, []),
    ],
    indirect=["warehouse"],
)
def test_case_alone_collides_where_the_engine_ignores_it(
    warehouse: Warehouse, record: dict[str, object], reason: list[str]
) -> None:
    warehouse.send((1, record), (2, {"other": 1}))
    assert [row[1] for row in warehouse.rejected()] == reason


def test_names_that_meet_in_different_records_are_one_column(warehouse: Warehouse) -> None:
    again = "dockid" if warehouse.engine == "DuckDB" else "Dock/Id"
    loaded = warehouse.send((1, {"Dock-Id": "a"}), (2, {again: "b"}), (3, {"x": {"y": 1}}), (4, {"x__y": 2}))
    assert loaded.counts == BatchCounts(inserted=4)
    assert [name for name in warehouse.columns("bikes") if "_sdc" not in name] == ["DockId", "x__y"]


def test_generated_key_is_not_the_senders_to_give(warehouse: Warehouse) -> None:
    loaded = warehouse.send((1, {"__sdc_primary_key": "mine"}), (2, {"a": 1}))
    assert warehouse.rejected()[0][1] == "Field collision on __sdc_primary_key"
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)


@pytest.mark.parametrize(("beyond", "kept"), [(-1, True), (0, True), (1, False)])
def test_I6_column_name_length(warehouse: Warehouse, beyond: int, kept: bool) -> None:
    name = "n" * (warehouse.capabilities.column_name_length + beyond)
    loaded = warehouse.send((1, {"id": 1, name: 1}), (2, {"id": 2, name: None}))
    assert (name in warehouse.columns("bikes")) is kept
    assert loaded.counts == BatchCounts(inserted=2)
    assert len(warehouse.rejected()) == (0 if kept else 1)


@pytest.mark.parametrize(
    ("capabilities", "table", "column"),
    [(DUCKDB, 255, 251), (POSTGRESQL, 63, 59)],
    ids=["DuckDB", "PostgreSQL"],
)
def test_the_greatest_lengths_leave_room_for_a_suffix(
    capabilities: Capabilities, table: int, column: int
) -> None:
    assert (capabilities.table_name_length, capabilities.column_name_length) == (table, column)


@pytest.mark.parametrize(("beyond", "kept"), [(-1, True), (0, True), (1, False)])
def test_I6_table_name_length(warehouse: Warehouse, beyond: int, kept: bool) -> None:
    name = "t" * (warehouse.capabilities.table_name_length + beyond)
    loaded = warehouse.send((1, {"id": 1}), (2, {"id": 2}), table=name)
    assert warehouse.tables() == (["_sdc_rejected", name] if kept else ["_sdc_rejected"])
    assert loaded.counts == (BatchCounts(inserted=2) if kept else BatchCounts(rejected=2))
    if not kept:
        assert {row[1] for row in warehouse.rejected()} == {
            f"Table name {name} is too long for {warehouse.engine}"
        }


@pytest.mark.parametrize("name", ["_sdc_rejected", "_SDC_x", "_rjm_x", "", "%%"])
def test_refused_table_names(warehouse: Warehouse, name: str) -> None:
    loaded = warehouse.send((1, {"id": 1}), table=name)
    assert loaded.counts == BatchCounts(rejected=1)
    assert loaded.tables == []
    assert warehouse.tables() == ["_sdc_rejected"]


def test_too_long_a_sub_table_name_refuses_its_rows_only(warehouse: Warehouse) -> None:
    loaded = warehouse.send((1, {"id": 1, "n" * 250: [1, 2]}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1)
    assert [row[1] for row in warehouse.rejected()] == [
        f"Table name bikes__{'n' * 250} is too long for {warehouse.engine}"
    ] * 2


def test_two_tables_never_become_one(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "tags": [1]}), table="bikes")
    warehouse.send((1, {"id": 1}), table="BIKES")
    for other in ("bi-kes", "bikes__tags"):
        with pytest.raises(LoadError, match="Table name collision on ") as caught:
            warehouse.send((1, {"id": 1}), table=other)
        assert (caught.value.scope, caught.value.transient) == ("table", False)
    warehouse.send((1, {"id": 1}), table="docks__spots")
    with pytest.raises(LoadError, match="Table name collision on docks__spots"):
        warehouse.send((1, {"id": 1, "spots": [1]}), table="docks")


def test_quoting_doubles_what_it_must() -> None:
    assert quote('a"b') == '"a""b"'


@settings(max_examples=3 * EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_I14_no_name_leaves_its_schema(fresh: Make, table: str, column: str, array: str, schema: str) -> None:
    schema = schema.replace("\0", "").encode("utf-8", "ignore").decode() or "s"
    kept = {"mine", "other", "_stitchapp"}
    with fresh() as warehouse:
        warehouse.run(
            "CREATE SCHEMA mine; CREATE TABLE mine.bikes (id INTEGER); "
            "CREATE SCHEMA other; CREATE TABLE other.t (id INTEGER)"
        )
        warehouse.load_into("warm_up", (1, {"a": 1}), table="t")

        def outside() -> dict[tuple[str, str], dict[str, str]]:
            return {
                (owner, name): warehouse.columns(name, schema=owner)
                for owner, name in warehouse.relations()
                if owner in kept
            }

        before = outside()
        loaded = warehouse.load_into(
            schema, (1, {column: 1, "o": {column: "x"}, array: [{column: 1}]}), table=table
        )
        assert loaded.counts.accepted == 1
        if schema.lower() not in kept:
            assert outside() == before
