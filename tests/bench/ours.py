"""The whole product on some records: from the HTTP request to rows in the warehouse, all its processes counted."""

import http.client
import json
import tempfile
from pathlib import Path

from tests.bench.measuring import cpu_seconds, descendants
from tests.bench.records import batch_bodies
from tests.queue.processes import GUNICORN, LOADER, Product, prepared_product

BATCH = 1_000
WARM_UP = 5  # batches, of a table of their own


def records_per_cpu_second(count: int) -> float:
    """Load `count` records into the embedded DuckDB warehouse; the start of the processes does not count."""
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url, prepared.access)
        product.environment |= {"WEB_WORKERS": "1", "DEVELOPMENT": "false"}
        try:
            product.start("web", GUNICORN)
            product.start("loader", LOADER)
            product.wait_until_ready()
            return load(product, count)
        finally:
            product.end()


def load(product: Product, count: int) -> float:
    """Send the records to a running product and wait for the last of them."""
    send_and_wait(product, list(batch_bodies(WARM_UP, BATCH, table="warm_up")))
    bodies = list(batch_bodies(count // BATCH, BATCH))
    before = spent(product)
    send_and_wait(product, bodies)
    return count / (spent(product) - before)


def spent(product: Product) -> float:
    """Return the CPU seconds of the web server and the loader, with all their processes."""
    return sum(cpu_seconds(descendants(process.pid)) for process in product.processes.values())


def send_and_wait(product: Product, bodies: list[bytes]) -> None:
    """Send every body, then ask for each receipt until it says loaded."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    headers = {"Authorization": f"Bearer {product.access['secret']}", "Content-Type": "application/json"}
    receipts = []
    for body in bodies:
        connection.request("POST", "/v2/import/batch", body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"Not accepted: {answer.status} {said!r}")
        receipts.append(answer.headers["X-Batch-Id"])
    for receipt in reversed(receipts):
        while True:
            connection.request(
                "GET", f"/v2/import/batches/{receipt}", headers=headers | {"Prefer": "wait=30"}
            )
            told = json.loads(connection.getresponse().read())
            if told["state"] == "loaded":
                break
            if any(table["error"] for table in told["tables"]):
                raise RuntimeError(f"Not loaded: {told}")
    connection.close()
