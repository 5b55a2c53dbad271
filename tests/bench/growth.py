"""The same load into more tables, and into tables with more rows: how far throughput falls, and memory grows.

Updates touch rows anywhere in the table; new keys follow the last one. 100 million rows are simulated by where the
keys lie: 10 million are scattered over a range ten times as wide, and every new key lies between two of them, so that
each record touches another place. BENCH_MILLIONS=1,10,100 makes them all, and takes its time.
"""

import os

from tests.bench.measuring import report
from tests.bench.ours import DESTINATIONS, Ours, running, scaled

RECORDS = 200_000
TABLES = (1, 10, 100)
MILLIONS = [int(number) for number in os.environ.get("BENCH_MILLIONS", "1,10").split(",")]
SPREAD = 10  # between two stored keys
MILLION = 1_000_000
HALF = 0.5
COLUMNS = (
    "id, customer_id, email, status, amount, paid, created_at, address__city, "
    "_sdc_sequence, _sdc_table_version, _sdc_batched_at, _sdc_received_at"
)
VALUES = (
    "i, i % 100000, 'customer.' || (i % 100000) || '@example.com', 'placed', i / 100.0, true, "
    "TIMESTAMPTZ '2024-01-01 00:00:00+00', 'Lyon', 1, 0, TIMESTAMPTZ '2024-01-01 00:00:00+00', "
    "TIMESTAMPTZ '2024-01-01 00:00:00+00'"
)
SERIES = {
    "DuckDB": "range({first}, {end}, {step}) AS s (i)",
    "PostgreSQL": "generate_series({first}, {end} - 1, {step}) AS s (i)",
}


def main() -> None:
    """Measure each destination."""
    for destination in DESTINATIONS:
        with running(destination) as ours:
            tables(destination, ours)
        with running(destination) as ours:
            rows(destination, ours)


def tables(destination: str, ours: Ours) -> None:
    """Load as many records into 1, 10 and 100 tables."""
    before = None
    for number, count in enumerate(TABLES):
        ours.load(scaled(count * 1000), tables=count, seed=10 + number)  # the tables are there
        before = compared(
            f"{destination}, {count} table{'s' if count > 1 else ''}",
            ours,
            before,
            tables=count,
            seed=20 + number,
        )
    memory(destination, ours)


def rows(destination: str, ours: Ours) -> None:
    """Load as many records into a table of ever more rows."""
    ours.load(scaled(1000), seed=30)  # makes the table
    stored, before = 0, None
    for number, millions in enumerate(MILLIONS):
        end = scaled(millions * MILLION) * SPREAD
        series = SERIES[destination].format(first=stored, end=end, step=SPREAD)
        ours.run(f"DELETE FROM {table(ours)} WHERE id >= {stored}")  # what was measured before
        ours.run(f"INSERT INTO {table(ours)} ({COLUMNS}) SELECT {VALUES} FROM {series}")
        if ours.server is not None:
            ours.run(f"ANALYZE {table(ours)}")
        stored = end
        what = f"{destination}, {end // SPREAD:,} rows"
        before = compared(what, ours, before, stored=(0, end, SPREAD), seed=40 + number)
    if 100 not in MILLIONS:
        what = f"{destination}, {10 * stored // SPREAD:,} rows (simulated)"
        compared(what, ours, before, stored=(0, stored, SPREAD), between=True, seed=50)
    memory(destination, ours)


def compared(what: str, ours: Ours, before: float | None, **how) -> float:
    """Report a throughput beside the one of a tenth; return it."""
    loaded = ours.load(scaled(RECORDS), **how)
    report(what, loaded.per_second, "records/s")
    report(f"{what}: by CPU time", loaded.per_cpu_second, "records/CPU s")
    if before is not None:
        report(f"{what}: of a tenth's throughput", loaded.per_second / before, "times", at_least=HALF)
    return loaded.per_second


def memory(destination: str, ours: Ours) -> None:
    most = {"web worker": 150, "loader": 350}
    for name, mebibytes in ours.memory().items():
        report(
            f"{destination}, after all that: memory of the {name}, peak", mebibytes, "MiB", at_most=most[name]
        )


def table(ours: Ours) -> str:
    return f'"{ours.product.access["schema"]}".orders'


if __name__ == "__main__":
    main()
