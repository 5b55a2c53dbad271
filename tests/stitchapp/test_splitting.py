"""What the programs of `manage.py run` have in common is loaded before they part (promise O1)."""

import json
import subprocess
import sys

from tests.server import ROOT, environment

PROGRAM = """
import json, os, sys, threading, warnings
warnings.simplefilter("error", ResourceWarning)
from stitchapp.splitting import load_application
before = len(os.listdir("/proc/self/fd"))
load_application(["load_batches", "run_jobs"])
from django.conf import settings
from django.db import connections
print(json.dumps({
    "threads": len(os.listdir("/proc/self/task")),
    "files": len(os.listdir("/proc/self/fd")) - before,
    "databases": [one.alias for one in connections.all() if one.connection is not None],
    "engine": "duckdb" in sys.modules,
    "commands": [name for name in ("integrations.queue.working", "accounts.services.workers") if name in sys.modules],
}))
"""


def test_what_is_loaded_before_the_programs_part_bears_parting(tmp_path):
    (tmp_path / "static").mkdir()
    loaded = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(loaded.stdout) == {
        "threads": 1,
        "files": 0,
        "databases": [],
        "engine": False,
        "commands": ["integrations.queue.working", "accounts.services.workers"],
    }
