"""Each shipped source type with its real tap and a real source: check, discovery, selection, extraction, rows.

The taps are installed from the package index, unmodified, by what `manage.py install_source` runs.
"""

import json
import secrets
import threading
from pathlib import Path

import duckdb
import psycopg
import pytest
from django.db import connection

from accounts.services import worker_end
from integrations.models import Integration
from integrations.queue.loader import load_next
from integrations.services.selection import apply_metadata
from integrations.services.source_properties import store_properties
from integrations.sources.registry import find_source_type
from tests.extracting.conftest import check, extract, log_of
from tests.factories import make_account, make_member, make_source
from tests.sources.http_sources import ISSUES, ORDERS, api
from tests.sources.installed import CACHE, require_installed
from tests.sources.mariadb import mariadb_server
from tests.sources.s3_storage import s3_storage

pytestmark = [pytest.mark.django_db, pytest.mark.live]


@pytest.fixture(autouse=True)
def cached_taps(settings):
    if connection.vendor != "sqlite":
        pytest.skip("shown on SQLite: a tap knows nothing of the product's database")
    worker_end.forget()
    settings.TAPS_DIR = CACHE


@pytest.fixture(scope="module")
def mariadb():
    with mariadb_server() as server:
        yield server


def make(type_name: str, **given: str) -> Integration:
    """Make a source with these properties; its tap is installed."""
    require_installed(find_source_type(type_name))
    account = make_account()
    make_member(account)
    source = make_source(account, type=type_name, step="discover_schema")
    if "start_date" in find_source_type(type_name).by_name:
        given["start_date"] = "2026-01-01T00:00:00Z"
    store_properties(integration=source, given=given)
    return source


def choose(source: Integration, table: str, **metadata: str) -> None:
    """Select the table of that name with all fields that can be chosen."""
    stream = next(stream for stream in source.streams.found() if stream.stream_name == table)
    fields = [
        {"breadcrumb": json.loads(key), "metadata": {"selected": True}}
        for key, found in stream.field_metadata.items()
        if found.get("inclusion", "available") == "available"
    ]
    whole = {"breadcrumb": [], "metadata": {"selected": True, **metadata}}
    entry = {"tap_stream_id": stream.tap_stream_id, "metadata": [whole, *fields]}
    apply_metadata(integration=source, streams=[entry], actor=source.created_by)
    source.refresh_from_db()
    assert source.step == "fully_configured"


def checked(source: Integration) -> Integration:
    job = check(source)
    assert job.outcome == "succeeded", [job.discovery_description, *log_of(job)]
    source.refresh_from_db()
    return source


def run(source: Integration, secret: str = "") -> None:
    """Extract and load; the secret is seen in no process and in no log."""
    with watched() as seen:
        job = extract(source)
    log = log_of(job)
    assert job.outcome == "succeeded", [job.tap_description, job.target_description, *log]
    if secret:
        assert seen, "no process of the tap was seen"
        assert not [text for text in [*seen, *log] if secret in text]
    for _ in range(50):
        if not load_next():
            break


class watched:  # noqa: N801 - it reads as a word of the test
    """Collect command lines and environments of the processes that taps run as."""

    def __enter__(self) -> set[str]:
        self.seen: set[str] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self.seen

    def __exit__(self, *raised: object) -> None:
        self.over.set()
        self.thread.join()

    def look(self) -> None:
        while not self.over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes()
                    if str(CACHE).encode() in line:
                        self.seen.add(line.decode(errors="replace"))
                        self.seen.add((process / "environ").read_bytes().decode(errors="replace"))
                except OSError:
                    continue


def rows(source: Integration, query: str) -> list[tuple]:
    path = source.account.destinations.get().file_path
    with duckdb.connect(str(path), read_only=True) as warehouse:
        warehouse.execute(f'SET schema = "{source.schema_name}"')
        return warehouse.execute(query).fetchall()


def test_postgresql(warehouse_server):
    entry = warehouse_server.make_database()
    with psycopg.connect(warehouse_server.url, dbname=entry["database"], autocommit=True) as server:
        server.execute(
            "CREATE TABLE orders (id int PRIMARY KEY, title text, amount numeric(10,2), at timestamptz, extra jsonb)"
        )
        server.execute(
            "INSERT INTO orders SELECT n, 'Order ' || n, n * 1.5, '2026-01-01Z'::timestamptz, '{}' "
            "FROM generate_series(1, 40) n"
        )
        server.execute("CREATE TABLE secret_notes (id int PRIMARY KEY)")
        server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC")
    password = str(entry["password"])
    source = make(
        "platform.hp-postgres",
        host="127.0.0.1",
        port=str(entry["port"]),
        user=str(entry["username"]),
        password=password,
        dbname=str(entry["database"]),
        filter_schemas="public",
    )
    checked(source)
    assert {stream.stream_name for stream in source.streams.found()} == {
        "orders",
        "secret_notes",
    }
    choose(source, "orders", **{"replication-method": "INCREMENTAL", "replication-key": "id"})
    run(source, password)
    assert rows(source, "SELECT count(*), sum(amount), min(title) FROM orders")[0][0] == 40
    with psycopg.connect(warehouse_server.url, dbname=entry["database"], autocommit=True) as server:
        server.execute("INSERT INTO orders (id, title) VALUES (41, 'Late')")
    run(source)
    assert rows(source, "SELECT count(*), count(DISTINCT id), max(title) FROM orders") == [
        (41, 41, "Order 9")
    ]


