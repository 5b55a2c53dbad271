"""Run the whole suite: on SQLite with the browser, then what touches a database again on PostgreSQL.

`make test` calls this. Extra words go to pytest: `python -m tests.run -k api_key`.
"""

import os
import subprocess
import sys
import time

from tests.browser import find_or_install_chromium
from tests.postgresql import postgresql_server
from tests.sources.mariadb import find_or_install_mariadb

BOTH_CORES = ["-n", "2", "--dist", "loadscope"]
PARALLEL = ["-m", "not live and not browser"]
DATABASE = ["-m", "django_db and not live and not browser"]
# Processes of their own are started by these: after the others, and by two, as they mostly wait.
PROCESSES = ["-m", "live or browser"]
DATABASE_PROCESSES = ["-m", "live and not either_database"]


def pytest(title: str, *words: str, **environment: str) -> int:
    """Run pytest with its own data folder; return its exit code, an empty selection counting as good."""
    print(f"\n=== {title}", flush=True)
    begun = time.monotonic()
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}  # once, not by every worker and every program it starts
    code = subprocess.call(
        [sys.executable, "-m", "pytest", "-q", *words], env=os.environ | compiled | environment
    )
    print(f"=== {title}: {time.monotonic() - begun:.0f} s", flush=True)
    return 0 if code == 5 else code


def pytest_patiently(title: str, *words: str, **environment: str) -> int:
    """Run tests of processes and pages; what failed gets one second try, alone, said aloud.

    They wait for other programs with generous limits, which a crowded machine can still exceed once.
    """
    code = pytest(title, *BOTH_CORES, *words, **environment)
    return pytest(f"{title}: what failed, once more", "--last-failed", *words, **environment) if code else 0


def main(words: list[str]) -> int:
    """Run all parts, even after a failure; return 0 only if all are good."""
    find_or_install_chromium()
    find_or_install_mariadb()
    codes = [pytest("SQLite", *BOTH_CORES, *PARALLEL, *words)]
    with postgresql_server() as url:
        codes.append(pytest("PostgreSQL", *BOTH_CORES, *DATABASE, *words, DATABASE_URL=url))
        codes.append(pytest_patiently("processes and browser, SQLite", *PROCESSES, *words))
        codes.append(pytest_patiently("processes, PostgreSQL", *DATABASE_PROCESSES, *words, DATABASE_URL=url))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
