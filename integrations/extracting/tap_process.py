"""Start a tap under its keeper, read what it writes, and end it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from django.conf import settings

from integrations.extracting import keeper
from integrations.extracting.folders import WorkingFolder, end_processes_of
from integrations.extracting.job_log import JobLog

KEEPER = Path(keeper.__file__)
PIPE_BYTES = 1024 * 1024
READ_BYTES = 256 * 1024
LOG_BYTES_A_SECOND = 512 * 1024  # a tap that says more is slowed down: it waits for its own standard error
LOG_READ_BYTES = 64 * 1024
GRACE_SECONDS = 5.0
NICENESS = 10
MOST_PROCESSES = 64
ADDRESS_FACTOR = 4  # what is reserved and never used counts as well: engines reserve a lot
ADDRESS_SPARE = 2 * 1024**3
REPORT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a tap ended: its exit status, negative for a signal, and why the keeper ended it, if it did."""

    status: int
    reason: str  # ended, terminated, memory, processes, disk, abandoned, keeper

    @property
    def words(self) -> str:
        """What a person is told when the tap said nothing itself."""
        match self.reason:
            case "memory":
                return (
                    f"The tap used more than {megabytes(settings.TAP_MEMORY_BYTES)} of memory and was ended."
                )
            case "disk":
                return f"The tap wrote more than {megabytes(settings.TAP_DISK_BYTES)} of files and was ended."
            case "processes":
                return f"The tap started more than {MOST_PROCESSES} processes and was ended."
            case "keeper":
                return "The tap was ended from outside, and its keeper with it."
        if self.status < 0:
            return f"The tap was ended by signal {-self.status}."
        return f"The tap ended with status {self.status} and said nothing about it."


def megabytes(size: int) -> str:
    return f"{size // 1024**2} MB"


class TapProcess:
    """One running tap. Used as a context: nothing of it is left afterwards."""

    def __init__(
        self, command: list[str], *, environment: dict[str, str], folder: WorkingFolder, log: JobLog
    ) -> None:
        self.log = log
        self.folder = folder
        report_in, report_out = os.pipe2(os.O_CLOEXEC)
        plan = {
            "command": command,
            "folder": str(folder.path),
            "report": report_out,
            "lock": folder.lock,
            "nice": NICENESS,
            "grace_seconds": GRACE_SECONDS,
            "memory_bytes": settings.TAP_MEMORY_BYTES,
            "address_bytes": settings.TAP_MEMORY_BYTES * ADDRESS_FACTOR + ADDRESS_SPARE,
            "disk_bytes": settings.TAP_DISK_BYTES,
            "processes": MOST_PROCESSES,
        }
        home = {"HOME": str(folder.path), "TMPDIR": str(folder.path / "tmp")}
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own keeper, an operator's tap
                [sys.executable, "-I", "-S", "-B", str(KEEPER), json.dumps(plan)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment | home,
                pass_fds=(report_out, folder.lock),
                start_new_session=True,
                cwd="/",
            )
        except BaseException:
            os.close(report_in)
            raise
        finally:
            os.close(report_out)
        self.report = report_in
        assert self.process.stdout is not None  # noqa: S101 - they are pipes
        assert self.process.stdin is not None  # noqa: S101
        self.output = self.process.stdout.fileno()
        self.lifeline = self.process.stdin
        widen(self.output)
        self.is_told_to_end = False
        self.at_end = False
        self.listener = threading.Thread(target=self._listen, name="tap log", daemon=True)
        self.listener.start()

    def __enter__(self) -> TapProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(keeper.DONE)
        self.lifeline.close()  # the keeper ends every process of it and goes
        if self.process.wait() != 0:  # somebody killed the keeper, and it could end nothing
            end_processes_of(self.folder.path)
        self.listener.join()
        assert self.process.stdout is not None and self.process.stderr is not None  # noqa: S101
        self.process.stdout.close()
        self.process.stderr.close()
        os.close(self.report)

    def read(self, seconds: float) -> bytes | None:
        """Return the next piece of its output; None when nothing came in so many seconds, empty at its end."""
        if self.at_end:
            return b""
        if not select.select([self.output], [], [], seconds)[0]:
            if self.process.poll() is None:
                return None
            end_processes_of(self.folder.path)  # they would hold the output open without end
        piece = os.read(self.output, READ_BYTES)
        self.at_end = not piece
        return piece

    def terminate(self) -> None:
        """Ask it to end; it is killed after a grace. What it wrote before can still be read."""
        if not self.is_told_to_end:
            self.is_told_to_end = True
            self._tell(keeper.TERMINATE)

    def ending(self) -> Ending:
        """Return how it ended; what is still to be read does not count any more."""
        give_up = time.monotonic() + GRACE_SECONDS + REPORT_SECONDS
        told = b""
        while time.monotonic() < give_up and not told.endswith(b"\n"):
            if select.select([self.report], [], [], 0.1)[0]:
                piece = os.read(self.report, 4096)
                if not piece:
                    break
                told += piece
            elif self.at_end is False:
                self.read(0)
        try:
            content = json.loads(told)
        except ValueError:  # the keeper itself was killed, and the tap with it
            return Ending(-9, "keeper")
        return Ending(content["status"], content["reason"])

    def _tell(self, word: bytes) -> None:
        try:
            os.write(self.lifeline.fileno(), word)
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise

    def _listen(self) -> None:
        """Write its standard error to the log, line by line, and no faster than a log is worth."""
        assert self.process.stderr is not None  # noqa: S101
        descriptor = self.process.stderr.fileno()
        rest = b""
        began, taken = time.monotonic(), 0
        while piece := os.read(descriptor, LOG_READ_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._log(line)
            if len(rest) > LOG_READ_BYTES:  # no end of a line in sight
                rest = self._log_beginning(rest)
            taken += len(piece)
            ahead = taken / LOG_BYTES_A_SECOND - (time.monotonic() - began)
            if ahead > 1.0:
                time.sleep(min(ahead - 1.0, 0.2))
            elif ahead < 0:
                began, taken = time.monotonic(), 0
        if rest:
            self._log(rest)

    def _log_beginning(self, line: bytes) -> bytes:
        """Log a line that goes on, and return what of it comes later: a secret could begin there."""
        text = self.log.masking.clean(line.decode("utf-8", "replace"))
        held_back = self.log.masking.longest
        self.log.tap_line(text[: len(text) - held_back])
        return text[len(text) - held_back :].encode("utf-8", "replace")

    def _log(self, line: bytes) -> None:
        if line.strip():
            self.log.tap_line(line.decode("utf-8", "replace").rstrip("\r"))


def widen(descriptor: int) -> None:
    """Give a pipe room for more than a few records, where the system allows it."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (OSError, AttributeError):
        return
