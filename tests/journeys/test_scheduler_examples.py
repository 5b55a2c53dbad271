"""What "Run from any scheduler" shows is run: cron's program, Python's, and what Airflow and Dagster would call.

The packages of Airflow and Dagster are not installed: their files run with stand-ins of the few names that they
import, which call the functions as those programs would.
"""

import importlib.util
import json
import os
import subprocess
import sys
from types import ModuleType

import pytest

from integrations.snippets import EXAMPLES, SCHEDULERS, scheduler_examples
from tests.pages import Page
from tests.server import running_server
from tests.sources.declaring import synthetic_declaration

ROWS = 42
# A good source and one whose tap fails, checked and with every table chosen, and a key.
SET_UP = f"""
import json, secrets, time
from integrations.models import Integration
from integrations.services.jobs import start_check
from integrations.services.selection import apply_metadata
from integrations.services.source_properties import store_properties
from tests.factories import make_account, make_api_key, make_member, make_source
account = make_account()
make_member(account)
key, secret = make_api_key(account)
sources = []
for name, options in (("Good", {{"rows": "{ROWS}"}}), ("Bad", {{"crash_after": "5", "message": "disk on fire"}})):
    source = make_source(
        account, type="platform.synthetic", step="discover_schema", display_name=name, schema_name=name.lower()
    )
    store_properties(integration=source, given=options | {{"password": secrets.token_urlsafe()}})
    start_check(integration=source, actor=None, trigger="setup")
    sources.append(source)
for source in sources:
    give_up = time.monotonic() + 60
    while source.step != "field_selection":
        assert time.monotonic() < give_up, source.step
        time.sleep(0.2)
        source = Integration.objects.select_related("account").get(pk=source.pk)
    source.paused_at = source.created_at  # nothing but the example starts it
    source.save()
    streams = [
        {{
            "tap_stream_id": stream.tap_stream_id,
            "metadata": [
                {{"breadcrumb": json.loads(place), "metadata": {{"selected": True}}}}
                for place, found in [("[]", {{}}), *stream.field_metadata.items()]
                if found.get("inclusion", "available") == "available"
            ],
        }}
        for stream in source.streams.found()
    ]
    apply_metadata(integration=source, streams=streams, actor=source.created_by)
print(json.dumps({{"key": secret, "good": sources[0].pk, "bad": sources[1].pk}}))
"""


@pytest.mark.live
def test_each_scheduler_example_waits_for_the_rows_and_fails_on_an_error(tmp_path, monkeypatch):
    declarations = tmp_path / "sources"
    declare_synthetic_in(declarations)
    with running_server(tmp_path / "data", SOURCES_DIR=str(declarations)) as server:
        made = json.loads(server.ask(SET_UP).splitlines()[-1])
        own = {"STITCH_URL": server.url, "STITCH_API_KEY": made["key"], "SOURCE_ID": str(made["good"])}
        for name, value in own.items():
            monkeypatch.setenv(name, value)

        done = program("/bin/sh", EXAMPLES / SCHEDULERS["cron"])
        assert done.returncode == 0, done.stderr
        progress = json.loads(done.stdout)
        assert (progress["state"], progress["rows"], progress["source_id"]) == (
            "succeeded",
            ROWS,
            made["good"],
        )

        done = program(sys.executable, EXAMPLES / SCHEDULERS["python"], str(made["good"]))
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f": {ROWS} rows\n") or done.stdout.endswith(": 0 rows\n")

        monkeypatch.setitem(sys.modules, "stitch_jobs", read(SCHEDULERS["python"], "stitch_jobs"))
        tasks = stand_in_for_airflow(monkeypatch)
        read(SCHEDULERS["airflow"], "stitch_airflow")
        assert [name for name, _ in tasks] == ["extract", "load", "use"]
        assert tasks[0][1].startswith(progress["job_name"].rpartition(".")[0])

        made_assets = stand_in_for_dagster(monkeypatch)
        asset = read(SCHEDULERS["dagster"], "stitch_dagster").shop_tables
        assert asset()["metadata"]["job"] != progress["job_name"]
        assert made_assets == ["shop_tables"]

        monkeypatch.setenv("SOURCE_ID", str(made["bad"]))
        failed = program("/bin/sh", EXAMPLES / SCHEDULERS["cron"])
        assert failed.returncode == 1
        assert "disk on fire" in failed.stderr
        failed = program(sys.executable, EXAMPLES / SCHEDULERS["python"], str(made["bad"]))
        assert failed.returncode == 1
        assert failed.stderr.startswith("Failed: ")
        monkeypatch.setenv("SOURCE_ID", "999999")
        unknown = program("/bin/sh", EXAMPLES / SCHEDULERS["cron"])
        assert unknown.returncode != 0
        assert made["key"] not in unknown.stderr + failed.stderr


def declare_synthetic_in(folder):
    """Write the declaration that the server reads; this process knows nothing of it."""
    folder.mkdir(parents=True)
    (folder / "synthetic.toml").write_text(synthetic_declaration())


def program(*words):
    """Run a program as cron would."""
    return subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )


def read(file: str, name: str) -> ModuleType:
    """Import one of the examples."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand_in_for_airflow(monkeypatch) -> list[tuple[str, object]]:
    """Let @dag and @task run what they decorate, one after another; return what ran, with its results."""
    ran: list[tuple[str, object]] = []

    def task(function=None, **_):
        if function is None:
            return task

        def run(*arguments):
            given = {"run_id": "manual__1"} if "run_id" in function.__code__.co_varnames else {}
            result = function(*arguments, **given)
            ran.append((function.__name__, result))
            return result

        return run

    sdk = ModuleType("airflow.sdk")
    sdk.dag, sdk.task = (lambda **_: lambda function: function), task
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    return ran


def stand_in_for_dagster(monkeypatch) -> list[str]:
    """Let @asset leave a function as it is; return the names of what was made an asset."""
    made: list[str] = []

    def asset(**_):
        def decorate(function):
            made.append(function.__name__)
            return function

        return decorate

    dagster = ModuleType("dagster")
    dagster.asset = asset
    for name in ("RetryPolicy", "MaterializeResult", "ScheduleDefinition", "Definitions"):
        setattr(dagster, name, dict)
    monkeypatch.setitem(sys.modules, "dagster", dagster)
    return made


@pytest.mark.django_db
def test_the_guide_shows_the_very_files_and_serves_them(client):
    shown = Page(client.get("/docs/replication/external-schedulers")).words
    assert set(SCHEDULERS) == set(scheduler_examples())
    for text in scheduler_examples().values():
        assert " ".join(text.split()) in shown
