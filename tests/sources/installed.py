"""Real taps, installed once for all runs of the tests on this machine by the operator's own command.

They are kept outside the checkout, because a fresh one would install them anew each time.
"""

import os
import sys
from pathlib import Path

import pytest

from integrations.sources.installing import InstallFailed, install
from integrations.sources.source_types import SourceType

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stitchapp" / f"taps-{VERSION}"
NO_INDEX = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "NewConnectionError",
    "ConnectTimeout",
    "Network is unreachable",
    "Connection refused",
)


def require_installed(source_type: SourceType) -> SourceType:
    """Install the type's tap unless it is there; skip the test when no package index can be reached."""
    try:
        install(source_type)
    except InstallFailed as error:
        if any(words in str(error) for words in NO_INDEX):
            pytest.skip(f"{source_type.package} is not installed, and the package index cannot be reached")
        raise
    return source_type
