"""Virtual environments of public clients and loaders, unmodified, apart from the product's own.

They are made once, from lock files, under `.cache/clients/`.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

CLIENTS = Path(__file__).parent
CACHE = CLIENTS.parents[1] / ".cache" / "clients"


def client_environment(name: str) -> Path:
    """Return the `bin` folder of the environment that `<name>.lock` describes; make it when it is not there."""
    lock_file = CLIENTS / f"{name}.lock"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(lock_file.read_bytes() + version.encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder)
            pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
            what = ["--no-compile", "--require-hashes", "-r", lock_file]
            subprocess.run([*pip, "install", "--quiet", *what], check=True)
            (folder / "complete").touch()
    return folder / "bin"