def test_a_wrong_password_is_told_in_the_log_of_the_check(warehouse_server):
    entry = warehouse_server.make_database()
    wrong = secrets.token_urlsafe()
    source = make(
        "platform.hp-postgres",
        host="127.0.0.1",
        port=str(entry["port"]),
        user=str(entry["username"]),
        password=wrong,
        dbname=str(entry["database"]),
    )
    job = check(source)
    assert job.outcome == "failed"
    log = "\n".join(log_of(job))
    assert "password authentication failed" in log
    assert wrong not in log + job.discovery_description
    assert job.discovery_description.startswith("password authentication failed for user")
    assert "The source refused the credentials." in job.discovery_description


def test_mysql_and_mariadb(mariadb):
    entry = mariadb.make_database(
        "CREATE TABLE orders (id INT PRIMARY KEY, title VARCHAR(50), amount DECIMAL(10,2), at DATETIME); "
        "INSERT INTO orders SELECT seq, CONCAT('Order ', seq), seq * 1.5, '2026-01-01' FROM seq_1_to_40;"
    )
    source = make("platform.hp-mariadb", **entry)
    checked(source)
    choose(source, "orders", **{"replication-method": "INCREMENTAL", "replication-key": "id"})
    run(source, entry["password"])
    assert rows(source, "SELECT count(*), min(title) FROM orders") == [(40, "Order 1")]
    mariadb.run(f"INSERT INTO {entry['dbname']}.orders (id, title) VALUES (41, 'Late')")
    run(source)
    assert rows(source, "SELECT count(*), count(DISTINCT id) FROM orders") == [(41, 41)]


def test_csv_files(settings, tmp_path):
    settings.SOURCE_FILES_DIR = tmp_path
    tables = [{"search_pattern": "orders/*.csv", "table_name": "orders", "key_properties": "id"}]
    source = make("platform.csv-files", tables=json.dumps(tables))
    folder = tmp_path / str(source.account.client_id) / "orders"
    folder.mkdir(parents=True)
    (folder / "one.csv").write_text('id,title\n1,"Order, with a comma"\n2,Zweite\n')
    (folder / "two.csv").write_text("id,title\n3,Third\n")
    (tmp_path / "orders.csv").write_text("id,title\n4,Of nobody\n")
    checked(source)
    choose(source, "orders")
    run(source)
    assert sorted(rows(source, "SELECT id, title FROM orders")) == [
        ("1", "Order, with a comma"),
        ("2", "Zweite"),
        ("3", "Third"),
    ]


def test_csv_files_in_s3_storage():
    """By the address of a storage that speaks S3; the keys stand in no process and no log."""
    key, secret = secrets.token_hex(10), secrets.token_urlsafe()
    files = {
        "exports/orders/one.csv": "id,title\n1,First\n2,Second\n",
        "exports/orders/two.csv": "id,title\n3,Third\n",
        "orders/other.csv": "id,title\n4,Outside of the prefix\n",
    }
    tables = [{"search_pattern": "orders/*.csv", "table_name": "orders", "key_properties": "id"}]
    with s3_storage(key, {"shop": files}) as storage:
        source = make(
            "platform.s3-files",
            endpoint_url=storage.url,
            bucket="shop",
            search_prefix="exports",
            tables=json.dumps(tables),
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        checked(source)
        choose(source, "orders")
        run(source, secret)
        assert sorted(rows(source, "SELECT id, title FROM orders")) == [
            ("1", "First"),
            ("2", "Second"),
            ("3", "Third"),
        ]
        assert storage.signed_by == {key}


def test_rest_api():
    secret = secrets.token_urlsafe()
    with api(secret) as server:
        streams = [
            {
                "name": "orders",
                "path": "/orders",
                "primary_keys": ["id"],
                "records_path": "$.data[*]",
                "next_page_token_path": "$.next_page",
            }
        ]
        source = make(
            "platform.rest-api",
            api_url=f"{server.url}/v1",
            streams=json.dumps(streams),
            auth_method="bearer_token",
            bearer_token=secret,
            next_page_token_path="$.next_page",
        )
        checked(source)
        choose(source, "orders")
        run(source, secret)
    assert rows(source, "SELECT count(*), sum(amount) FROM orders") == [
        (len(ORDERS), sum(order["amount"] for order in ORDERS))
    ]


def test_github():
    secret = secrets.token_urlsafe()
    with api(secret) as server:
        source = make("platform.github", access_token=secret, repository="acme/shop", base_url=server.url)
        checked(source)
        assert "/repos/acme/shop/commits" in server.seen
        choose(source, "issues")
        run(source, secret)
        assert rows(source, "SELECT count(*), max(title) FROM issues") == [(len(ISSUES), "Issue 3")]
