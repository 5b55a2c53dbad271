"""Programs that send without end, and remember what was acknowledged: the checker's side of promise I1."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter, defaultdict

BATCH = 10
ITEMS = 2  # sub rows of each nested record
UPDATES = 4  # of so many batches for `keyed`, one updates an earlier one
TABLES = {"keyed": ["id"], "appended": [], "nested": ["id"]}
SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "revision": {"type": "integer"},
        "note": {"type": "string"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    }
}


class Memory:
    """What one sender sent, and what of it was acknowledged."""

    def __init__(self) -> None:
        self.sent: dict[str, list[list[int]]] = {table: [] for table in TABLES}
        self.acknowledged: dict[str, set[int]] = {table: set() for table in TABLES}
        self.revisions_sent: dict[int, set[int]] = defaultdict(set)
        self.revision_acknowledged: dict[int, int] = {}
        self.records_acknowledged = 0
        self.requests_cut = 0
        self.refused: Counter[int] = Counter()


class Sender(threading.Thread):
    """Sends batches of new records, now and then of updates, over one connection."""

    def __init__(self, port: int, secret: str, numbers: itertools.count) -> None:
        super().__init__(daemon=True)
        self.port, self.secret, self.numbers = port, secret, numbers
        self.memory = Memory()
        self.acknowledged_batches: list[list[int]] = []
        self.ending = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.ending.is_set():
            self.send(connection, *self.next_batch())
        connection.close()

    def send(self, connection: http.client.HTTPConnection, table: str, ids: list[int]) -> None:
        """Send one batch, and remember what came of it."""
        revision = next(self.numbers)
        if table == "keyed":
            for number in ids:
                self.memory.revisions_sent[number].add(revision)
        try:
            status = self.post(connection, table, ids, revision)
        except (OSError, http.client.HTTPException) as error:
            self.memory.requests_cut += not isinstance(error, ConnectionRefusedError)
            connection.close()
            time.sleep(0.02)
            return
        if status == 201:
            self.remember(table, ids, revision)
        else:
            self.memory.refused[status] += 1
            time.sleep(0.05)

    def next_batch(self) -> tuple[str, list[int]]:
        table = random.choice(list(TABLES))
        if table == "keyed" and self.acknowledged_batches and random.randrange(UPDATES) == 0:
            return table, random.choice(self.acknowledged_batches[-200:])
        return table, self.new_batch(table)

    def new_batch(self, table: str) -> list[int]:
        """Return the numbers of new records."""
        ids = [next(self.numbers) for _ in range(BATCH)]
        self.memory.sent[table].append(ids)
        return ids

    def remember(self, table: str, ids: list[int], revision: int) -> None:
        memory = self.memory
        memory.acknowledged[table].update(ids)
        memory.records_acknowledged += len(ids)
        if table == "keyed":
            self.acknowledged_batches.append(ids)
            for number in ids:
                memory.revision_acknowledged[number] = revision

    def post(self, connection: http.client.HTTPConnection, table: str, ids: list[int], revision: int) -> int:
        body = {
            "table_name": table,
            "schema": SCHEMA,
            "key_names": TABLES[table],
            "messages": [
                {"action": "upsert", "sequence": revision, "data": record(table, number, revision)}
                for number in ids
            ],
        }
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        connection.request("POST", "/v2/import/batch", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status


def record(table: str, number: int, revision: int) -> dict:
    """Return a record of the table."""
    data: dict = {"id": number, "revision": revision, "note": "x" * 200}
    if table == "nested":
        data["items"] = [{"n": item} for item in range(ITEMS)]
    return data
