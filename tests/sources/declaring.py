"""Declare a source type for a test, as an operator does: one file in the server's folder of sources."""

import sys
from pathlib import Path

from integrations.sources.registry import find_source_type
from integrations.sources.source_types import SourceType

TAP = Path(__file__).with_name("synthetic_tap.py")
OPTIONS = (
    "streams",
    "stream_names",
    "rows",
    "columns",
    "keys",
    "method",
    "start",
    "state_every",
    "pace",
    "crash_after",
    "kill_after",
    "hang_after",
    "exit_status",
    "message",
    "check_fails",
    "discovery_hangs",
    "flood",
    "eat_bytes",
    "fill_bytes",
    "fork",
    "ignore_term",
    "lie",
    "wide",
    "tell_password",
)


def synthetic_declaration(name: str = "platform.synthetic", *, capabilities: str = "") -> str:
    """Return the declaration of the tap that makes its rows up; only `password` is required."""
    options = "".join(f'\n[[properties]]\nname = "{option}"\n' for option in OPTIONS)
    return f"""name = "{name}"
label = "Synthetic"
category = "Tests"

[tap]
program = ["{sys.executable}", "{TAP}"]

[capabilities]
{capabilities}

[[properties]]
name = "password"
required = true
credential = true
{options}"""


def declare(text: str, *, name: str, folder: Path) -> SourceType:
    """Put a declaration into the operator's folder and return the type that the registry reads from it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name.rpartition('.')[2]}.toml").write_text(text)
    found = find_source_type(name)
    assert found is not None, f"{name} was not read from {folder}"
    return found


def declare_synthetic(
    folder: Path, name: str = "platform.synthetic", *, capabilities: str = ""
) -> SourceType:
    """Declare the synthetic tap in `folder`, which is the setting SOURCES_DIR."""
    return declare(synthetic_declaration(name, capabilities=capabilities), name=name, folder=folder)
