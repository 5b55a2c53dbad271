"""A MariaDB server of the tests' own, from the system's packages, where they are installed."""

import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system_packages import install_package

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")


@dataclass(frozen=True)
class MariaDB:
    """A running server."""

    port: int
    socket_path: str

    def run(self, statements: str) -> None:
        """Run SQL as its superuser."""
        command = [program("mariadb"), "--no-defaults", f"--socket={self.socket_path}", "--user=root"]
        subprocess.run(command, input=statements, text=True, check=True, timeout=60)

    def make_database(self, statements: str) -> dict[str, str]:
        """Make a database with a user of its own, run statements in it, and return how to enter."""
        name, password = f"shop_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        self.run(
            f"CREATE DATABASE {name}; CREATE USER {name}@'%' IDENTIFIED BY '{password}'; "
            f"GRANT SELECT ON {name}.* TO {name}@'%'; USE {name}; {statements}"
        )
        return {
            "host": "127.0.0.1",
            "port": str(self.port),
            "user": name,
            "password": password,
            "dbname": name,
        }


def find_or_install_mariadb() -> None:
    """Bring the server where the system's package manager may; without it, its test says that it was skipped."""
    if not all(map(find_program, PROGRAMS)):
        install_package("mariadb-server", purpose="MariaDB for the test of its tap")


def find_program(name: str) -> str | None:
    return shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")


def program(name: str) -> str:
    found = find_program(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install mariadb-server brings it")
    return found


@contextmanager
def mariadb_server() -> Iterator[MariaDB]:
    """Start a server in a temporary folder, as the present user; stop it and remove the folder afterwards."""
    daemon, make, _ = (program(name) for name in PROGRAMS)
    folder = Path(tempfile.mkdtemp(prefix="stitchapp-mariadb-"))
    try:
        words = ["--no-defaults", f"--datadir={folder / 'data'}", "--user=root"]
        install = [make, *words, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True, timeout=120)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        path = str(folder / "mariadb.sock")
        words += [f"--socket={path}", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        words += ["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([daemon, *words], stdout=log, stderr=log)
        try:
            for _ in range(300):
                if Path(path).exists() or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert process.poll() is None, (folder / "log").read_text()
            yield MariaDB(port, path)
        finally:
            process.terminate()
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
