"""HTTP to rows in the warehouse: CPU time, flat out, how soon rows are visible, and the memory it takes."""

from tests.bench.measuring import report
from tests.bench.ours import DESTINATIONS, Loaded, Ours, p95, running, scaled

RECORDS = 300_000
FLAT_OUT = 600_000
PACE, PACED_SECONDS = 20_000, 15
TARGETS = {"DuckDB": (80_000, 120_000), "PostgreSQL": (50_000, 70_000)}  # by CPU second, flat out


def main() -> None:
    """Measure each destination with a product of its own."""
    for destination in DESTINATIONS:
        with running(destination) as ours:
            measure(destination, ours)


def measure(destination: str, ours: Ours) -> None:
    """Load at a pace, then as fast as it goes; what waits meanwhile must not show in the memory."""
    per_cpu_second, flat_out = TARGETS[destination]
    paced = ours.load(scaled(PACE * PACED_SECONDS), pace=PACE)
    report(f"{destination}, 20,000 records/s: visible after, p95", p95(paced.visible_after), "s", at_most=2)
    report(f"{destination}, 20,000 records/s: CPU", sum(paced.cpu.values()) / paced.seconds * 100, "%")
    fast = ours.load(scaled(FLAT_OUT), seed=2)
    report(f"{destination}, flat out", fast.per_second, "records/s", at_least=flat_out)
    report(f"{destination}: HTTP to rows", fast.per_cpu_second, "records/CPU s", at_least=per_cpu_second)
    shares(destination, fast)
    most = {"web worker": 150, "loader": 350}
    for name, mebibytes in ours.memory().items():
        report(f"{destination}: memory of the {name}, peak", mebibytes, "MiB", at_most=most[name])


def shares(destination: str, loaded: Loaded) -> None:
    """Tell which program takes the time."""
    for name, cpu in loaded.cpu.items():
        report(f"{destination}: CPU of {name} for a record", cpu / loaded.records * 1e6, "µs")


if __name__ == "__main__":
    main()
