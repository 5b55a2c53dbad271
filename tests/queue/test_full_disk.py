"""A disk without room under running processes: intake says so, loading waits, nothing is lost (I8, I12).

A limit on the size of files stands for the full disk: what is written beyond it fails in the middle, as there.
"""

import http.client
import json
import os
import resource
import time

import duckdb
import pytest
from django.conf import settings

from tests.queue.processes import GUNICORN, LOADER

pytestmark = pytest.mark.live
ROWS = 1_000
LOADER_LIMIT = 4 * 1024**2


def limit_files(pids, size=resource.RLIM_INFINITY):
    """Let processes write no file beyond so many bytes; without a size, any."""
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def post(product, first):
    """Send records that do not compress; return the status and the headers."""
    body = {
        "table_name": "bikes",
        "schema": {"properties": {"id": {"type": "integer"}, "note": {"type": "string"}}},
        "key_names": ["id"],
        "messages": [
            {"action": "upsert", "sequence": 1, "data": {"id": number, "note": os.urandom(400).hex()}}
            for number in range(first, first + ROWS)
        ],
    }
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    try:
        headers = {
            "Authorization": f"Bearer {product.access['secret']}",
            "Content-Type": "application/json",
        }
        connection.request("POST", "/v2/import/batch", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status, response.headers
    finally:
        connection.close()


def ask(product, query):
    return product.ask(f"from integrations.models import *; print({query})").strip()


def wait_for(condition, seconds=90):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def stored(product):
    path = product.data_dir / "warehouse" / f"{product.access['client_id']}.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            f'SELECT count(*), count(DISTINCT id) FROM "{product.access["schema"]}".bikes'
        ).fetchone()


def test_I8_I12_a_full_disk_refuses_and_delays_and_loses_nothing(product):
    product.start("web", GUNICORN)
    product.wait_until_ready()
    accepted = 0
    assert post(product, 0)[0] == 201
    accepted += 1

    # One answers while the other is still being made.
    wait_for(lambda: len(product.workers()) == settings.WEB_WORKERS)
    limit_files(product.workers(), 300_000)
    for _ in range(4):
        status, headers = post(product, accepted * ROWS)
        assert (status, 1 <= int(headers["Retry-After"]) <= 60) == (503, True)
    limit_files(product.workers())
    while accepted < 10:
        assert post(product, accepted * ROWS)[0] == 201
        accepted += 1

    product.start("loader", LOADER)
    limit_files([product.processes["loader"].pid], LOADER_LIMIT)
    wait_for(lambda: ask(product, "QueuedTable.objects.get().error") != "")
    assert ask(product, "QueuedTable.objects.get().error_scope") == "destination"
    assert product.processes["loader"].poll() is None

    limit_files([product.processes["loader"].pid])
    wait_for(lambda: "; 0 still wait" in product.manage("check_books"))
    assert stored(product) == (accepted * ROWS, accepted * ROWS)
