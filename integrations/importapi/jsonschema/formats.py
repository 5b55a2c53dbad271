"""The string formats that are checked; every other format name is ignored (import-api.md 5.3, 5.6)."""

import ipaddress
import re
from collections.abc import Callable

_DATE_TIME = re.compile(
    r"(?P<year>[0-9]{4})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?|24:00:00(?:\.0{1,9})?)"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-7]):?[0-5][0-9]|18:?00))"
)
_EMAIL = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"[^\"\\\r\n]+\")"
    r"@(?:\[[0-9A-Fa-f:.]+\]|[^\s@]+)"
)
_HOST_LABEL = re.compile(r"(?!-)[^\W_](?:[\w-]*[^\W_])?")
_URI = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?"
    r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\ud800-\udfff])*"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\ud800-\udfff])*)?"
)


def is_date_time(text: str) -> bool:
    """Accept a date and time with its offset, `Z` or `±HH:MM`, and the `±HHMM` of the examples.

    A day 29 to 31 in a shorter month and the hour 24:00:00 are tolerated.
    """
    found = _DATE_TIME.fullmatch(text)
    return found is not None and found["year"] != "0000"


def is_email(text: str) -> bool:
    """Accept a mailbox whose part behind the @ is a host name or a bracketed address."""
    if not _EMAIL.fullmatch(text):
        return False
    domain = text.rpartition("@")[2]
    return domain.startswith("[") or is_hostname(domain)


def is_hostname(text: str) -> bool:
    """Accept dot-separated labels of at most 63 characters, 253 in all; the last is not a number."""
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= 253
        and all(len(label) <= 63 and _HOST_LABEL.fullmatch(label) for label in labels)
        and not labels[-1][0].isdigit()
    )


def is_uri(text: str) -> bool:
    """Accept a URI reference by its characters; it need not name a scheme."""
    return _URI.fullmatch(text) is not None


def is_ipv4(text: str) -> bool:
    """Accept four decimal bytes."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    """Accept an IPv6 address without a zone."""
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


_DATE_TIME_TEXT = "date-time. Expected [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z]"

# format name -> its test, and what the text says the value is not
FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date-time": (is_date_time, _DATE_TIME_TEXT),
    "email": (is_email, "email address"),
    "hostname": (is_hostname, "hostname"),
    "uri": (is_uri, "URI"),
    "ipv4": (is_ipv4, "ipv4 address"),
    "ipv6": (is_ipv6, "ipv6 address"),
}
