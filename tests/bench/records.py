"""The records that throughput is measured with: about 300 bytes, 12 columns, the same on every run.

One column is an object, one a small array; of the records, a tenth bring a key again that came before. Needs
nothing but the standard library, so that programs which only send can use it.
"""

import json
import random
from collections.abc import Iterator

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "customer_id": {"type": "integer"},
        "email": {"type": "string"},
        "status": {"type": "string"},
        "amount": {"type": "number"},
        "discount": {"type": ["null", "number"]},
        "paid": {"type": "boolean"},
        "note": {"type": ["null", "string"]},
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": ["null", "string"], "format": "date-time"},
        "address": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "postcode": {"type": "string"},
                "country": {"type": "string"},
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["id"],
}
KEY_NAMES = ["id"]
STATUSES = ("placed", "paid", "packed", "shipped", "delivered", "returned")
CITIES = ("Lyon", "Gdańsk", "Porto", "Uppsala", "Graz", "Ghent", "Turku", "Bergen")
TAGS = ("gift", "express", "fragile", "bulk", "pickup", "repeat", "export")
UPDATES = 0.1


def records(
    count: int,
    *,
    seed: int = 1,
    first_id: int = 0,
    updates: float = UPDATES,
    stored: range | None = None,
    between: bool = False,
) -> Iterator[dict]:
    """Yield records; ids count from `first_id`, and a share of the records repeats an id from there on.

    With `stored`, the ids of rows that are there, a share repeats one of these, and new ids follow the last of them,
    or lie between any two.
    """
    chance = random.Random(seed)
    next_id = first_id if stored is None else stored.stop
    for _ in range(count):
        if stored is not None and chance.random() < updates:
            identity = chance.choice(stored)
        elif stored is not None and between:
            identity = chance.choice(stored) + chance.randrange(1, stored.step)
        elif stored is None and next_id > first_id and chance.random() < updates:
            identity = chance.randrange(first_id, next_id)
        else:
            identity = next_id
            next_id += 1
        yield record(identity, chance)


def record(identity: int, chance: random.Random) -> dict:
    """Return one record; what is not its id is left to chance."""
    number = chance.getrandbits(64)
    return {
        "id": identity,
        "customer_id": number % 100_000,
        "email": f"customer.{number % 100_000}@example.com",
        "status": STATUSES[number % 6],
        "amount": (number >> 8) % 1_000_000 / 100,
        "discount": None if number & 3 else (number >> 16) % 1000 / 1000,
        "paid": bool(number & 4),
        "note": None if number & 8 else f"Leave it with neighbour {(number >> 20) % 1000}",
        "created_at": f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}T{number % 24:02d}:00:00Z",
        "updated_at": f"2025-03-{1 + number % 28:02d}T10:15:{number % 60:02d}.{number % 1_000_000:06d}Z",
        "address": {
            "city": CITIES[number % 8],
            "postcode": f"{(number >> 30) % 100_000:05d}",
            "country": "PT",
        },
        "tags": [TAGS[number % 7], TAGS[(number >> 9) % 7]][: 1 + (number >> 12) % 2],
    }


def batch_body(rows: list[dict], *, first_sequence: int, table: str = "orders") -> bytes:
    """Return the body of a `/batch` request with these records, each with a sequence of its own."""
    messages = [
        {"action": "upsert", "sequence": first_sequence + index, "data": row}
        for index, row in enumerate(rows)
    ]
    content = {"table_name": table, "schema": SCHEMA, "key_names": KEY_NAMES, "messages": messages}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def batch_bodies(
    count: int,
    size: int,
    *,
    tables: int = 1,
    table: str = "orders",
    seed: int = 1,
    first_id: int = 0,
    stored: range | None = None,
    between: bool = False,
) -> Iterator[bytes]:
    """Yield the bodies of `count` requests of `size` records, in sequence, to so many tables in turn."""
    source = records(count * size, seed=seed, first_id=first_id, stored=stored, between=between)
    for number in range(count):
        rows = [next(source) for _ in range(size)]
        name = table if tables == 1 else f"{table}_{number % tables}"
        yield batch_body(rows, first_sequence=1_700_000_000_000 + number * size, table=name)
