"""A Python with the product loaded, for what tests ask of its data and do to it: one start for many questions."""

import json
import subprocess
import sys

from tests.prepared import ROOT

PROGRAM = """
import contextlib, io, json, sys, traceback
import django
django.setup()
from django.db import connections
for line in sys.stdin:
    printed, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(printed):
            exec(json.loads(line), {})
    except Exception:
        error = traceback.format_exc()
    connections.close_all()
    print(json.dumps([printed.getvalue(), error]), flush=True)
"""


class Console:
    """It starts with the first question and ends with `end`; `environment` is that of the product."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.process: subprocess.Popen | None = None

    def ask(self, code: str) -> str:
        """Run Python code; return what it prints. Raises RuntimeError with the traceback when it fails."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the console ended")
        printed, error = json.loads(answer)
        if error:
            raise RuntimeError(error)
        return printed

    def end(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(30)
            self.process = None
