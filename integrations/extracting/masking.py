"""Keep credentials out of what a tap says: their values, as they are and as programs write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
LEAST_LINE = 8  # characters of a line of a secret with several, such as a key


class Masking:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            lines = [line for line in secret.splitlines() if len(line) >= LEAST_LINE]
            for part in {secret, secret.strip(), *lines}:
                if part:
                    forms |= {
                        part,
                        quote(part, safe=""),
                        quote_plus(part),
                        json.dumps(part)[1:-1],
                        repr(part)[1:-1],
                    }
        longest_first = sorted(forms, key=len, reverse=True)
        self.longest = len(longest_first[0]) if longest_first else 0
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def clean(self, text: str) -> str:
        """Return the text without any secret."""
        return self.pattern.sub(MASK, text) if self.pattern is not None else text
