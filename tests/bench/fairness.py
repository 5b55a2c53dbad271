"""One token at ten times its limit beside another that keeps to it (promise I9)."""

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.measuring import cpu_seconds, percentile, report
from tests.bench.records import batch_bodies
from tests.queue.processes import GUNICORN, Product, prepared_product
from tests.server import ROOT

LIMIT = 20  # requests a second of one token
PACE = 10  # of the token that keeps to it
TIMES, FLOODING_CONNECTIONS = 10, 8
SECONDS, WARM_UP = 15.0, 2.0
SECOND_TOKEN = """
from integrations.models import Integration
from integrations.services.access_tokens import create_access_token
integration = Integration.objects.get()
print(create_access_token(integration=integration, actor=integration.created_by)[1])
"""


def main() -> None:
    """Measure a calm token alone, then beside one that floods, then alone again."""
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url, prepared.access)
        product.environment |= {"DEVELOPMENT": "false", "TOKEN_REQUESTS_PER_SECOND": str(LIMIT)}
        product.start("web", GUNICORN)
        try:
            product.wait_until_ready()
            flooding = product.manage("shell", "-v0", "-c", SECOND_TOKEN).strip()
            measure(product, flooding)
        finally:
            product.end()


def measure(product: Product, flooding: str) -> None:
    """Report the calm token's p99 with and without the other, and what the other was answered."""
    calm = product.access["secret"]
    before = sent(product.port, calm, PACE)["seconds"]
    flooder = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.fairness", str(product.port), flooding, str(LIMIT * TIMES)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    begun = cpu_seconds(product.workers())
    beside = sent(product.port, calm, PACE)["seconds"]
    busy = cpu_seconds(product.workers()) - begun
    answers = json.loads(flooder.communicate()[0])
    after = sent(product.port, calm, PACE)["seconds"]
    alone = before + after
    for name, seconds in (("alone", alone), ("beside the other", beside)):
        report(f"a token within its limit, {name}: p50", statistics.median(seconds) * 1000, "ms")
        report(f"a token within its limit, {name}: p99", percentile(seconds, 99) * 1000, "ms")
    ratio = percentile(beside, 99) / percentile(alone, 99)
    report("p99 beside the other / alone (promise I9)", ratio, "times", at_most=2)
    for status, count in sorted(answers.items()):
        report(f"the token at ten times its limit: {status}", count / SECONDS, "answers/s")
    report("web processes busy meanwhile", busy / (SECONDS + WARM_UP) * 100, "% of a core")


def sent(port: int, token: str, pace: float) -> dict:
    """Send batches of 100 records at a pace over one connection; return the statuses and seconds of each."""
    bodies = list(batch_bodies(20, 100))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    seconds, statuses = [], Counter()
    begun = time.monotonic()
    number = 0
    while (now := time.monotonic()) < begun + WARM_UP + SECONDS:
        due = begun + number / pace
        if now < due:
            time.sleep(due - now)
        started = time.perf_counter()
        connection.request("POST", "/v2/import/batch", bodies[number % len(bodies)], headers)
        response = connection.getresponse()
        response.read()
        if time.monotonic() > begun + WARM_UP:
            seconds.append(time.perf_counter() - started)
            statuses[response.status] += 1
        number += 1
    connection.close()
    return {"statuses": statuses, "seconds": seconds}


def flood(port: int, token: str, pace: int) -> Counter:
    """Send at a pace over several connections, whatever the answers; return how often each status came."""
    with ThreadPoolExecutor(FLOODING_CONNECTIONS) as pool:
        shares = [
            pool.submit(sent, port, token, pace / FLOODING_CONNECTIONS) for _ in range(FLOODING_CONNECTIONS)
        ]
        return sum((share.result()["statuses"] for share in shares), Counter())


if __name__ == "__main__":
    port, token, pace = sys.argv[1:]
    print(json.dumps(flood(int(port), token, int(pace))))
