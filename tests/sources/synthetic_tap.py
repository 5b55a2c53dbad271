"""A Singer tap that makes its rows up, for tests and benches: well behaved by default, and by its config any way bad.

It needs Python alone and takes each option as text, as the product stores them:

| Option | Default | Meaning |
| --- | --- | --- |
| `streams`, `rows`, `columns` | 1, 100, 12 | How many, rows of each stream, columns of each row |
| `stream_names` | | Names instead of `stream_1` …, separated by commas |
| `keys` | true | false: tables without a primary key |
| `method` | INCREMENTAL | FULL_TABLE: a version, ACTIVATE_VERSION at the end |
| `start` | 1 | First id; a bookmark goes on after it |
| `state_every` | 1000 | Rows between two STATE lines; 0: none |
| `pace` | 0 | Seconds of sleep after each 100 rows |
| `crash_after`, `kill_after`, `hang_after` | | End with an error, by SIGKILL, or never, after so many rows |
| `exit_status`, `message` | 3 | Of the crash |
| `check_fails`, `discovery_hangs` | false | What discovery does instead |
| `flood` | | `log`: endless stderr; `line`: one endless line; `records`: rows without end |
| `eat_bytes` | 0 | Memory to take before the first row |
| `fill_bytes` | 0 | File to write into the working folder |
| `fork` | 0 | Children that ignore SIGTERM and hold the pipes |
| `ignore_term` | false | SIGTERM does not end it |
| `lie` | | `json`, `cut`, `schema`, `no_schema`, `stream`, `record`, `type`, `state`, `text`; of discovery `catalog`,
| | | `empty_catalog` |
| `wide` | 0 | Characters of one column more, of each row |
| `password` | | A credential; it is never said |
| `tell_password` | false | true: it is written to the log, as a careless tap does |
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

CHUNK = 500
TYPES = (
    ("text", {"type": ["null", "string"]}, '"row %d"'),
    ("number", {"type": ["null", "number"]}, "%d.5"),
    ("flag", {"type": ["null", "boolean"]}, "true"),
    ("count", {"type": ["null", "integer"]}, "%d"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--discover", action="store_true")
    parser.add_argument("--catalog")
    parser.add_argument("--properties")
    parser.add_argument("--state")
    given = parser.parse_args()
    options = json.loads(Path(given.config).read_text())
    if options.get("ignore_term") == "true":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(number(options, "fork", 0)):
        fork_a_deaf_child()
    if options.get("tell_password") == "true":
        log(f"signing in with {options.get('password')}")
    if given.discover:
        discover(options)
        return
    chosen = given.catalog or given.properties
    catalog = json.loads(Path(chosen).read_text()) if chosen else make_catalog(options)
    state = json.loads(Path(given.state).read_text()) if given.state else {}
    Tap(options, state or {}).run(
        [stream for stream in catalog["streams"] if not chosen or is_selected(stream)]
    )


def discover(options: dict) -> None:
    if options.get("discovery_hangs") == "true":
        hang()
    if options.get("check_fails") == "true":
        log("CRITICAL " + options.get("message", "the source cannot be reached"))
        sys.exit(number(options, "exit_status", 1))
    lies = {"catalog": "no catalog at all", "empty_catalog": json.dumps({"streams": []})}
    json_text = lies.get(options.get("lie", "")) or json.dumps(make_catalog(options))
    sys.stdout.write(json_text)


def make_catalog(options: dict) -> dict:
    names = [name for name in options.get("stream_names", "").split(",") if name]
    names = names or [f"stream_{index}" for index in range(1, number(options, "streams", 1) + 1)]
    return {"streams": [make_stream(name, options) for name in names]}


def make_stream(name: str, options: dict) -> dict:
    properties = dict(columns(options))
    keys = ["id"] if options.get("keys", "true") == "true" else []
    method = options.get("method", "INCREMENTAL")
    whole = {"inclusion": "available", "forced-replication-method": method, "table-key-properties": keys}
    if method == "INCREMENTAL":
        whole["valid-replication-keys"] = ["id"]
    metadata = [{"breadcrumb": [], "metadata": whole}]
    for field in properties:
        inclusion = "automatic" if field == "id" else "available"
        metadata.append({"breadcrumb": ["properties", field], "metadata": {"inclusion": inclusion}})
    return {
        "tap_stream_id": name,
        "stream": name,
        "key_properties": keys,
        "schema": {"type": "object", "properties": properties},
        "metadata": metadata,
    }


def columns(options: dict) -> list[tuple[str, dict]]:
    found: list[tuple[str, dict]] = [("id", {"type": "integer"})]
    for index in range(1, number(options, "columns", 12)):
        name, schema, _ = TYPES[index % len(TYPES)]
        found.append((f"{name}_{index}", schema))
    if number(options, "wide", 0):
        found.append(("wide", {"type": ["null", "string"]}))
    return found


def literal(field: str, options: dict) -> str:
    """Return the JSON of a field's value with one `%d`, or none, for the row's id."""
    if field == "id":
        return "%d"
    if field == "wide":
        return '"' + "x" * number(options, "wide", 0) + '"'
    return next(text for name, _, text in TYPES if field.startswith(name + "_"))


def entry(stream: dict, breadcrumb: list[str]) -> dict:
    found = [item["metadata"] for item in stream.get("metadata", []) if item["breadcrumb"] == breadcrumb]
    return found[0] if found else {}


def is_selected(stream: dict) -> bool:
    return bool(entry(stream, []).get("selected", stream["schema"].get("selected")))


def selected_fields(stream: dict) -> list[str]:
    fields = []
    for field in stream["schema"]["properties"]:
        metadata = entry(stream, ["properties", field])
        chosen = metadata.get("selected", metadata.get("selected-by-default", True))
        if chosen is not False or metadata.get("inclusion") == "automatic":
            fields.append(field)
    return fields


class Tap:
    """One sync: writes the streams one after the other and counts rows over all of them."""

    def __init__(self, options: dict, state: dict) -> None:
        self.options = options
        self.state = state
        self.state.setdefault("bookmarks", {})
        self.written = 0
        self.stops = {name: number(options, name, -1) for name in ("crash_after", "kill_after", "hang_after")}
        self.lie = options.get("lie", "")

    def run(self, streams: list[dict]) -> None:
        waste(self.options)
        if self.options.get("flood") == "log":
            while True:
                log("nothing to say, but a lot of it")
        while self.options.get("flood") == "line":
            sys.stdout.write("x" * 65536)
        for stream in streams:
            self.write_stream(stream)
        self.check_stops(at_end=True)
        self.write_state()

    def write_stream(self, stream: dict) -> None:
        name = stream["stream"]
        fields = selected_fields(stream)
        whole = entry(stream, [])
        method = whole.get("replication-method") or whole.get("forced-replication-method") or "INCREMENTAL"
        bookmark = self.state["bookmarks"].setdefault(stream["tap_stream_id"], {})
        version = None
        if method == "FULL_TABLE":
            version = bookmark.setdefault("version", time.time_ns() // 1_000_000)
        properties = {field: stream["schema"]["properties"][field] for field in fields}
        schema = {
            "type": "SCHEMA",
            "stream": name,
            "schema": {"type": "object", "properties": properties},
            "key_properties": whole.get("table-key-properties") or stream.get("key_properties") or [],
        }
        if method == "INCREMENTAL":
            schema["bookmark_properties"] = ["id"]
        if self.lie == "schema":
            schema["schema"] = {"type": "object", "properties": {"id": {"type": "no such type"}}}
        if self.lie != "no_schema":
            self.say(schema)
        self.write_lie(name)
        self.write_rows(name, fields, bookmark, version)
        if version is not None:
            self.say({"type": "ACTIVATE_VERSION", "stream": name, "version": version})
            bookmark.clear()
            self.write_state()
        log(f"{name}: done")

    def write_lie(self, name: str) -> None:
        if self.lie == "json":
            sys.stdout.write('{"type": "RECORD", "stream": "' + name + '", "record": {"id": \n')
        elif self.lie == "text":
            sys.stdout.write("this tap prints its progress where its rows belong\n")
        elif self.lie == "stream":
            self.say({"type": "RECORD", "stream": "nobody told of this one", "record": {"id": 1}})
        elif self.lie == "record":
            self.say({"type": "RECORD", "stream": name, "record": [1, 2, 3]})
        elif self.lie == "type":
            self.say({"type": "RECORD", "stream": name, "record": {"id": "no number"}})
        elif self.lie == "state":
            self.say({"type": "STATE", "value": "no object"})
        elif self.lie == "cut":
            sys.stdout.write('{"type": "RECORD", "stream": "' + name)
            sys.stdout.flush()
            os._exit(0)

    def write_rows(self, name: str, fields: list[str], bookmark: dict, version: int | None) -> None:
        pieces = [f"{json.dumps(field)}:{literal(field, self.options)}" for field in fields]
        extra = f',"version":{version}' if version is not None else ""
        line = f'{{"type":"RECORD","stream":{json.dumps(name)},"record":{{{",".join(pieces)}}}{extra}}}\n'
        ids = line.count("%d")
        start, rows = number(self.options, "start", 1), number(self.options, "rows", 100)
        first = bookmark.get("id", start - 1) + 1
        last = start + rows - 1 if self.options.get("flood") != "records" else 10**18
        state_every, pace = number(self.options, "state_every", 1000), float(self.options.get("pace") or 0)
        step = min(CHUNK, state_every or CHUNK, 100 if pace else CHUNK)
        if any(at >= 0 for at in self.stops.values()):
            step = 1
        unsaved = 0
        for begin in range(first, last + 1, step):
            end = min(begin + step, last + 1)
            sys.stdout.write("".join([line % ((row,) * ids) for row in range(begin, end)]))
            self.written += end - begin
            unsaved += end - begin
            bookmark["id"] = end - 1
            if state_every and unsaved >= state_every:
                self.write_state()
                unsaved = 0
            self.check_stops()
            if pace:
                sys.stdout.flush()
                time.sleep(pace)
        if state_every and unsaved:
            self.write_state()

    def check_stops(self, *, at_end: bool = False) -> None:
        def reached(name: str) -> bool:
            return self.stops[name] >= 0 and (at_end or self.stops[name] <= self.written)

        if any(reached(name) for name in self.stops):
            sys.stdout.flush()
        if reached("kill_after"):
            os.kill(os.getpid(), signal.SIGKILL)
        if reached("crash_after"):
            log("CRITICAL " + self.options.get("message", "the source went away"))
            sys.exit(number(self.options, "exit_status", 3))
        if reached("hang_after"):
            hang()

    def write_state(self) -> None:
        self.say({"type": "STATE", "value": self.state})

    def say(self, message: dict) -> None:
        sys.stdout.write(json.dumps(message) + "\n")


def waste(options: dict) -> None:
    eaten = bytearray(number(options, "eat_bytes", 0))
    eaten[::4096] = b"x" * len(eaten[::4096])
    if number(options, "fill_bytes", 0):
        with Path("filled").open("wb") as filled:
            for _ in range(number(options, "fill_bytes", 0) // 65536 + 1):
                filled.write(b"x" * 65536)


def fork_a_deaf_child() -> None:
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(60)


def hang() -> None:
    while True:
        time.sleep(60)


def log(text: str) -> None:
    level, _, rest = text.partition(" ") if text.startswith("CRITICAL ") else ("INFO", "", text)
    sys.stderr.write(f"{level} {rest}\n")
    sys.stderr.flush()


def number(options: dict, name: str, default: int) -> int:
    return int(options.get(name) or default) if str(options.get(name, "")) != "0" else 0


if __name__ == "__main__":
    main()
