"""The first thing wrong with a request, told to programs in headers beside the documented body (promise I6)."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from integrations.importapi.jsonschema.failures import Path, pointer

__all__ = ["Fault", "Path"]

MAX_POINTER = 1000  # proxies bound the size of headers
MAX_NUMBER_BITS, MAX_NUMBER_LENGTH = 256, 80


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: a code, where, and the limit that was passed with what was sent instead.

    `path` leads to the value at fault; to what it is missing from when it is missing.
    """

    code: str
    path: Path | None = None
    limit: int | None = None
    actual: int | Decimal | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers that tell it."""
        told = {"X-Error-Code": self.code}
        if self.path is not None:
            told["X-Error-Pointer"] = header_pointer(self.path)
        if self.limit is not None:
            told["X-Error-Limit"] = str(self.limit)
        actual = number_text(self.actual)
        if actual:
            told["X-Error-Actual"] = actual
        return told


def header_pointer(path: Path) -> str:
    """Return a JSON pointer as a URI fragment, so ASCII; of a long one, as many steps as a header carries."""
    for steps in range(len(path), 0, -1):
        plain = pointer(path[:steps])
        if len(plain) <= MAX_POINTER:
            text = "#" + quote(plain[1:], safe="/~", errors="surrogatepass")
            if len(text) <= MAX_POINTER:
                return text
    return "#"


def number_text(number: int | Decimal | None) -> str:
    """Return a number that a sender chose; blank when it is too long to tell."""
    if number is None or (isinstance(number, int) and number.bit_length() > MAX_NUMBER_BITS):
        return ""
    text = str(number)
    return text if len(text) <= MAX_NUMBER_LENGTH else ""
