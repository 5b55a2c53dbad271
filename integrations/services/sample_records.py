"""Made-up records of a bike-sharing company, for the demo account. Random, but the same for the same seed."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

DOCKS = ["Quay", "Park", "Mill", "Market", "Station", "University", "Harbour", "Old Town"]
CITIES = ["Oslo", "Lyon", "Porto", "Ghent", "Turin"]
NAMES = ["Ada", "Ben", "Chloé", "Dmitri", "Elif", "Farah", "Gonçalo", "Hana", "Ingrid", "João"]
MILLISECONDS = 1000


def bikes(count: int, *, seed: int, now: datetime) -> bytes:
    """Return a batch body of `count` bikes with a key, a decimal and a time."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    properties = {
        "bike_id": {"type": "integer"},
        "dock": {"type": "string"},
        "km": {"type": "number"},
        "deposit": {"type": "number", "multipleOf": 0.01},
        "serviced_at": {"type": ["null", "string"], "format": "date-time"},
    }
    rows = [
        {
            "bike_id": number,
            "dock": chance.choice(DOCKS),
            "km": round(chance.uniform(0, 900), 1),
            "deposit": chance.choice([15, 20.5, 25.75]),
            "serviced_at": stamp(now - timedelta(hours=chance.randrange(2000))),
        }
        for number in range(1, count + 1)
    ]
    return batch("bikes", properties, ["bike_id"], rows, now)


def bookings(count: int, *, seed: int, now: datetime) -> bytes:
    """Return a batch body of `count` bookings with a nested guest and two lists."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    properties = {
        "booking_id": {"type": "string"},
        "guest": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        },
        "rides": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "bike_id": {"type": "integer"},
                    "started_at": {"type": "string", "format": "date-time"},
                },
            },
        },
        "labels": {"type": "array", "items": {"type": "string"}},
    }
    rows = [
        {
            "booking_id": f"B-{number}",
            "guest": {"name": chance.choice(NAMES), "address": {"city": chance.choice(CITIES)}},
            "rides": [
                {
                    "bike_id": chance.randrange(1, 400),
                    "started_at": stamp(now - timedelta(minutes=chance.randrange(9000))),
                }
                for _ in range(chance.randrange(1, 4))
            ],
            "labels": chance.sample(["vip", "late", "new", "group"], chance.randrange(0, 3)),
        }
        for number in range(1, count + 1)
    ]
    return batch("bookings", properties, ["booking_id"], rows, now)


def tolls(count: int, *, seed: int, now: datetime) -> bytes:
    """Return a batch body of `count` toll payments without a key: every record is a row."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    properties = {
        "gate": {"type": "string"},
        "axles": {"type": "integer"},
        "paid": {"type": "boolean"},
    }
    rows = [
        {
            "gate": f"N{chance.randrange(1, 9)}",
            "axles": chance.randrange(2, 6),
            "paid": chance.random() < 0.9,
        }
        for _ in range(count)
    ]
    return batch("tolls", properties, [], rows, now)


def repairs(count: int, *, seed: int, now: datetime) -> bytes:
    """Return a batch body of `count` repairs, the last of which has a field with a name that no column may have."""
    chance = random.Random(seed)  # noqa: S311 - sample data
    properties = {
        "repair_id": {"type": "integer"},
        "bike_id": {"type": "integer"},
        "cost": {"type": "number"},
    }
    rows: list[dict[str, object]] = [
        {
            "repair_id": number,
            "bike_id": chance.randrange(1, 400),
            "cost": round(chance.uniform(8, 140), 2),
        }
        for number in range(1, count + 1)
    ]
    rows[-1]["cost__st"] = "see invoice"
    return batch("repairs", properties, ["repair_id"], rows, now)


def batch(
    table: str,
    properties: Mapping[str, object],
    keys: list[str],
    rows: Sequence[Mapping[str, object]],
    now: datetime,
) -> bytes:
    """Return the body of a batch request (import-api.md 2.3); sequences grow by one."""
    first = int(now.timestamp() * MILLISECONDS)
    messages = [
        {"action": "upsert", "sequence": first + number, "data": row} for number, row in enumerate(rows)
    ]
    schema = {"type": "object", "properties": properties}
    return json.dumps(
        {"table_name": table, "schema": schema, "key_names": keys, "messages": messages}
    ).encode()


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
