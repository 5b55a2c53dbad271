"""Install what only the system's package manager has, where it may be used (decision D12)."""

import os
import shutil
import subprocess


def install_package(name: str, *, purpose: str) -> None:
    """Install Debian's package; do nothing where there is no apt-get. Whether it helped is for the caller to see."""
    if not shutil.which("apt-get"):
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    print(f"Installing {purpose} …", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run([*prefix, "apt-get", "-qq", "update"], check=False, **quiet)
    subprocess.run([*prefix, "apt-get", "-qq", "-y", "install", name], check=False, **quiet)
