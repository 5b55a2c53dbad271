"""Times, percentiles, CPU and memory of processes, and how a figure is printed."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 100
TICKS = os.sysconf("SC_CLK_TCK")


def times(action: Callable[[], None], rounds: int = ROUNDS) -> list[float]:
    """Run `action` a few times unmeasured, then `rounds` times; return the seconds of each."""
    for _ in range(5):
        action()
    measured = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        measured.append(time.perf_counter() - started)
    return measured


def percentile(values: list[float], rank: int) -> float:
    """Return the percentile of a rank from 1 to 99."""
    return statistics.quantiles(values, n=100, method="inclusive")[rank - 1]


def report(
    what: str, figure: float, unit: str, *, at_least: float | None = None, at_most: float | None = None
) -> None:
    """Print one figure, aligned with the others, and beside it what it should be and whether it is."""
    target = ""
    if at_least is not None:
        target = f"  at least {at_least:,g}: {'met' if figure >= at_least else 'NOT MET'}"
    if at_most is not None:
        target = f"  at most {at_most:,g}: {'met' if figure <= at_most else 'NOT MET'}"
    print(f"{what:66} {figure:12,.1f} {unit}{target}", flush=True)


def descendants(pid: int) -> list[int]:
    """Return a process and all below it that live now (Linux only)."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        try:
            waiting += map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
        except OSError:  # it ended meanwhile
            continue
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Add up the processor time that processes, and those of their children that ended, took so far."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return ticks / TICKS


def peak_memory_mib(pid: int) -> float:
    """Return the most memory that a process had resident so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024
