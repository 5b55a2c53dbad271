"""With a key alone, by HTTP on real processes: from a source's creation to its rows in the warehouse."""

import secrets
import time
import urllib.request

import duckdb
import pytest

from tests.integrations.connect.test_live import MAKE_KEY, Program
from tests.server import running_server
from tests.sources.declaring import synthetic_declaration

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    (folder / "synthetic.toml").write_text(synthetic_declaration())
    data_dir = tmp_path_factory.mktemp("sources_live") / "data"
    with running_server(data_dir, WEB_WORKERS="1", SOURCES_DIR=str(folder)) as server:
        yield server


@pytest.fixture
def connect(server):
    lines = server.manage("shell", "--no-imports", "-c", MAKE_KEY).split()
    return Program(server, lines[lines.index("KEY") + 1])


def wait_for(read, wanted):
    for _ in range(240):
        found = read()
        if wanted(found):
            return found
        time.sleep(0.25)
    raise AssertionError(found)


def test_K02_a_key_creates_selects_runs_and_reads(server, connect):
    properties = {"password": secrets.token_urlsafe(), "streams": "3", "rows": "500", "columns": "4"}
    body = {"type": "platform.synthetic", "display_name": "Made up", "properties": properties}
    status, source = connect("POST", "/v4/sources", body)
    assert (status, source["report_card"]["current_step_type"]) == (200, "discover_schema")
    path, client = f"/v4/sources/{source['id']}", source["stitch_client_id"]

    check = wait_for(
        lambda: connect("GET", f"{path}/last-connection-check")[1], lambda found: found["status"] != "running"
    )
    assert (check["status"], check["check_exit_status"], check["discovery_exit_status"]) == (
        "succeeded",
        0,
        0,
    )
    streams = connect("GET", f"{path}/streams")[1]
    assert [each["stream_name"] for each in streams] == ["stream_1", "stream_2", "stream_3"]
    chosen = [{"breadcrumb": [], "metadata": {"selected": True}}]
    fields = [
        {"breadcrumb": ["properties", name], "metadata": {"selected": name == "number_1"}}
        for name in ("number_1", "flag_2", "count_3")
    ]
    body = {
        "streams": [
            {"tap_stream_id": "stream_1", "metadata": chosen + fields},
            {"tap_stream_id": "stream_3", "metadata": chosen + fields},
        ]
    }
    assert connect("PUT", f"{path}/streams/metadata", body) == (200, {"status": 200})
    source = connect("GET", path)[1]
    assert source["report_card"]["current_step_type"] == "fully_configured"
    assert source["schedule"]["type"] == "interval"
    connect("PUT", path, {"paused_at": "2024-03-05T21:00:00Z"})  # from here on only the program starts jobs

    started = wait_for(lambda: connect("POST", f"{path}/sync")[1], lambda found: "job_name" in found)
    name = started["job_name"]  # the schedule may have begun one before
    job = connect("GET", f"/v4/jobs/{name}?wait=60")[1]
    assert (job["state"], job["error"]) == ("succeeded", None), job
    loads = {each["stream_name"]: each for each in connect("GET", f"/v4/{client}/loads")[1]["data"]}
    assert set(loads) == {"stream_1", "stream_3"}
    assert all(each["error_state"] is None for each in loads.values())
    warehouse = server.data_dir / "warehouse" / f"{client}.duckdb"
    for table in loads:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            names = {column[0] for column in connection.execute(f"SELECT * FROM made_up.{table}").description}
            assert connection.execute(f"SELECT count(*) FROM made_up.{table}").fetchone() == (500,)
        assert {name for name in names if not name.startswith("_sdc")} == {"id", "number_1"}
    headers = {"Authorization": f"Bearer {connect.secret}"}
    address = f"{server.url}/v4/{client}/extractions/{name}"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as log:
        text = log.read().decode()
    assert "Exit status is:" in text.splitlines()[-1]
    assert properties["password"] not in text
