"""The loaders that people would use instead, on the same records in the same run: records per CPU second.

Each has an environment of its own (`tests/clients/*.lock`), made when first needed. A rival's CPU time is its process's
and, for PostgreSQL, the server's; its start is taken off by loading a small part first. Ours is that of every process
between the HTTP request and the rows, the sender alone excepted.
"""

import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.bench.measuring import cpu_seconds, descendants, report
from tests.bench.ours import records_per_cpu_second
from tests.bench.records import KEY_NAMES, SCHEMA, records
from tests.clients.environments import client_environment
from tests.postgresql import postgresql_server

SMALL, COUNT = 5_000, 100_000
ROWS_EACH = 20_000  # what a rival gathers before it loads
HERE = Path(__file__).parent
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


@dataclass(frozen=True)
class PostgreSQL:
    """A running server: where it listens, and what it has cost so far."""

    socket_folder: str
    pid: int

    @classmethod
    def at(cls, url: str) -> "PostgreSQL":
        folder = parse_qs(urlsplit(url).query)["host"][0]
        return cls(folder, int((Path(folder) / "postmaster.pid").read_text().split()[0]))

    def cpu(self) -> float:
        return cpu_seconds(descendants(self.pid))


def main() -> None:
    """Load the same records with everybody; print each figure and how many times as fast ours is."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stitchapp-bench-")))
        server = PostgreSQL.at(stack.enter_context(postgresql_server()))
        write_records(folder)
        ours = records_per_cpu_second(COUNT)
        report("DuckDB: ours, HTTP to rows", ours, "records/CPU s")
        compare(
            "DuckDB: dlt, Parquet files", ours, lambda part: load_with_dlt(folder, part), cpu=children_cpu
        )
        ours = None

        def cpu() -> float:
            return children_cpu() + server.cpu()

        for validates in (False, True):
            how = "with validation" if validates else "without validation"
            for what, load in (
                ("pipelinewise-target-postgres", load_with_pipelinewise),
                ("meltanolabs-target-postgres, COPY", load_with_meltanolabs),
            ):
                compare(
                    f"PostgreSQL: {what}, {how}",
                    ours,
                    lambda part, load=load, validates=validates: load(folder, part, server, validates),
                    cpu=cpu,
                )


def compare(what: str, ours: float | None, load: Callable[[str], None], *, cpu: Callable[[], float]) -> None:
    """Measure one rival; its start, which a small load costs too, does not count."""
    before = cpu()
    load("small")
    between = cpu()
    load("all")
    spent = (cpu() - between) - (between - before)
    theirs = (COUNT - SMALL) / spent
    report(what, theirs, "records/CPU s")
    if ours is not None:
        report(f"{what}: ours is", ours / theirs, "times as fast")


def children_cpu() -> float:
    """Return the processor time of all processes that this one started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_records(folder: Path) -> None:
    """Write the records as lines, and as the messages of a Singer tap; the small part has its own."""
    for part, count in (("small", SMALL), ("all", COUNT)):
        with (folder / f"{part}.jsonl").open("w") as lines, (folder / f"{part}.singer").open("w") as messages:
            head = {"type": "SCHEMA", "stream": "orders", "schema": SCHEMA, "key_properties": KEY_NAMES}
            messages.write(json.dumps(head) + "\n")
            for record in islice(records(COUNT), count):
                lines.write(json.dumps(record) + "\n")
                messages.write(json.dumps({"type": "RECORD", "stream": "orders", "record": record}) + "\n")


def load_with_dlt(folder: Path, part: str) -> None:
    database = folder / f"dlt-{part}" / "warehouse.duckdb"
    database.parent.mkdir(exist_ok=True)
    python = client_environment("dlt") / "python"
    program = [
        python,
        HERE / "load_with_dlt.py",
        folder / f"{part}.jsonl",
        database,
        *KEY_NAMES,
        str(ROWS_EACH),
    ]
    run(program, folder)


def load_with_pipelinewise(folder: Path, part: str, server: PostgreSQL, validates: bool) -> None:
    settings = {
        "host": server.socket_folder,
        "port": 5432,
        "user": "postgres",
        "password": "unused: the socket trusts",
        "dbname": "postgres",
        "default_target_schema": f"pipelinewise_{part}_{validates}".lower(),
        "batch_size_rows": ROWS_EACH,
        "data_flattening_max_level": 1,
        "validate_records": validates,
        "add_metadata_columns": True,
    }
    load_with_target("pipelinewise-target-postgres", settings, folder, part)


def load_with_meltanolabs(folder: Path, part: str, server: PostgreSQL, validates: bool) -> None:
    settings = {
        "sqlalchemy_url": f"postgresql+psycopg://postgres@/postgres?host={server.socket_folder}",
        "default_target_schema": f"meltanolabs_{part}_{validates}".lower(),
        "batch_size_rows": ROWS_EACH,
        "use_copy": True,
        "flattening_enabled": True,
        "flattening_max_depth": 1,
        "validate_records": validates,
    }
    load_with_target("meltanolabs-target-postgres", settings, folder, part)


def load_with_target(name: str, settings: dict, folder: Path, part: str) -> None:
    """Feed a Singer target from a file."""
    config = folder / f"{name}.json"
    config.write_text(json.dumps(settings))
    with (folder / f"{part}.singer").open() as messages:
        run([client_environment(name) / "target-postgres", "--config", config], folder, stdin=messages)


def run(command: list, folder: Path, **streams) -> None:
    """Run a rival; show what it said when it fails."""
    environment = os.environ | QUIET | {"HOME": str(folder)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **streams,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-3000:]}")
