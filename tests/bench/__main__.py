"""Run all measurements, or those that are named."""

import importlib
import sys

MEASUREMENTS = (
    "product",
    "gateway",
    "fairness",
    "pages",
    "account_pages",
    "api",
    "end_to_end",
    "sources",
    "rivals",
    "growth",
    "profile",
)


def main(names: list[str]) -> int:
    """Run the modules of these names, each through its own `main`."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"No such measurement: {', '.join(unknown)}. There are {', '.join(MEASUREMENTS)}.")
        return 2
    for name in names or MEASUREMENTS:
        print(f"--- {name}", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
