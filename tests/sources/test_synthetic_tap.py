"""The tap that other tests drive keeps to what it is asked: rows, bookmarks, and the ways it goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TAP = Path(__file__).with_name("synthetic_tap.py")


def run_tap(folder, *words, state=None, catalog=None, **options):
    """Run the tap to its end; return its exit status and the lines that it wrote."""
    (folder / "config.json").write_text(json.dumps({name: str(value) for name, value in options.items()}))
    command = [sys.executable, str(TAP), "--config", str(folder / "config.json"), *words]
    for name, document in (("state", state), ("catalog", catalog)):
        if document is not None:
            (folder / f"{name}.json").write_text(json.dumps(document))
            command += [f"--{name}", str(folder / f"{name}.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines()


def test_goes_on_after_its_bookmark_with_selected_fields(tmp_path):
    status, lines = run_tap(tmp_path, "--discover", columns=3)
    catalog = json.loads("".join(lines))
    metadata = catalog["streams"][0]["metadata"]
    metadata[0]["metadata"]["selected"] = True
    metadata[2]["metadata"]["selected"] = False
    state = {"bookmarks": {"stream_1": {"id": 98}}}
    status, lines = run_tap(tmp_path, columns=3, rows=100, state=state, catalog=catalog)
    messages = [json.loads(line) for line in lines]
    assert status == 0
    assert [message["type"] for message in messages] == ["SCHEMA", "RECORD", "RECORD", "STATE", "STATE"]
    assert [message["record"] for message in messages[1:3]] == [
        {"id": 99, "flag_2": True},
        {"id": 100, "flag_2": True},
    ]
    assert messages[-1]["value"] == {"bookmarks": {"stream_1": {"id": 100}}}


def test_ends_a_full_table_with_its_version(tmp_path):
    status, lines = run_tap(tmp_path, rows=2, columns=1, method="FULL_TABLE")
    messages = [json.loads(line) for line in lines]
    assert status == 0
    assert messages[-3]["type"] == "ACTIVATE_VERSION"
    assert {message["version"] for message in messages if message["type"] == "RECORD"} == {
        messages[-3]["version"]
    }


@pytest.mark.parametrize(("option", "status"), [("crash_after", 3), ("kill_after", -9)])
def test_stops_after_as_many_rows_as_it_is_told(tmp_path, option, status):
    ended, lines = run_tap(tmp_path, rows=50, state_every=0, **{option: 20})
    assert ended == status
    assert sum('"RECORD"' in line for line in lines) == 20
