"""The worked examples of loading.md 9, value for value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Warehouse, batch

BIKE_TYPES = {
    "bike_id": {"type": "integer"},
    "dock": {"type": "string"},
    "km": {"type": "number"},
    "serviced_at": {"type": "string", "format": "date-time"},
    "note": {"type": ["null", "string"]},
}
BIKE_COLUMNS = {
    "_sdc_batched_at": "TIMESTAMP WITH TIME ZONE",
    "_sdc_received_at": "TIMESTAMP WITH TIME ZONE",
    "_sdc_sequence": "BIGINT",
    "_sdc_table_version": "BIGINT",
    "bike_id": "BIGINT",
    "dock": "VARCHAR",
    "km": "DOUBLE",
    "serviced_at": "TIMESTAMP WITH TIME ZONE",
}


def test_upsert_with_sequences(warehouse: Warehouse) -> None:
    """9.1: the greatest sequence wins, and the winner replaces the whole row."""
    first = warehouse.load(
        batch(
            (
                1000,
                {
                    "bike_id": 7,
                    "dock": "Quay",
                    "km": Decimal("12.5"),
                    "serviced_at": "2024-04-30T08:00:00+02:00",
                    "note": None,
                },
            ),
            (1001, {"bike_id": 8, "dock": "Park", "km": 3}),
            (990, {"bike_id": 8, "dock": "Mill", "km": 99}),
            key=("bike_id",),
            types=BIKE_TYPES,
            batch_id="one",
            received_at=datetime(2024, 5, 1, 10, 0, 1, 250000, UTC),
        ),
        at=datetime(2024, 5, 1, 10, 0, 30, tzinfo=UTC),
    )
    assert warehouse.columns("bikes") == BIKE_COLUMNS
    seven = (
        "2024-05-01 10:00:30+00",
        "2024-05-01 10:00:01.25+00",
        "1000",
        "0",
        "7",
        "Quay",
        "12.5",
        "2024-04-30 06:00:00+00",
    )
    eight = ("2024-05-01 10:00:30+00", "2024-05-01 10:00:01.25+00", "1001", "0", "8", "Park", "3.0", None)
    assert warehouse.rows("bikes", *BIKE_COLUMNS) == [seven, eight]
    assert first.batches == {"one": BatchCounts(inserted=2, superseded=1)}
    assert warehouse.primary_key("bikes") == ["bike_id"]
    assert warehouse.rejected() == []

    second = warehouse.load(
        batch(
            (999, {"bike_id": 7, "dock": "Late", "km": 1}),
            (2000, {"bike_id": 8, "dock": "Pier", "serviced_at": "2024-05-01T09:00:00Z"}),
            key=("bike_id",),
            types=BIKE_TYPES,
            batch_id="two",
            received_at=datetime(2024, 5, 1, 10, 5, 0, tzinfo=UTC),
        ),
        at=datetime(2024, 5, 1, 10, 5, 20, tzinfo=UTC),
    )
    eight = (
        "2024-05-01 10:05:20+00",
        "2024-05-01 10:05:00+00",
        "2000",
        "0",
        "8",
        "Pier",
        None,
        "2024-05-01 09:00:00+00",
    )
    assert warehouse.rows("bikes", *BIKE_COLUMNS) == [seven, eight]
    assert second.batches == {"two": BatchCounts(updated=1, superseded=1)}
    assert second.rows_loaded == 1


BOOKING = {
    "booking_id": "B-9",
    "guest": {"name": "Ada", "addr": {"city": "Oslo"}},
    "nights": [
        {
            "day": "2024-06-01T00:00:00Z",
            "extras": [{"code": "SPA", "fee": Decimal("40.5")}, {"code": "BRK", "fee": 12}],
        },
        {"day": "2024-06-02T00:00:00Z", "extras": []},
    ],
    "labels": ["vip", "late"],
}
BOOKING_TYPES = {
    "booking_id": {"type": "string"},
    "guest": {"type": "object", "properties": {"name": {"type": "string"}, "addr": {"type": "object"}}},
    "nights": {
        "type": "array",
        "items": {
            "properties": {
                "day": {"type": "string", "format": "date-time"},
                "extras": {"items": {"properties": {"fee": {"type": "number"}, "code": {"type": "string"}}}},
            }
        },
    },
    "labels": {"type": "array", "items": {"type": "string"}},
}


def test_nested_record(warehouse: Warehouse) -> None:
    """9.2: objects become columns, arrays sub tables, and stale sub rows stay behind."""
    facts = {"table": "bookings", "key": ("booking_id",), "types": BOOKING_TYPES}
    loaded = warehouse.send((10, BOOKING), **facts)
    assert warehouse.tables() == [
        "_sdc_rejected",
        "bookings",
        "bookings__labels",
        "bookings__nights",
        "bookings__nights__extras",
    ]
    assert warehouse.rows("bookings", "booking_id", "guest__addr__city", "guest__name") == [
        ("B-9", "Oslo", "Ada")
    ]
    level, source = "_sdc_level_0_id", "_sdc_source_key_booking_id"
    assert warehouse.rows("bookings__labels", level, source, "value") == [
        ("0", "B-9", "vip"),
        ("1", "B-9", "late"),
    ]
    assert warehouse.rows("bookings__nights", level, source, "day") == [
        ("0", "B-9", "2024-06-01 00:00:00+00"),
        ("1", "B-9", "2024-06-02 00:00:00+00"),
    ]
    assert warehouse.rows("bookings__nights__extras", level, "_sdc_level_1_id", source, "code", "fee") == [
        ("0", "0", "B-9", "SPA", "40.5"),
        ("0", "1", "B-9", "BRK", "12.0"),
    ]
    assert list(warehouse.columns("bookings__nights__extras")) == [
        "_sdc_batched_at",
        "_sdc_level_0_id",
        "_sdc_level_1_id",
        "_sdc_received_at",
        "_sdc_sequence",
        "_sdc_source_key_booking_id",
        "_sdc_table_version",
        "code",
        "fee",
    ]
    assert warehouse.primary_key("bookings__nights__extras") == [
        "_sdc_level_0_id",
        "_sdc_level_1_id",
        "_sdc_source_key_booking_id",
    ]
    assert loaded.rows_loaded == 7
    assert [(table.name, table.parent, table.rows_loaded) for table in loaded.tables] == [
        ("bookings", None, 1),
        ("bookings__labels", "bookings", 2),
        ("bookings__nights", "bookings", 2),
        ("bookings__nights__extras", "bookings__nights", 2),
    ]

    again = {**BOOKING, "nights": [{"day": "2024-06-05T00:00:00Z", "extras": []}], "labels": ["vip"]}
    loaded = warehouse.send((11, again), **facts)
    assert loaded.rows_loaded == 3
    assert warehouse.rows("bookings__nights", level, "_sdc_sequence", "day") == [
        ("0", "11", "2024-06-05 00:00:00+00"),
        ("1", "10", "2024-06-02 00:00:00+00"),
    ]
    assert warehouse.rows("bookings__labels", level, "_sdc_sequence", "value") == [
        ("0", "11", "vip"),
        ("1", "10", "late"),
    ]
    assert warehouse.rows("bookings__nights__extras", "_sdc_sequence") == [("10",), ("10",)]

    late = {**BOOKING, "labels": ["a", "b", "c", "d"]}
    before = [warehouse.rows(table, *warehouse.columns(table)) for table in warehouse.tables()]
    loaded = warehouse.send((9, late), **facts)
    assert loaded.counts == BatchCounts(superseded=1)
    assert [warehouse.rows(table, *warehouse.columns(table)) for table in warehouse.tables()] == before


def test_type_change(warehouse: Warehouse) -> None:
    """9.3: each type has a column of its own; the old one is renamed, the new one appended."""
    facts = {"table": "meters", "key": ("meter_id",)}
    old = {"meter_id": {"type": "integer"}, "online": {"type": "boolean"}, "reading": {"type": "integer"}}
    new = {"meter_id": {"type": "integer"}, "online": {"type": "string"}, "reading": {"type": "number"}}
    warehouse.send((1, {"meter_id": 1, "online": True, "reading": 15}), types=old, **facts)
    loaded = warehouse.send(
        (2, {"meter_id": 2, "online": "partly", "reading": Decimal("16.5")}), types=new, **facts
    )
    names = ["meter_id", "online__bo", "reading__bi", "online__st", "reading__do"]
    assert [name for name in warehouse.columns("meters") if not name.startswith("_sdc")] == names
    assert warehouse.rows("meters", *names) == [
        ("1", "true", "15", None, None),
        ("2", None, None, "partly", "16.5"),
    ]
    assert loaded.tables[0].new_columns == ["online__st", "reading__do"]

    loaded = warehouse.send((3, {"meter_id": 1, "online": "no", "reading": 18}), types=new, **facts)
    assert warehouse.rows("meters", *names) == [
        ("1", None, None, "no", "18.0"),
        ("2", None, None, "partly", "16.5"),
    ]
    assert loaded.tables[0].new_columns == []


def test_without_key(warehouse: Warehouse) -> None:
    """9.4: every accepted record is a row, and a retried load adds none."""
    types = {
        "gate": {"type": "string"},
        "fee": {"type": "number", "multipleOf": Decimal("0.01")},
        "axles": {"type": "integer"},
    }
    facts = {"table": "tolls", "types": types}
    toll = (5, {"gate": "N1", "fee": Decimal("4.20"), "axles": 2})
    one, two = batch(toll, batch_id="one", **facts), batch(toll, batch_id="two", **facts)
    warehouse.load(one)
    warehouse.load(two)
    assert warehouse.load(two).already_held == ["two"]
    fee, decimal = warehouse.decimal("4.200000", "DECIMAL(38,6)")
    assert warehouse.columns("tolls") == {
        "__sdc_primary_key": "VARCHAR",
        "_sdc_batched_at": "TIMESTAMP WITH TIME ZONE",
        "_sdc_received_at": "TIMESTAMP WITH TIME ZONE",
        "_sdc_sequence": "BIGINT",
        "_sdc_table_version": "BIGINT",
        "axles": "BIGINT",
        "fee": decimal,
        "gate": "VARCHAR",
    }
    assert warehouse.rows("tolls", "axles", "fee", "gate") == [("2", fee, "N1")] * 2
    assert len(set(warehouse.rows("tolls", "__sdc_primary_key"))) == 2
    assert warehouse.primary_key("tolls") is None


def test_rejections(warehouse: Warehouse) -> None:
    """9.4: refused records keep their reason; a name too long costs only its column."""
    long_name = "n" * (warehouse.capabilities.column_name_length + 1)
    loaded = warehouse.send(
        (1, {"gate": "N1", "axles": 9223372036854775808}),
        (2, {"ga-te": "a", "gate": "b"}),
        (3, {"gate": "N1", "addr": {"st": "MA"}}),
        (4, {"gate": "N1", long_name: 1}),
        table="tolls",
    )
    assert warehouse.rejected() == [
        (
            "tolls",
            f"Column name {long_name} is too long for {warehouse.engine}",
            f'{{"gate":"N1","{long_name}":1}}',
        ),
        ("tolls", "Field collision on gate", '{"ga-te":"a","gate":"b"}'),
        (
            "tolls",
            "column names from client should not include reserved datatype suffix on addr__st",
            '{"gate":"N1","addr":{"st":"MA"}}',
        ),
        (
            "tolls",
            f"integer out of range for {warehouse.engine} on 9223372036854775808",
            '{"gate":"N1","axles":9223372036854775808}',
        ),
    ]
    assert warehouse.rows("tolls", "_sdc_sequence", "gate") == [("4", "N1")]
    assert loaded.counts == BatchCounts(inserted=1, rejected=3)
    assert loaded.tables[0].rows_rejected == 3
    assert sum(rejection.count for rejection in loaded.rejections) == 4
