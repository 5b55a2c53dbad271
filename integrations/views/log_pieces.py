"""What a page shows of a job's log: its newest part, then what is written while somebody looks."""

import re
from dataclasses import dataclass

from integrations.models import Job
from integrations.services.jobs import log_path, read_log

SHOWN_AT_ONCE = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Some whole lines of a log, where the next begin, and how much before them is left out."""

    text: str
    offset: int
    left_out: int
    goes_on: bool


def log_shown(job: Job, offset: str) -> LogPiece:
    """Return the lines from the offset on; without one the newest that a page has room for."""
    asked = int(offset) if re.fullmatch(r"[0-9]{1,18}", offset) else None
    begin = max(size_of(job) - SHOWN_AT_ONCE, 0) if asked is None else asked
    piece = read_log(job, begin)
    if asked is None and begin:  # in the middle of a line
        begun = piece.find(b"\n") + 1
        begin, piece = begin + begun, piece[begun:]
    if job.is_open:  # a line that is still being written comes with the next piece
        piece = piece[: piece.rfind(b"\n") + 1]
    end = begin + len(piece)
    goes_on = job.is_open or (bool(piece) and end < size_of(job))
    return LogPiece(piece.decode(errors="replace"), end, begin if asked is None else 0, goes_on)


def size_of(job: Job) -> int:
    """Return how long the log is now."""
    try:
        return log_path(job).stat().st_size
    except FileNotFoundError:
        return 0
