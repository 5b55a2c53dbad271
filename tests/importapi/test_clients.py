"""The unmodified public client and plain curl, real data, and the rows in the warehouse file (issue 2, proof 3)."""

import csv
import json
import shutil
import subprocess
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import vega_datasets

from tests.clients.environments import client_environment

pytestmark = [pytest.mark.live, pytest.mark.either_database]
DATA = Path(vega_datasets.__file__).parent / "_data"
NUMBER, TEXT = {"type": ["null", "number"]}, {"type": ["null", "string"]}
MOMENT = {"type": ["null", "string"], "format": "date-time"}
PATIENCE_SECONDS = 90


def read_csv(name):
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def moment(text):
    """`2010/01/01 05:00[:00]` or `2012/01/01` as the API wants it."""
    day, _, time = text.partition(" ")
    return f"{day.replace('/', '-')}T{(time + ':00:00')[:8] if time else '00:00:00'}Z"


def airports():
    rows = read_csv("airports.csv")
    return [row | {"latitude": float(row["latitude"]), "longitude": float(row["longitude"])} for row in rows]


def temperatures():
    return [
        {"city": city, "at": moment(row["date"]), "temp": float(row["temp"])}
        for city in ("seattle", "sf")
        for row in read_csv(f"{city}-temps.csv")
    ]


STREAMS = {
    "airports": (
        airports(),
        ["iata"],
        dict.fromkeys(("iata", "name", "city", "state", "country"), TEXT)
        | dict.fromkeys(("latitude", "longitude"), NUMBER),
    ),
    "temperatures": (temperatures(), ["city", "at"], {"city": TEXT, "at": MOMENT, "temp": NUMBER}),
}


def by_key(rows, key_names):
    """The rows that must be in the table: of one key the last sent."""
    return {tuple(row[name] for name in key_names): row for row in rows}


def send_with_target_stitch(product, streams, folder):
    """Send rows of some streams with target-stitch; return the last state it printed."""
    lines = []
    for name, (rows, key_names, properties) in streams.items():
        schema = {"type": "object", "properties": properties}
        lines.append({"type": "SCHEMA", "stream": name, "schema": schema, "key_properties": key_names})
        lines += [{"type": "RECORD", "stream": name, "record": row} for row in rows]
    lines.append({"type": "STATE", "value": {"sent": sum(len(rows) for rows, _, _ in streams.values())}})
    return pipe_into_target_stitch(product, lines, folder)


def pipe_into_target_stitch(product, lines, folder):
    """Pipe Singer messages into target-stitch; return the last state it printed."""
    url = f"http://127.0.0.1:{product.port}/v2/import/batch"
    config = {
        "client_id": product.access["client_id"],
        "token": product.access["secret"],
        "small_batch_url": url,
        "big_batch_url": url,
        "batch_size_preferences": {},
        "disable_collection": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [client_environment("target-stitch") / "target-stitch", "--config", folder / "config.json"],
        input="\n".join(map(json.dumps, lines)) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def wait_until_loaded(product):
    """Return when nothing accepted waits any more: the product's own loader may be at work on it."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while product.waiting():
        assert time.monotonic() < give_up, "the loader does not come to an end"
        time.sleep(0.2)


def opened_to_read(path):
    """Open the warehouse file once no loader has it open (D23)."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=True)
        except duckdb.IOException:
            if time.monotonic() >= give_up:
                raise
            time.sleep(0.1)


def table(product, name, columns, moments=()):
    """What the warehouse file holds, once everything accepted is loaded; times as the API spells them."""
    wait_until_loaded(product)
    path = product.data_dir / "warehouse" / f"{product.access['client_id']}.duckdb"
    listed = ", ".join(
        f"strftime(\"{column}\", '%Y-%m-%dT%H:%M:%SZ')" if column in moments else f'"{column}"'
        for column in columns
    )
    with opened_to_read(path) as connection:
        connection.execute("SET TimeZone='UTC'")
        rows = connection.execute(f'SELECT {listed} FROM "{product.access["schema"]}"."{name}"').fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


needs_a_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="psutil 5.6.6, which target-stitch pins, is built from source"
)


@needs_a_compiler
def test_real_data_through_target_stitch_arrives_whole_and_half_of_it_is_updated(product, tmp_path):
    sent = sum(len(rows) for rows, _, _ in STREAMS.values())
    assert sent >= 10_000
    assert send_with_target_stitch(product, STREAMS, tmp_path) == {"sent": sent}
    first_sequences = {}
    for name, (rows, key_names, properties) in STREAMS.items():
        loaded = table(product, name, [*properties, "_sdc_sequence"], moments=["at"])
        first_sequences[name] = {
            tuple(row[key] for key in key_names): row.pop("_sdc_sequence") for row in loaded
        }
        assert len(loaded) == len(by_key(rows, key_names))
        assert by_key(loaded, key_names) == by_key(rows, key_names)

    rows, key_names, properties = STREAMS["temperatures"]
    expected = by_key(rows, key_names)
    changed = {
        key: row | {"temp": row["temp"] + 0.5}
        for number, (key, row) in enumerate(expected.items())
        if number % 2
    }
    half = {"temperatures": (list(changed.values()), key_names, properties)}
    assert send_with_target_stitch(product, half, tmp_path) == {"sent": len(changed)}
    loaded = table(product, "temperatures", [*properties, "_sdc_sequence"], moments=["at"])
    for row in loaded:
        key = tuple(row[name] for name in key_names)
        before, now = first_sequences["temperatures"][key], row.pop("_sdc_sequence")
        assert (now > before) is (key in changed)
    assert by_key(loaded, key_names) == expected | changed
    assert len(loaded) == len(expected)
    assert "The books balance" in product.manage("check_books")


