"""Put the product through what the promises count: `python -m tests.torture [part…]`, or `make torture`.

Each part ends with its figures; the report at the end repeats them. KILLS (1000), JOB_KILLS (200), MINUTES (20, for all
kills of a part), LAW_EXAMPLES (1000), RACE_ROUNDS (20) and FUZZ_EXAMPLES (500) make it shorter or longer. The exit code
is 0 only if nothing was lost, doubled or invented and every test passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import postgresql_server
from tests.queue.processes import prepared_product, product_like
from tests.torture.jobs import kill_jobs
from tests.torture.kills import kill_under_load
from tests.torture.warehouses import WAREHOUSES

KILLS = int(os.environ.get("KILLS", "1000"))
JOB_KILLS = int(os.environ.get("JOB_KILLS", "200"))
MINUTES = float(os.environ.get("MINUTES", "20"))
Part = Callable[[], Iterator[tuple[bool, str]]]  # whether it went well, and its line of the report


def kills() -> Iterator[tuple[bool, str]]:
    """Kill under load: on SQLite, then on PostgreSQL as the application's database, into each destination."""
    with postgresql_server() as server:
        runs = [(database, kind) for database in ("", server) for kind in WAREHOUSES]
        for database, kind in runs:
            with given_database(database), tempfile.TemporaryDirectory(prefix="torture-") as folder:
                with (
                    prepared_product(Path(folder) / "prepared") as prepared,
                    product_like(prepared, Path(folder) / "data") as product,
                    WAREHOUSES[kind](product) as warehouse,
                ):
                    outcome = kill_under_load(
                        product, warehouse, kills=KILLS // len(runs), seconds=MINUTES * 60 / len(runs)
                    )
                application = "PostgreSQL" if database else "SQLite"
                yield not outcome.verdict.faults, f"application on {application}, {outcome.report()}"


def jobs() -> Iterator[tuple[bool, str]]:
    """Kill what runs jobs, on both databases (promises I1, J1, J2)."""
    with postgresql_server() as server:
        for database in ("", server):
            with given_database(database), tempfile.TemporaryDirectory(prefix="torture-") as folder:
                with (
                    prepared_product(Path(folder) / "prepared") as prepared,
                    product_like(prepared, Path(folder) / "data") as product,
                ):
                    outcome = kill_jobs(product, kills=JOB_KILLS // 2, seconds=MINUTES * 60 / 2)
                application = "PostgreSQL" if database else "SQLite"
                yield not outcome.faults, f"application on {application}, {outcome.report()}"


@contextmanager
def given_database(url: str) -> Iterator[None]:
    """Let products started meanwhile keep their application's data there; SQLite when empty."""
    before = os.environ.pop("DATABASE_URL", None)
    if url:
        os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        os.environ.pop("DATABASE_URL", None)
        if before is not None:
            os.environ["DATABASE_URL"] = before


def laws() -> Iterator[tuple[bool, str]]:
    """Order, repetition and splitting change nothing (promises I3, I4); nor does the way in which rows are read."""
    yield long_form("laws", "LAW_EXAMPLES", "1000", "tests/loading/test_laws.py")
    words = (
        "tests/loading/test_column_loading.py",
        "tests/importapi/test_plain.py",
        "-k",
        "both_ways or exactly_so",
    )
    yield long_form("both ways of reading", "LAW_EXAMPLES", "300", *words)


def races() -> Iterator[tuple[bool, str]]:
    """Limits hold under race (promise P6), on both databases."""
    words = ("tests/accounts/test_api_keys.py", "tests/integrations", "-k", "P6")
    yield long_form("races on SQLite", "RACE_ROUNDS", "20", *words)
    with postgresql_server() as server, given_database(server):
        yield long_form("races on PostgreSQL", "RACE_ROUNDS", "20", *words)


def fuzz() -> Iterator[tuple[bool, str]]:
    """Nothing that a caller can send makes either API fail (promise I13)."""
    yield long_form("fuzzing", "FUZZ_EXAMPLES", "500", "tests/integrations/connect/test_fuzz.py")
    words = ("tests/importapi/test_parsing.py", "-k", "I13")
    yield long_form("fuzzing the Import API", "FUZZ_EXAMPLES", "5000", *words)


def faults() -> Iterator[tuple[bool, str]]:
    """Every test of the queue, kills in the middle of a load, full disks and broken destinations among them."""
    yield long_form("queue and faults", "KILLS", "50", "tests/queue")


def long_form(name: str, variable: str, usual: str, *words: str) -> tuple[bool, str]:
    """Run tests with a promise's figure in place of the suite's small one."""
    figure = os.environ.get(variable, usual)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *words]
    run = subprocess.run(
        command, env=os.environ | {variable: figure}, capture_output=True, text=True, check=False
    )
    if run.returncode:
        print(run.stdout[-6000:], run.stderr[-2000:], flush=True)
    summary = run.stdout.strip().splitlines()[-1] if run.stdout.strip() else "nothing ran"
    return run.returncode == 0, f"{name} ({variable}={figure}): {summary.strip('= ')}"


PARTS: dict[str, Part] = {
    "kills": kills,
    "jobs": jobs,
    "races": races,
    "fuzz": fuzz,
    "laws": laws,
    "faults": faults,
}


def main(names: list[str]) -> int:
    """Run the parts of these names, or all; return 0 if everything held."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"No such part: {', '.join(unknown)}. There are {', '.join(PARTS)}.")
        return 2
    report: list[tuple[bool, str]] = []
    for name in names or PARTS:
        began = time.monotonic()
        for well, line in PARTS[name]():
            report.append((well, line))
            print(f"{'held' if well else 'BROKEN'}: {line}", flush=True)
        print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    print("\nReport")
    for well, line in report:
        print(f"{'held' if well else 'BROKEN'}: {line}")
    return 0 if all(well for well, _ in report) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
