"""Runs in dlt's own environment: load records, one JSON object a line, into a DuckDB file, merged by their key."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import dlt


def main(records: Path, database: Path, key: str, rows_each: int) -> None:
    """Load as its documentation recommends for speed: lists of rows, Parquet files, typed columns from the data."""

    def rows() -> Iterator[list[dict]]:
        gathered = []
        with records.open(encoding="utf-8") as lines:
            for line in lines:
                gathered.append(json.loads(line))
                if len(gathered) == rows_each:
                    yield gathered
                    gathered = []
        if gathered:
            yield gathered

    pipeline = dlt.pipeline(
        "orders",
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="shop",
        pipelines_dir=str(database.parent),
    )
    resource = dlt.resource(
        rows,
        name="orders",
        primary_key=key,
        write_disposition="merge",
        columns={
            "created_at": {"data_type": "timestamp"},
            "updated_at": {"data_type": "timestamp"},
        },
    )
    pipeline.run(resource, loader_file_format="parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
