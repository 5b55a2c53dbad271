"""Text that a person types into one line: a description, a company's name (promise A4)."""

import unicodedata

from accounts.errors import DomainError

# Line and paragraph separators, controls, lone surrogates; and the marks that reverse what follows them.
FORGING_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class LineRefused(DomainError):
    """The text is blank, too long, or could forge a line where it is shown."""

    code, status = "line_refused", 422
    message = "This field is required"


def can_forge(character: str) -> bool:
    """Tell whether a character could begin a line, move the cursor or reverse what follows it."""
    return character in DIRECTION_MARKS or unicodedata.category(character) in FORGING_CATEGORIES


def clean_line(text: str, *, max_length: int = 255) -> str:
    """Return the text without surrounding blanks; raise LineRefused when it cannot stand in one line."""
    line = text.strip()
    if not line:
        raise LineRefused
    if any(map(can_forge, line)):
        raise LineRefused("Use one line of text without control characters.")
    if len(line) > max_length:
        raise LineRefused(f"Use at most {max_length} characters. This text has {len(line):,}.")
    return line
