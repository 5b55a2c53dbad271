"""The whole product: start, memory, pages, secrets, refusals, and small batches until their rows are visible."""

import http.client
import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.measuring import descendants, percentile, report, times
from tests.server import Server, environment, running_server

REFUSALS = 2000
BATCHES, RECORDS = 50, 100


def main() -> None:
    """Prepare an account, start the product, measure, print."""
    data_dir = Path(tempfile.mkdtemp(prefix="stitchapp-bench-"))
    os.environ.update(environment(data_dir, DEVELOPMENT="false"))
    prepared = prepare()
    begun = time.monotonic()
    with running_server(data_dir) as server:
        report("start of web server and loader until ready", time.monotonic() - begun, "s", at_most=5)
        memory(server)
        pages(server, prepared)
        secrets_checked(prepared)
        refusals_alike(server, prepared)
        intake(server, prepared)


def prepare() -> dict:
    """Make an account with 50 integrations and 30 days of loaded rows; return what the measurements need."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    from accounts import secrets
    from integrations.models import DailyRows
    from tests.factories import (
        make_access_token,
        make_account,
        make_api_key,
        make_integration,
        make_member,
    )

    for alias in connections:
        call_command("migrate", database=alias, verbosity=0)
    account = make_account()
    user = make_member(account)
    today = timezone.now().date()
    for number in range(50):
        integration = make_integration(
            account, display_name=f"Source {number}", schema_name=f"source_{number}"
        )
        DailyRows.objects.bulk_create(
            DailyRows(
                account=account,
                integration=integration,
                table_name="events",
                day=today - timedelta(days=day),
                rows=1000 + day * number,
            )
            for day in range(30)
        )
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    _, token = make_access_token(integration)
    _, revoked = make_access_token(integration, revoked_at=timezone.now())
    _, key = make_api_key(account)
    _, disabled = make_api_key(account, disabled_at=timezone.now())
    unknown = secrets.generate(secrets.API_KEY_PREFIX)
    connections.close_all()
    return {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}",
        "dashboard": f"/client/{account.client_id}/pipeline/connections",
        "token": token,
        "key": key,
        "refused": {
            "unknown": secrets.generate(secrets.ACCESS_TOKEN_PREFIX),
            "malformed": token[:-1] + ("a" if token[-1] != "a" else "b"),
            "revoked": revoked,
        },
        "client_id": account.client_id,
        "schema": integration.schema_name,
        "refused keys": {"malformed": f"{unknown[:-1]}-", "unknown": unknown, "disabled": disabled},
    }


def pages(server: Server, prepared: dict) -> None:
    """The dashboard with 50 integrations, beside the cheapest answer the same server gives."""
    connection = connect(server)
    cheap = times(lambda: get(connection, "/healthz", {}))
    dashboard = times(lambda: get(connection, prepared["dashboard"], {"Cookie": prepared["cookie"]}))
    report("healthz, p50", statistics.median(cheap) * 1000, "ms")
    report("dashboard with 50 integrations, p50", statistics.median(dashboard) * 1000, "ms")
    report("dashboard with 50 integrations, p95", percentile(dashboard, 95) * 1000, "ms")
    report("dashboard / healthz, p50", statistics.median(dashboard) / statistics.median(cheap), "times")


def secrets_checked(prepared: dict) -> None:
    """P4: what checking a secret costs, in the process itself, as the gates do it."""
    from django.utils import timezone

    from accounts.services.key_authentication import authenticate_api_key
    from integrations.services.token_authentication import authenticate_access_token

    for what, authenticate, secret in (
        ("token", authenticate_access_token, prepared["token"]),
        ("key", authenticate_api_key, prepared["key"]),
    ):
        header = f"Bearer {secret}"
        measured = times(
            lambda check=authenticate, header=header: check(authorization=header, now=timezone.now()), 1000
        )
        report(f"checking a {what}, p50", statistics.median(measured) * 1000, "ms")
        report(f"checking a {what}, p99 (promise P4)", percentile(measured, 99) * 1000, "ms", at_most=2)


def refusals_alike(server: Server, prepared: dict) -> None:
    """P9: the refusals of each kind of token, and of each kind of key, must not differ by a millisecond."""
    body = json.dumps(batch(0)).encode()
    spread_of_refusals(server, "token", prepared["refused"], "POST", "/v2/import/batch", body)
    spread_of_refusals(server, "key", prepared["refused keys"], "GET", "/v4/sources", None)


def spread_of_refusals(
    server: Server, what: str, refused: dict, method: str, path: str, body: bytes | None
) -> None:
    """Ask in turns, so that whatever else the machine does touches all kinds alike."""
    connection = connect(server)
    measured: dict[str, list[float]] = {kind: [] for kind in refused}
    for _ in range(REFUSALS):
        for kind, secret in refused.items():
            headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
            begun = time.perf_counter()
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            measured[kind].append(time.perf_counter() - begun)
            assert response.status == 401, response.status
    medians = {kind: statistics.median(values) * 1000 for kind, values in measured.items()}
    for kind, median in medians.items():
        report(f"refusing a {kind} {what}, p50", median, "ms")
    spread = max(medians.values()) - min(medians.values())
    report(f"largest difference between {what}s (promise P9)", spread, "ms", at_most=1)


def intake(server: Server, prepared: dict) -> None:
    """I10: batches of 100 records over one connection, and the time until their rows are visible."""
    import duckdb

    connection, headers = connect(server), {"Authorization": f"Bearer {prepared['token']}"}
    headers["Content-Type"] = "application/json"
    bodies = [json.dumps(batch(number)).encode() for number in range(BATCHES)]
    durations = []
    begun = time.monotonic()
    for body in bodies:
        started = time.monotonic()
        connection.request("POST", "/v2/import/batch", body, headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 201, (response.status, answer)
        durations.append(time.monotonic() - started)
    accepted = time.monotonic()
    rate = BATCHES * RECORDS / (accepted - begun)
    report("100-record batches accepted, one connection (I10)", rate, "records/s", at_least=2000)
    report("100-record batch, p99 (promise I10)", percentile(durations, 99) * 1000, "ms", at_most=250)
    path = server.data_dir / "warehouse" / f"{prepared['client_id']}.duckdb"
    while time.monotonic() - accepted < 60:
        try:
            with duckdb.connect(str(path), read_only=True) as warehouse:
                [(count,)] = warehouse.sql(f"SELECT count(*) FROM {prepared['schema']}.bench").fetchall()
        except duckdb.Error:
            count = 0
        if count == BATCHES * RECORDS:
            report("last batch accepted until all rows visible", time.monotonic() - accepted, "s", at_most=2)
            return
        time.sleep(0.05)
    report("rows visible after a minute", count, f"of {BATCHES * RECORDS}")


def batch(number: int) -> dict:
    """A batch of 100 records with 12 columns, about 300 bytes each."""
    names = [f"column_{index}" for index in range(11)]
    schema = {"properties": {"id": {"type": "integer"}} | {name: {"type": "string"} for name in names}}
    rows = (
        {"id": number * RECORDS + row} | {name: f"value {row} of {name}"[:20] for name in names}
        for row in range(RECORDS)
    )
    messages = [{"action": "upsert", "sequence": 1, "data": row} for row in rows]
    return {"table_name": "bench", "schema": schema, "key_names": ["id"], "messages": messages}


def memory(server: Server) -> None:
    """O1: the proportional memory of all processes of the product, idle (Linux only)."""
    if not Path("/proc/self/smaps_rollup").exists():
        return
    mark, found = f"DATA_DIR={server.data_dir}\0".encode(), set[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found |= set(descendants(int(folder.name)))  # a program that gave itself a title lost its own
    total = 0
    for pid in found - {os.getpid()}:
        with suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    report("memory of all processes, idle (promise O1)", total / 1024, "MiB", at_most=250)


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)


def get(connection: http.client.HTTPConnection, path: str, headers: dict) -> None:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, (path, response.status, body[:200])
