"""Install a tap into a virtual environment of its own. Only the operator's command does this, never a web request.

Everything is made in a folder beside the final one, tried, and renamed into place: a half installation is never taken
for a whole one. pip and the tap get a clean environment: nothing of the product's settings is in it.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from integrations.sources.source_types import SourceType
from integrations.sources.taps import PASSED_ON, tap_environment

PARTIAL = ".partial-"
INSTALL_SECONDS = 30 * 60
ANSWER_SECONDS = 120
MAX_TOLD = 4_000  # characters of what a program said before it failed

Tell = Callable[[str], None]


class InstallFailed(Exception):
    """The tap was not installed, and nothing of it is left; the message says why."""


class InUse(Exception):
    """A tap of this version is running."""


def install(source_type: SourceType, *, python: str = sys.executable, tell: Tell = lambda line: None) -> bool:
    """Install the declared version of the tap; return False if it is there already. Raises InstallFailed."""
    with only_one():
        if source_type.is_installed:
            return False
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=root()))
        partial.chmod(0o755)
        try:
            fill(partial, source_type, python, tell)
            remove_tree(source_type.folder)  # without its program: a folder that somebody made by hand
            partial.rename(source_type.folder)
            sync_folder(root())
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return True


def fill(folder: Path, source_type: SourceType, python: str, tell: Tell) -> None:
    """Make the environment in `folder`, and see that the tap answers there."""
    tell(f"Making an environment for {source_type.package} {source_type.version} …")
    own = str(folder / "bin" / "python")
    borrowed = (
        importlib.util.find_spec("pip") is not None
    )  # the product's pip serves the tap's environment, too
    make = [python, "-I", "-m", "venv", *(["--without-pip"] if borrowed else []), str(folder)]
    run(make, "The environment could not be made")
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{line}\n" for line in source_type.constraints))
    tell("Installing …")
    pip = [sys.executable, "-I", "-m", "pip", "--python", own] if borrowed else [own, "-I", "-m", "pip"]
    pip += [
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--constraint",
        str(constraints),
    ]
    run([*pip, f"{source_type.package}=={source_type.version}"], "pip could not install the tap")
    program = folder / "bin" / source_type.executable
    if not program.exists():
        found = ", ".join(sorted(path.name for path in program.parent.glob("tap*"))) or "none"
        raise InstallFailed(
            f"The package {source_type.package} has no program {source_type.executable}. Programs of that kind in it: "
            f"{found}. Correct tap.executable in the declaration."
        )
    tell("Asking the tap for its help …")
    run(
        [own, str(program), "--help"],
        f"{source_type.executable} does not answer",
        environment=tap_environment(source_type),
        seconds=ANSWER_SECONDS,
    )


def run(
    command: list[str],
    failed: str,
    *,
    environment: dict[str, str] | None = None,
    seconds: int = INSTALL_SECONDS,
) -> None:
    """Run a program in an empty folder. Raises InstallFailed with the end of what it said."""
    with tempfile.TemporaryDirectory(prefix="install-source-") as folder:
        try:
            done = subprocess.run(  # noqa: S603
                command,
                cwd=folder,
                env=pip_environment() if environment is None else environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InstallFailed(f"{failed}: it did not end within {seconds} seconds.") from error
        except OSError as error:
            raise InstallFailed(f"{failed}: {command[0]}: {error.strerror}.") from error
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()[-MAX_TOLD:]
        raise InstallFailed(f"{failed} (status {done.returncode}):\n{said}")


def pip_environment() -> dict[str, str]:
    """Return what pip may know: where the operator's package index is, and how to reach it."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PIP_")}
    return kept | {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/nonexistent"),  # pip.conf
        "LANG": "C.UTF-8",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def installed_versions(source_type: SourceType) -> list[Path]:
    """Return the folders of all versions of the tap, by name."""
    prefix = f"{source_type.tap}-"
    others = {path.name for path in root().iterdir() if path.is_dir() and path.name.startswith(prefix)}
    return [root() / name for name in sorted(others) if name.removeprefix(prefix)[:1].isdigit()]


def remove(folder: Path) -> None:
    """Remove one installed version. Raises InUse while it runs."""
    with only_one():
        if is_running(folder):
            raise InUse(f"{folder} is running. Try again when its extractions have ended.")
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder so that no half of it keeps the name."""
    if not folder.exists():
        return
    aside = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=root()))
    folder.rename(aside / folder.name)
    shutil.rmtree(aside, ignore_errors=True)


def is_running(folder: Path) -> bool:
    """Tell whether a process of this machine was started from the folder (where the system tells, on Linux)."""
    begins = os.fsencode(f"{folder}{os.sep}")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(begins):
                return True
        except OSError:  # it ended meanwhile, or is another user's
            continue
    return False


def root() -> Path:
    """Return the folder of all taps; it is there."""
    folder = Path(settings.TAPS_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one() -> Iterator[None]:
    """Let one command at a time change the folder, and clear what a killed one left."""
    with (root() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in root().glob(f"{PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
