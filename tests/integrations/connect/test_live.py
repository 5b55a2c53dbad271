"""The Connect API on real processes: from a key to a row in the warehouse, and to nothing at all (P7, T-04, T-31)."""

import json
import time
import urllib.error
import urllib.request

import duckdb
import pytest

from tests.server import running_server

pytestmark = pytest.mark.live
REQUESTS = 250
MAKE_KEY = """
from tests.factories import make_account, make_api_key, make_member
account = make_account()
make_member(account)
print("KEY", make_api_key(account)[1])
"""


class Program:
    """Somebody's program: it knows the server's address and a secret."""

    def __init__(self, server, secret):
        self.server, self.secret = server, secret

    def __call__(self, method, path, body=None):
        """Send a request on a connection of its own, so that any worker may answer; return status and body."""
        request = urllib.request.Request(
            self.server.url + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("connect") / "data", WEB_WORKERS="2") as server:
        yield server


@pytest.fixture
def connect(server):
    lines = server.ask(MAKE_KEY).split()
    return Program(server, lines[lines.index("KEY") + 1])


def statuses(program, body):
    return {program("POST", "/v2/import/push", body)[0] for _ in range(REQUESTS)}


def test_a_source_made_by_program_takes_data_until_its_token_or_itself_is_ended(server, connect):
    status, source = connect(
        "POST", "/v4/sources", {"type": "import_api", "display_name": "Customer Records"}
    )
    assert (status, source["name"]) == (200, "customer_records")
    path = f"/v4/sources/{source['id']}"
    _, first = connect("POST", f"{path}/tokens")
    _, second = connect("POST", f"{path}/tokens")
    assert connect("POST", f"{path}/tokens")[1]["error"] == "TooManyTokens"

    old, new = Program(server, first["access_token"]), Program(server, second["access_token"])
    record = {
        "client_id": source["stitch_client_id"],
        "table_name": "customers",
        "sequence": 1,
        "action": "upsert",
        "key_names": ["id"],
        "data": {"id": 1, "name": "Ada"},
    }
    assert old("POST", "/v2/import/push", [record])[0] == 201
    warehouse = server.data_dir / "warehouse" / f"{source['stitch_client_id']}.duckdb"
    assert rows(warehouse) == [(1, "Ada")]

    assert connect("DELETE", f"{path}/tokens/{first['id']}")[0] == 200
    assert statuses(old, [record]) == {401}
    assert new("POST", "/v2/import/push", [record])[0] == 201

    assert (
        connect("PUT", path, {"paused_at": "2024-03-05T21:00:00Z"})[1]["paused_at"] == "2024-03-05T21:00:00Z"
    )
    assert statuses(new, [record]) == {401}
    assert connect("PUT", path, {"paused_at": None})[1]["paused_at"] is None
    assert new("POST", "/v2/import/push", [record])[0] == 201

    assert connect("DELETE", path)[1]["deleted_at"] is not None
    assert statuses(new, [record]) == {401}


def rows(warehouse):
    """Return the customers, once the loader has brought them and let go of the file."""
    for _ in range(120):
        try:
            with duckdb.connect(str(warehouse), read_only=True) as connection:
                return connection.execute("SELECT id, name FROM customer_records.customers").fetchall()
        except duckdb.Error:  # not there yet, or being written
            time.sleep(0.25)
    raise AssertionError("The row did not arrive in 30 s.")
