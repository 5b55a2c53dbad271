"""With a key alone, over HTTP: a PostgreSQL database and its real tap, from the source to its rows (K-02).

Afterwards a member's pages say the same.
"""

import json
import time
import urllib.request
from types import SimpleNamespace

import duckdb
import psycopg
import pytest

from integrations.sources.registry import find_source_type
from tests.integrations.connect.test_live import Program
from tests.pages import Page
from tests.server import running_server
from tests.sources.installed import CACHE, require_installed

pytestmark = pytest.mark.live
TYPE = "platform.hp-postgres"
BEGIN = """
import json
from django.conf import settings
from django.test import Client
from tests.factories import make_account, make_api_key, make_member
account = make_account()
browser = Client()
browser.force_login(make_member(account), settings.AUTHENTICATION_BACKENDS[0])
name = settings.SESSION_COOKIE_NAME
print(json.dumps({"secret": make_api_key(account)[1], "cookie": f"{name}={browser.cookies[name].value}"}))
"""
TABLES = """
CREATE TABLE orders (id int PRIMARY KEY, title text, amount numeric(10,2), note text);
INSERT INTO orders SELECT n, 'Order ' || n, n * 1.5, 'Not for the warehouse' FROM generate_series(1, 40) n;
CREATE TABLE people (id int PRIMARY KEY, name text, born date);
INSERT INTO people SELECT n, 'Person ' || n, '2000-01-01' FROM generate_series(1, 7) n;
CREATE TABLE drafts (id int PRIMARY KEY);
INSERT INTO drafts VALUES (1);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
"""
CHOSEN = {"orders": {"title": True, "amount": True, "note": False}, "people": {"name": True, "born": False}}
COLUMNS = {"orders": {"id", "title", "amount"}, "people": {"id", "name"}}
ROWS = {"orders": 40, "people": 7}


@pytest.fixture
def server(tmp_path, settings):
    settings.TAPS_DIR = CACHE
    require_installed(find_source_type(TYPE))
    with running_server(tmp_path / "data", WEB_WORKERS="1", TAPS_DIR=str(CACHE)) as server:
        yield server


@pytest.fixture
def properties(warehouse_server):
    """What the form of a PostgreSQL source asks for, of a database with three tables."""
    entry = warehouse_server.make_database()
    with psycopg.connect(warehouse_server.url, dbname=str(entry["database"]), autocommit=True) as database:
        database.execute(TABLES)
    words = {"user": "username", "dbname": "database"} | {name: name for name in ("host", "port", "password")}
    return {name: str(entry[word]) for name, word in words.items()} | {"filter_schemas": "public"}


def wait_for(read, wanted):
    for _ in range(240):
        found = read()
        if wanted(found):
            return found
        time.sleep(0.25)
    raise AssertionError(found)


def test_K02_a_key_creates_selects_runs_and_reads_and_the_pages_say_the_same(server, properties):
    begun = json.loads(server.manage("shell", "-v0", "--no-imports", "-c", BEGIN))
    connect = Program(server, begun["secret"])
    body = {"type": TYPE, "display_name": "Shop", "properties": properties}
    status, source = connect("POST", "/v4/sources", body)
    assert (status, source["report_card"]["current_step_type"]) == (200, "discover_schema")
    assert "password" not in source["properties"]
    path, client = f"/v4/sources/{source['id']}", source["stitch_client_id"]

    check = wait_for(
        lambda: connect("GET", f"{path}/last-connection-check")[1], lambda found: found["status"] != "running"
    )
    statuses = check["check_exit_status"], check["discovery_exit_status"]
    assert (check["status"], statuses) == ("succeeded", (0, 0)), check
    streams = {each["stream_name"]: each for each in connect("GET", f"{path}/streams")[1]}
    assert sorted(streams) == ["drafts", "orders", "people"]
    choice = [
        {
            "tap_stream_id": streams[table]["tap_stream_id"],
            "metadata": [chosen_table(), *chosen_fields(fields)],
        }
        for table, fields in CHOSEN.items()
    ]
    assert connect("PUT", f"{path}/streams/metadata", {"streams": choice}) == (200, {"status": 200})
    source = connect("GET", path)[1]
    assert source["report_card"]["current_step_type"] == "fully_configured"
    assert source["schedule"]["type"] == "interval"
    connect("PUT", path, {"paused_at": "2024-03-05T21:00:00Z"})  # from here on only the program starts jobs

    started = wait_for(lambda: connect("POST", f"{path}/sync")[1], lambda found: "job_name" in found)
    name = started["job_name"]  # the schedule may have begun one before
    job = connect("GET", f"/v4/jobs/{name}?wait=60")[1]
    assert (job["state"], job["error"]) == ("succeeded", None), job
    assert {each["stream_name"]: each["extracted"] for each in job["streams"]} == ROWS
    loads = {each["stream_name"]: each for each in connect("GET", f"/v4/{client}/loads")[1]["data"]}
    assert {table: load["error_state"] for table, load in loads.items()} == dict.fromkeys(ROWS)
    for table, columns in COLUMNS.items():
        assert columns_and_rows(server, client, table) == (columns, ROWS[table])
    headers = {"Authorization": f"Bearer {connect.secret}"}
    log = get(server, f"/v4/{client}/extractions/{name}", headers).decode()
    assert "Exit status is:" in log.splitlines()[-1]
    assert properties["password"] not in log

    def page(address):
        return Page(SimpleNamespace(content=get(server, address, {"Cookie": begun["cookie"]})))

    base = f"/client/{client}/pipeline/connections/{source['id']}"
    assert "Shop" in page(f"{base}/summary").words
    tables = page(f"{base}/tables?database={properties['dbname']}&schema=public")
    tracked = {row[1]: row[-1] for row in tables.rows[1:]}
    assert tracked == {"drafts": "Not Tracked", "orders": "Tracked", "people": "Tracked"}
    fields = page(f"{base}/selection/{streams['orders']['stream_id']}/fields")
    assert "Track the table orders (3 of 4 fields)" in fields.words
    shown = {row[1]: row[-1].startswith("Tracked") for row in fields.rows[1:]}
    assert shown == {"id": True, "title": True, "amount": True, "note": False}
    assert "Rows extracted 47: orders 40, people 7" in page(f"{base}/extractions").words
    shown = {row[0]: row[-1] for row in page(f"{base}/loads").rows[1:]}
    assert shown == {table: str(rows) for table, rows in ROWS.items()}


def chosen_table():
    return {"breadcrumb": [], "metadata": {"selected": True, "replication-method": "FULL_TABLE"}}


def chosen_fields(fields):
    return [
        {"breadcrumb": ["properties", field], "metadata": {"selected": selected}}
        for field, selected in fields.items()
    ]


def columns_and_rows(server, client, table):
    path = server.data_dir / "warehouse" / f"{client}.duckdb"
    with duckdb.connect(str(path), read_only=True) as warehouse:
        columns = {column[0] for column in warehouse.execute(f"SELECT * FROM shop.{table}").description}
        [rows] = warehouse.execute(f"SELECT count(*) FROM shop.{table}").fetchone()
    return {name for name in columns if not name.startswith("_sdc")}, rows


def get(server, address, headers):
    request = urllib.request.Request(server.url + address, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()
