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
from itertools import islice
from pathlib import Path

from tests.bench.destinations import PostgreSQLServer, tcp_postgresql
from tests.bench.measuring import report
from tests.bench.ours import running, scaled
from tests.bench.records import KEY_NAMES, SCHEMA, records
from tests.clients.environments import client_environment

SMALL, COUNT = 5_000, max(scaled(100_000), 20_000)
RIVALS = ("dlt", "pipelinewise-target-postgres", "meltanolabs-target-postgres")
ROWS_EACH = 20_000  # what a rival gathers before it loads
HERE = Path(__file__).parent
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


def main() -> None:
    """Load the same records with everybody; print each figure and how many times as fast ours is."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stitchapp-bench-")))
        write_records(folder)
        for rival in RIVALS:
            client_environment(rival)  # made now, so that making one does not count
        ours = our_figure("DuckDB")
        theirs = measure(
            "DuckDB: dlt, Parquet files", lambda part: load_with_dlt(folder, part), cpu=children_cpu
        )
        report("DuckDB: ours is", ours / theirs, "times the best", at_least=4)
        ours = our_figure("PostgreSQL")
        server = stack.enter_context(tcp_postgresql())

        def cpu() -> float:
            return children_cpu() + server.cpu()

        figures = []
        for validates in (False, True):
            how = "with validation" if validates else "without validation"
            for what, load in (
                ("pipelinewise-target-postgres", load_with_pipelinewise),
                ("meltanolabs-target-postgres, COPY", load_with_meltanolabs),
            ):
                figures.append(
                    measure(
                        f"PostgreSQL: {what}, {how}",
                        lambda part, load=load, validates=validates: load(folder, part, server, validates),
                        cpu=cpu,
                    )
                )
        report("PostgreSQL: ours, which validates, is", ours / max(figures), "times the best", at_least=3)


def our_figure(destination: str) -> float:
    """Measure ourselves."""
    with running(destination) as ours:
        figure = ours.load(COUNT).per_cpu_second
    report(f"{destination}: ours, HTTP to rows", figure, "records/CPU s")
    return figure


def measure(what: str, load: Callable[[str], None], *, cpu: Callable[[], float]) -> float:
    """Measure one rival; its start, which a small load costs too, does not count."""
    before = cpu()
    load("small")
    between = cpu()
    load("all")
    spent = (cpu() - between) - (between - before)
    theirs = (COUNT - SMALL) / spent
    report(what, theirs, "records/CPU s")
    return theirs


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


def load_with_pipelinewise(folder: Path, part: str, server: PostgreSQLServer, validates: bool) -> None:
    settings = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": "postgres",
        "password": "unused: the server trusts",
        "dbname": "postgres",
        "default_target_schema": f"pipelinewise_{part}_{validates}".lower(),
        "batch_size_rows": ROWS_EACH,
        "data_flattening_max_level": 1,
        "validate_records": validates,
        "add_metadata_columns": True,
    }
    load_with_target("pipelinewise-target-postgres", settings, folder, part)


def load_with_meltanolabs(folder: Path, part: str, server: PostgreSQLServer, validates: bool) -> None:
    settings = {
        "sqlalchemy_url": f"postgresql+psycopg://postgres@127.0.0.1:{server.port}/postgres",
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
