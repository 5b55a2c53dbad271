"""The dashboard with 50 integrations and Loads with 200 tables, beside the same rows on bare Django pages.

And by themselves the Billing page and the usage by table of an account with 12 months of 500 tables, and All
Notifications with 1,000 of them.
"""

import http.client
import json
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.measuring import cpu_seconds, descendants, percentile, report
from tests.queue.processes import GUNICORN, Product, prepared_product

INTEGRATIONS, TABLES, ROUNDS = 50, 200, 200
USED_TABLES, USED_DAYS, NOTIFICATIONS = 500, 360, 1_000
FILL = f"""
import json
from datetime import timedelta
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from accounts.models import Membership
from integrations.models import DailyRows, Kind, Load, Notification
from tests.factories import make_account, make_integration, make_loaded_table, make_member
account = make_account(client_id=700_000)
user = make_member(account, email="reader@example.com")
now = timezone.now()
for number in range({INTEGRATIONS}):
    integration = make_integration(account, display_name=f"Source {{number:02d}}", schema_name=f"source_{{number}}")
    same = {{"account": account, "integration": integration}}
    DailyRows.objects.bulk_create(
        DailyRows(**same, table_name="events", day=now.date() - timedelta(days=day), rows=1000) for day in range(30)
    )
for number in range({TABLES}):
    name = f"table_{{number:03d}}"
    make_loaded_table(integration, name=name, root=name)
    for ago in (1, 2):
        at = now - timedelta(hours=ago)
        Load.objects.create(
            **same, table_name=name, started_at=at, finished_at=at, status="success", rows=7, last_received_at=at
        )
busy = make_account(client_id=700_001, created_at=now - timedelta(days=400), period_anchor=now - timedelta(days=400))
Membership.objects.create(account=busy, user=user)
source = make_integration(busy, display_name="Busy source", schema_name="busy")
DailyRows.objects.bulk_create(
    (
        DailyRows(
            account=busy,
            integration=source,
            table_name=f"table_{{table:03d}}",
            day=now.date() - timedelta(days=day),
            rows=7,
        )
        for table in range({USED_TABLES}) for day in range({USED_DAYS})
    ),
    batch_size=5000,
)
Notification.objects.bulk_create(
    Notification(
        account=busy,
        integration=source,
        kind=Kind.ERROR_PERSISTING_TABLE.stored,
        cause=f"table:{{number}}",
        table_name=f"table_{{number}}",
        message=f"Encountered an error while loading the table table_{{number}} of Busy source.",
        details="Primary Keys for table do not match Primary Keys of incoming data",
        began_at=now - timedelta(minutes=number),
        latest_at=now,
    )
    for number in range({NOTIFICATIONS})
)
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
home = f"/client/{{account.client_id}}/pipeline/connections"
print(json.dumps({{
    "cookie": f"{{settings.SESSION_COOKIE_NAME}}={{session.session_key}}",
    "dashboard with {INTEGRATIONS} integrations": home,
    "Loads with {TABLES} tables": f"{{home}}/{{integration.pk}}/loads",
    "Billing with {USED_TABLES} tables over {USED_DAYS} days": f"/client/{{busy.client_id}}/account/billing",
    "All Notifications with {NOTIFICATIONS}": f"/client/{{busy.client_id}}/notifications",
    "usage of {USED_TABLES} tables": f"/client/{{busy.client_id}}/account/billing/usage?by=table",
}}))
"""


def main() -> None:
    """Start the product and the bare pages on one database, and ask both in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url)
        product.environment |= {"WEB_WORKERS": "1", "DEVELOPMENT": "false"}
        bare = Product(prepared.data_dir, prepared.database_url)
        bare.environment = product.environment | {
            "PORT": str(bare.port),
            "DJANGO_SETTINGS_MODULE": "tests.bench.bare_pages",
        }
        try:
            addresses = json.loads(product.manage("shell", "-v0", "-c", FILL))
            cookie = addresses.pop("cookie")
            for each in (product, bare):
                each.start("web", GUNICORN)
                each.wait_until_ready()
            for what, address in addresses.items():
                has_bare_page = address.startswith("/client/700000/")
                measure(what, address, cookie, product, bare if has_bare_page else None)
        finally:
            product.end()
            bare.end()


def measure(what: str, address: str, cookie: str, product: Product, bare: Product | None) -> None:
    """Ask for one page, here and there by turns, so that both meet the same machine."""
    asking = {"product": Asking(product, address, cookie)}
    if bare is not None:
        asking["bare"] = Asking(bare, address, cookie)
    for _ in range(10):
        for each in asking.values():
            each.ask()
    for each in asking.values():
        each.begin()
    for _ in range(ROUNDS):
        for each in asking.values():
            each.ask()
    for name, each in asking.items():
        report(f"{what}, {name}: p50", statistics.median(each.seconds) * 1000, "ms")
        report(f"{what}, {name}: p95", percentile(each.seconds, 95) * 1000, "ms")
        report(f"{what}, {name}: CPU", each.cpu() / ROUNDS * 1000, "ms")
        report(f"{what}, {name}: size", each.size / 1024, "KiB")
    if bare is None:
        return
    ratio = statistics.median(asking["product"].seconds) / statistics.median(asking["bare"].seconds)
    report(f"{what}: p50", ratio, "times the bare page", at_most=2)


class Asking:
    """One page of one server, asked for again and again on one connection."""

    def __init__(self, product: Product, address: str, cookie: str) -> None:
        self.product = product
        self.address = address
        self.headers = {"Cookie": cookie}
        self.connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
        self.begin()

    def begin(self) -> None:
        """Forget what was measured so far."""
        self.seconds: list[float] = []
        self.size = 0
        self.before = self.spent()

    def spent(self) -> float:
        return cpu_seconds(descendants(self.product.processes["web"].pid))

    def cpu(self) -> float:
        return self.spent() - self.before

    def ask(self) -> None:
        """Read the page once; raise unless it is there."""
        started = time.perf_counter()
        self.connection.request("GET", self.address, headers=self.headers)
        answer = self.connection.getresponse()
        self.size = len(answer.read())
        self.seconds.append(time.perf_counter() - started)
        if answer.status != 200:
            log = (self.product.data_dir / "log").read_text()[-2000:]
            raise RuntimeError(f"{self.address}: {answer.status}\n{log}")
