"""Run the whole suite: on SQLite with the browser, then what touches a database again on PostgreSQL.

`make test` calls this. Extra words go to pytest: `python -m tests.run -k api_key`.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.browser import find_or_install_chromium
from tests.postgresql import postgresql_server
from tests.sources.mariadb import find_or_install_mariadb

BY_TWO, BY_THREE = (["-n", number, "--dist", "loadscope"] for number in "23")
PARALLEL = [*BY_TWO, "-m", "not live and not browser"]
DATABASE = [*BY_TWO, "-m", "django_db and not live and not browser and not either_database"]
# Processes of their own are started by these: after the others, and by three, as they often wait.
PROCESSES = [*BY_THREE, "-m", "live or browser"]
DATABASE_PROCESSES = [*BY_THREE, "-m", "live and not either_database"]
SOME_FAILED, NOTHING_SELECTED = 1, 5  # pytest's exit codes


@dataclass
class Part:
    """What became of one part of the suite: how many tests passed, and what failed, with the first line why."""

    title: str
    seconds: float
    code: int
    passed: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    at_second_try: list[str] = field(default_factory=list)


def pytest(title: str, *words: str, **environment: str) -> Part:
    """Run pytest with a data folder of its own; return what became of it."""
    print(f"\n=== {title}", flush=True)
    begun = time.monotonic()
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}  # once, not by every worker and every program it starts
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        code = subprocess.call(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *words],
            env=os.environ | compiled | environment,
        )
        part = Part(title, time.monotonic() - begun, code)
        if report.exists():
            read(report, part)
    print(f"=== {title}: {part.seconds:.0f} s", flush=True)
    return part


def read(report: Path, part: Part) -> None:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        faults = [*case.findall("failure"), *case.findall("error")]
        if faults:
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
            part.failed[name] = (faults[0].get("message") or "").split("\n")[0]
        elif case.find("skipped") is not None:
            part.skipped += 1
        else:
            part.passed += 1


def run(title: str, *words: str, **environment: str) -> Part:
    """Run a part; what failed gets one second try, alone, which the closing lines tell.

    Two at a time on a crowded machine can exceed even a generous limit once; what is broken fails alone, too.
    """
    part = pytest(title, *words, **environment)
    if part.code == SOME_FAILED:
        again = pytest(f"{title}: what failed, once more", *words, "-n", "0", "--last-failed", **environment)
        part.seconds += again.seconds
        if again.passed + len(again.failed) >= len(part.failed):  # else it did not try all of them
            part.code, part.passed = again.code, part.passed + again.passed
            part.at_second_try = [name for name in part.failed if name not in again.failed]
            part.failed = again.failed
    return part


def main(words: list[str]) -> int:
    """Run all parts, even after a failure; tell at the end what failed; return 0 only if all are good."""
    find_or_install_chromium()
    find_or_install_mariadb()
    words = [f"--randomly-seed={random.randrange(2**32)}", *words]
    parts = [run("SQLite", *PARALLEL, *words)]
    with postgresql_server() as url:
        parts.append(run("PostgreSQL", *DATABASE, *words, DATABASE_URL=url))
        parts.append(run("processes and browser, SQLite", *PROCESSES, *words))
        parts.append(run("processes, PostgreSQL", *DATABASE_PROCESSES, *words, DATABASE_URL=url))
    print("\n=== All parts,", words[0])
    for part in parts:
        print(f"{part.title}: {part.passed} passed, {part.skipped} skipped, {part.seconds:.0f} s")
    for part in parts:
        for name in part.at_second_try:
            print(f"passed at the second try only ({part.title}): {name}")
        for name, why in part.failed.items():
            print(f"FAILED ({part.title}): {name}: {why[:200]}")
        if part.code not in (0, SOME_FAILED, NOTHING_SELECTED):
            print(f"FAILED ({part.title}): pytest ended with {part.code}")
    print(f"{sum(part.passed for part in parts)} passed, {sum(len(part.failed) for part in parts)} failed")
    return max(0 if part.code == NOTHING_SELECTED else part.code for part in parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
