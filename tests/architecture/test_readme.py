"""The README's table of settings is what the code reads (decision D14)."""

import re
from pathlib import Path

from stitchapp import env

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+?) \|", README, re.MULTILINE))
# Their default depends on the mode; the table gives production's.
REQUIRED_IN_PRODUCTION = {"SECRET_KEY", "CREDENTIAL_KEY", "ALLOWED_HOSTS", "EMAIL_URL"}
SPELLED_OUT = {
    "DATA_DIR": "`var/`",
    "DATABASE_URL": "SQLite",
    "BIND": "`127.0.0.1:PORT`",
    "SOURCES_DIR": "`DATA_DIR/sources`",
    "TAPS_DIR": "`DATA_DIR/taps`",
}


def test_every_setting_stands_in_the_readme_and_no_other():
    assert set(ROWS) == set(env.READ)


def test_the_defaults_in_the_readme_are_the_codes():
    for name, default in env.READ.items():
        if name in REQUIRED_IN_PRODUCTION:
            assert ROWS[name] == "required"
        elif name in SPELLED_OUT:
            assert ROWS[name] == SPELLED_OUT[name]
        elif str(default) == "":
            assert ROWS[name] == "empty"
        else:
            assert ROWS[name] == f"`{default}`", name
