"""Kill -9 under load, with a checker outside that remembers what was acknowledged (promises I1, I2, I5)."""

import http.client
import itertools
import json
import os
import random
import signal
import threading
import time

import duckdb
import pytest

from tests.queue.processes import GUNICORN, LOADER

pytestmark = pytest.mark.live
KILLS = int(os.environ.get("KILLS", "12"))
SENDERS, BATCH = 3, 10
TABLES = {"keyed": ["id"], "appended": []}


class Sender(threading.Thread):
    """Sends new batches without end, and remembers which were answered 201."""

    def __init__(self, port: int, secret: str, numbers: itertools.count, ending: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port, self.secret, self.numbers, self.ending = port, secret, numbers, ending
        self.sent: dict[str, list[list[int]]] = {table: [] for table in TABLES}
        self.acknowledged: dict[str, set[int]] = {table: set() for table in TABLES}
        self.broken = 0
        self.refused: list[tuple[int, bytes]] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ending.is_set():
            table = random.choice(list(TABLES))
            ids = [next(self.numbers) for _ in range(BATCH)]
            self.sent[table].append(ids)
            try:
                status, answer = self.post(connection, table, ids)
            except (OSError, http.client.HTTPException) as error:
                self.broken += not isinstance(error, ConnectionRefusedError)
                connection.close()
                time.sleep(0.02)
                continue
            if status == 201:
                self.acknowledged[table].update(ids)
            else:
                self.refused.append((status, answer))
        connection.close()

    def post(self, connection, table, ids):
        body = {
            "table_name": table,
            "schema": {"properties": {"id": {"type": "integer"}, "note": {"type": "string"}}},
            "key_names": TABLES[table],
            "messages": [
                {"action": "upsert", "sequence": number, "data": {"id": number, "note": "x" * 200}}
                for number in ids
            ],
        }
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        connection.request("POST", "/v2/import/batch", json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, response.read()


def kill_something(product, number: int) -> None:
    """Kill one worker mostly, the whole web server or one of two loaders now and then; start again what was killed."""
    if number % 4 == 1:
        loader = random.choice(["loader", "second loader"])
        product.kill(loader)
        product.start(loader, LOADER)
    elif number % 6 == 5:
        product.kill("web")
        product.start("web", GUNICORN)
        product.wait_until_ready()
    else:
        os.kill(random.choice(product.workers()), signal.SIGKILL)


def stored_ids(product, table: str) -> list[int]:
    path = product.data_dir / "warehouse" / f"{product.access['client_id']}.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            row[0]
            for row in connection.execute(f'SELECT id FROM "{product.access["schema"]}"."{table}"').fetchall()
        ]


def drain(product) -> None:
    """Load what is left; a lease of a killed loader has to run out first."""
    give_up = time.monotonic() + 90
    while "; 0 still wait" not in product.manage("check_books"):
        assert time.monotonic() < give_up, "the queue did not drain"
        product.manage("load_batches", "--once")
        time.sleep(1)


def test_I1_kill_9_under_load_loses_nothing_acknowledged_and_stores_nothing_by_half(product):
    product.start("web", GUNICORN)
    product.start("loader", LOADER)
    product.start("second loader", LOADER)
    product.wait_until_ready()
    ending, numbers = threading.Event(), itertools.count(1)
    senders = [Sender(product.port, product.access["secret"], numbers, ending) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for number in range(KILLS):
        time.sleep(random.uniform(0.2, 0.8))
        kill_something(product, number)
    time.sleep(0.5)
    ending.set()
    for sender in senders:
        sender.join(60)
    product.kill("web")
    product.kill("loader")
    product.kill("second loader")
    drain(product)

    assert sum(sender.broken for sender in senders) > 0, "no kill landed in a request"
    assert {status for sender in senders for status, _ in sender.refused} <= {503}
    assert sum(len(sender.acknowledged[table]) for sender in senders for table in TABLES) > 100
    for table in TABLES:
        stored = stored_ids(product, table)
        present = set(stored)
        acknowledged = set().union(*(sender.acknowledged[table] for sender in senders))
        batches = [ids for sender in senders for ids in sender.sent[table]]
        assert len(stored) == len(present), "a row was stored twice"
        assert not acknowledged - present, "acknowledged records were lost"
        assert not present - set(itertools.chain(*batches)), "records that nobody sent"
        assert all(len(present & set(ids)) in (0, BATCH) for ids in batches), "half a batch was stored"
    counted = product.manage(
        "shell",
        "-v0",
        "-c",
        "from integrations.models import *; from django.db.models import Sum; "
        "print(DailyRows.objects.aggregate(n=Sum('rows'))['n'], Load.objects.aggregate(n=Sum('inserted'))['n'])",
    )
    total = sum(len(stored_ids(product, table)) for table in TABLES)
    assert counted.split() == [str(total), str(total)]