@needs_a_compiler
def test_a_full_table_replaces_its_former_version_through_target_stitch(product, tmp_path):
    """import-api.md 10, 5: versions, times of extraction, an activation and a state."""
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}},
    }
    runs = ((1_700_000_000_001, [1, 2, 3]), (1_700_000_000_002, [2, 4]))
    for version, ids in runs:
        lines = [{"type": "SCHEMA", "stream": "yachts", "schema": schema, "key_properties": ["id"]}]
        lines += [
            {
                "type": "RECORD",
                "stream": "yachts",
                "record": {"id": number, "tags": [f"tag {number}"]},
                "version": version,
                "time_extracted": "2024-02-03T04:05:06.123456Z",
            }
            for number in ids
        ]
        lines.append({"type": "ACTIVATE_VERSION", "stream": "yachts", "version": version})
        lines.append({"type": "STATE", "value": {"done": version}})
        assert pipe_into_target_stitch(product, lines, tmp_path) == {"done": version}
        columns = ["id", "_sdc_table_version", "_sdc_extracted_at"]
        loaded = table(product, "yachts", columns, moments=["_sdc_extracted_at"])
        assert sorted(map(tuple, (row.values() for row in loaded))) == [
            (number, version, "2024-02-03T04:05:06Z") for number in ids
        ]
        tags = table(product, "yachts__tags", ["_sdc_source_key_id", "value"])
        assert sorted(row["value"] for row in tags) == [f"tag {number}" for number in ids]


def test_plain_curl_pushes_and_the_rows_arrive(product, tmp_path):
    cars = [
        {"number": number} | car for number, car in enumerate(json.loads((DATA / "cars.json").read_text()))
    ]
    records = [
        {
            "client_id": product.access["client_id"],
            "table_name": "cars",
            "sequence": 1_700_000_000 + number,
            "action": "upsert",
            "key_names": ["number"],
            "data": car,
        }
        for number, car in enumerate(cars)
    ]
    (tmp_path / "body.json").write_text(json.dumps(records))

    def curl(path):
        secret, body = product.access["secret"], tmp_path / "body.json"
        command = ["curl", "-sS", "-X", "POST", "-w", "\n%{http_code}", "--data-binary", f"@{body}"]
        headers = ["-H", f"Authorization: Bearer {secret}", "-H", "Content-Type: application/json"]
        url = f"http://127.0.0.1:{product.port}/v2/import/{path}"
        return subprocess.run([*command, *headers, url], check=True, capture_output=True, text=True).stdout

    assert curl("validate") == '{"status":"OK","message":"Batch is valid!"}\n200'
    assert curl("push") == '{"status":"OK","message":"Batch Accepted!"}\n201'
    loaded = table(product, "cars", ["number", "Name", "Year", "Origin", "Weight_in_lbs", "Cylinders"])
    assert len(loaded) == len(cars)
    wanted = Counter((car["number"], car["Name"], car["Year"], car["Weight_in_lbs"]) for car in cars)
    assert (
        Counter((row["number"], row["Name"], row["Year"], row["Weight_in_lbs"]) for row in loaded) == wanted
    )


def test_the_python_client_pushes_transit_and_types_arrive(product):
    rows = [
        {"city": "seattle", "at": moment(row["date"]), "temp": row["temp"]}
        for row in read_csv("seattle-temps.csv")
    ]
    task = {
        "url": f"http://127.0.0.1:{product.port}/v2/import/push",
        "client_id": product.access["client_id"],
        "token": product.access["secret"],
        "table": "pushed",
        "key_names": ["city", "at"],
        "rows": rows,
    }
    script = Path(__file__).parent.parent / "clients" / "send_with_stitchclient.py"
    subprocess.run(
        [client_environment("stitchclient") / "python", script],
        input=json.dumps(task),
        check=True,
        text=True,
        timeout=120,
    )
    loaded = table(product, "pushed", ["city", "at", "temp", "place__city"], moments=["at"])
    wanted = {
        (row["city"], row["at"]): row | {"temp": Decimal(row["temp"]), "place__city": "seattle"}
        for row in rows
    }
    assert len(loaded) == len(wanted)
    assert by_key(loaded, ["city", "at"]) == wanted
