"""One request and its answer, byte for byte (promise I15).

Words in angle brackets stand for what a row cannot know. `<shop>`, `<client>` and the like are named by the starting
state; `<time>`, `<number>`, `<secret>` and the others of UNKNOWN_BEFORE are what only the server knows. A text that is
nothing but such a word stands for a number where it is one: `{"id": "<shop>"}` is sent and expected as `{"id":17}`.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
UNKNOWN_BEFORE = {
    "time": r'"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"',
    "number": r"\d+",
    "secret": r'"at_stitch[0-9A-Za-z]{46}"',
    "hook_secret": r'"[a-z]{2}_stitch[0-9A-Za-z]{46}"',
    "check": rf'"\d+\.\d+\.check\.{UUID}"',
    "sync": rf'"\d+\.\d+\.sync\.{UUID}"',
}
NOTHING = object()


@dataclass(frozen=True)
class Row:
    """A request and what the reference says is answered.

    `body` is sent as JSON, `raw` as it is. `answer` is compared as compact JSON in the order of its keys; with
    `text` the answer is that text and no JSON. `sends` are further headers of the request, `headers` those that the
    answer has beside the usual ones, a pattern each.
    """

    case: str
    method: str
    path: str
    status: int = 200
    answer: Any = None
    body: Any = NOTHING
    raw: str | None = None
    text: str | None = None
    sends: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    state: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path} - {self.case}"

    def request_path(self, words: dict[str, object]) -> str:
        """Return where the request is sent."""
        return filled(self.path, words)

    def request_body(self, words: dict[str, object]) -> str:
        """Return what is sent."""
        if self.raw is not None:
            return filled(self.raw, words)
        return "" if self.body is NOTHING else filled(json.dumps(self.body), words)

    def expected(self, words: dict[str, object]) -> re.Pattern[str]:
        """Return the pattern of the exact answer."""
        if self.text is not None:
            return pattern(filled(self.text, words))
        return pattern(filled(json.dumps(self.answer, separators=(",", ":")), words))


def table(state: str, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows that begin in the same state, unless one of them names another."""
    return tuple(row if row.state else replace(row, state=state) for row in rows)


def filled(text: str, words: dict[str, object]) -> str:
    """Put the state's values where their names are; a number that stands alone loses its quotes."""
    for name, value in words.items():
        if isinstance(value, int):
            text = text.replace(f'"<{name}>"', str(value))
        text = text.replace(f"<{name}>", str(value))
    return text


def pattern(text: str) -> re.Pattern[str]:
    """Return what matches the text, with anything fitting where only the server knows."""
    escaped = re.escape(text)
    for name, expression in UNKNOWN_BEFORE.items():
        escaped = escaped.replace(re.escape(f'"<{name}>"'), expression)
        escaped = escaped.replace(re.escape(f"<{name}>"), expression.strip('"'))
    return re.compile(escaped)
