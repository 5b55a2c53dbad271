"""Find the system's Chromium, or install it where the system's package manager may be used (decision D12)."""

import os
import shutil
import sys
from pathlib import Path

from tests.system_packages import install_package

HEADLESS = "chromium-headless-shell"  # Debian's build without windows: pages take two thirds of the time
NAMES = (HEADLESS, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# The browser is a test tool here: it asks nothing of the network and keeps nothing.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
if hasattr(os, "geteuid") and os.geteuid() == 0:
    ARGUMENTS.append("--no-sandbox")  # Chromium refuses its sandbox to root


def find_chromium() -> str | None:
    """Return the path of a Chromium on this system; CHROMIUM names one that lies elsewhere."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), MAC]
    return next((path for path in candidates if path and Path(path).exists()), None)


def find_or_install_chromium() -> str:
    """Return the path of Chromium; install one of Debian's packages first where that is possible."""
    if path := find_chromium():
        return path
    for package in (HEADLESS, "chromium"):
        install_package(package, purpose="Chromium for the browser tests")
        if path := find_chromium():
            return path
    sys.exit(
        "The browser tests need Chromium: install it with your package manager, or set CHROMIUM to its path."
    )
