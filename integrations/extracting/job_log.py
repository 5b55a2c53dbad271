"""Write a job's raw log, a line at a time, in the form that clients read (connect-api.md 3.14, 5.5)."""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from integrations.extracting.masking import Masking

LEVELS = {"DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL"}
LONGEST_LINE = 16 * 1024
LEVEL = re.compile(
    r"(?:.*?[\s:\-|\[])?(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)\b[\]:|\s\-]*\s?(.*)", re.DOTALL
)
AT_THE_FRONT = 80  # a level further back is a word of the message
SAID_KEPT = 40
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


class JobLog:
    """One job's log file. Several threads may write; what comes after the cap is counted, and told at the end."""

    def __init__(self, path: Path, *, masking: Masking, most_bytes: int) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.masking = masking
        self.most_bytes = most_bytes
        self.lock = threading.Lock()
        self.written = os.fstat(self.file).st_size
        self.left_out = 0
        self.critical: list[str] = []
        self.said: deque[tuple[str, str]] = deque(maxlen=SAID_KEPT)  # the latest of the tap, level and text

    def main(self, text: str, level: str = "INFO") -> None:
        """Write what the product itself has to say."""
        self._write("main", f"{level} {self.tidy(text)}", always=True)

    def tap(self, text: str, level: str = "INFO") -> None:
        """Write a line in the tap's name."""
        self._write("tap", f"{level} {self.tidy(text)}", always=True)

    def target(self, text: str, level: str = "INFO") -> None:
        """Write a line about handing over."""
        self._write("target", f"{level} {self.tidy(text)}", always=True)

    def tap_line(self, raw: str) -> None:
        """Write what the tap said on its standard error; a line of a traceback has no level."""
        text = self.tidy(raw)
        level, message = split_level(text)
        with self.lock:
            self.said.append((level, message))
            if level == "CRITICAL" and message:
                self.critical.append(message)
                del self.critical[:-SAID_KEPT]
        self._write("tap", f"{level} {message}" if level else text)

    def tidy(self, text: str) -> str:
        """Return a text fit for one line: without secrets, without control characters, not too long."""
        clean = CONTROLS.sub("\N{REPLACEMENT CHARACTER}", self.masking.clean(text)).replace("\n", " ")
        if len(clean) > LONGEST_LINE:
            clean = f"{clean[: LONGEST_LINE - self.masking.longest]}… ({len(clean)} characters)"
        return clean

    def close(self) -> int:
        """Tell what was left out, and return the size of the whole log."""
        with self.lock:
            if self.file >= 0:
                os.close(self.file)
                self.file = -1
            return self.written

    def tell_cut(self) -> None:
        """Say how much was left out, if anything was."""
        if self.left_out:
            self.main(
                f"The log was cut at {self.most_bytes} bytes; {self.left_out} further lines of the tap were left out.",
                "WARNING",
            )

    def _write(self, location: str, text: str, *, always: bool = False) -> None:
        now = datetime.now(UTC)
        stamp = f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d}Z"
        line = f"{stamp} {location:>6} - {text}\n".encode("utf-8", "replace")
        with self.lock:
            if not always and self.written + len(line) > self.most_bytes:
                self.left_out += 1
                return
            if self.file >= 0:
                os.write(self.file, line)
                self.written += len(line)


def split_level(text: str) -> tuple[str, str]:
    """Return a line's level and its message; no level for what is not a line of a logger."""
    front = LEVEL.fullmatch(text)
    if front is None or front.start(1) > AT_THE_FRONT or text[:1].isspace():
        return "", text
    level = "WARNING" if front[1] == "WARN" else front[1]
    before = text[: front.start(1)]
    if before.strip() and not re.fullmatch(r"[\d\-:.,TZ+/\s\[\]()|<>{}=A-Za-z_]*", before):
        return "", text
    if before.strip() and not re.search(r"\d{2}:\d{2}|name=|level=|^\[", before):
        return "", text  # a sentence in which the word stands
    return level, front[2]
