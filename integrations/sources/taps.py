"""How a tap is started: which program, and with which environment. Nothing of the product's own is in it."""

from __future__ import annotations

import os

from integrations.sources.source_types import SourceType

# What a program needs to reach the network as the operator set it up; no secret of the product is among them.
PASSED_ON = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)


def tap_command(source_type: SourceType) -> list[str]:
    """Return the program and its first arguments; the caller adds `--config` and so on.

    A tap's own environment starts by its interpreter: the path that pip wrote into the program is the one under
    which it was installed, and the folder may have moved since (a backup restored elsewhere).
    """
    if source_type.program:
        return list(source_type.program)
    programs = source_type.folder / "bin"
    return [str(programs / "python"), str(programs / source_type.executable)]


def tap_environment(source_type: SourceType) -> dict[str, str]:
    """Return all that the tap's environment holds. The caller points HOME and TMPDIR to a folder of the job's own."""
    return {
        "PATH": os.pathsep.join(
            [
                *([] if source_type.program else [str(source_type.folder / "bin")]),
                "/usr/local/bin:/usr/bin:/bin",
            ]
        ),
        "HOME": "/nonexistent",  # no passwords or settings that lie in the home of whoever runs the server
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **source_type.environment,
    }
