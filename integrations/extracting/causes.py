"""What a source's driver says when a tap cannot connect, and what a person can do about it.

A tap that cannot connect ends in a traceback; its last line is seldom the one that says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

RAISED = re.compile(
    r"(?:sqlalchemy\.exc\.\w+: )?\(?(?:psycopg2?|pymysql|MySQLdb|mysql)(?:\.\w+)*"
    r"(?:Error|Exception)\)?:? (?P<words>.+)"
)
NUMBERED = re.compile(r"\((?P<number>\d+), (?P<quote>[\"'])(?P<words>.*)(?P=quote)\)")  # as PyMySQL has it
REFUSED_HOST = re.compile(r".*on '(?P<host>[^']*)' \((?:\[Errno -?\d+\] )?(?P<words>[^)]*)\)")
ADVICE = (  # the first that fits is told
    (
        (
            "authentication failed",
            "access denied",
            "no password supplied",
            "invalid password",
            "unauthorized",
        ),
        "The source refused the credentials. Check the user name, the password or the key, and its permissions.",
    ),
    (
        ("no pg_hba.conf entry", "is not allowed to connect"),
        "The server admits nobody from here with these settings. Allow this user, database and this server's address "
        "there, and check whether it wants SSL.",
    ),
    (
        ("could not translate host name", "name or service not known", "unknown host", "getaddrinfo"),
        "No server has this hostname. Check its spelling.",
    ),
    (
        ("connection refused",),
        "Check that the hostname and port are correct, that the source is running, and that it accepts connections "
        "from this server.",
    ),
    (
        ("timed out", "timeout", "no route to host", "network is unreachable"),
        "The source did not answer. Check the hostname and port, and whether a firewall keeps this server out.",
    ),
    (
        ("ssl", "certificate", "tls"),
        "Check whether the source speaks SSL, and its certificate.",
    ),
    (
        ("does not exist", "unknown database", "no such file", "not found", "404"),
        "What the connection names is not there. Check the name of the database, folder or address.",
    ),
    (
        ("401", "403"),
        "The source refused the credentials. Check the user name, the password or the key, and its permissions.",
    ),
)


def plain_cause(lines: Sequence[str]) -> str:
    """Return what the driver says at the end of a tap's traceback, with advice; nothing where no driver speaks."""
    for line in reversed(lines):
        raised = RAISED.match(line.strip())
        if raised is not None:
            words = plain_words(raised["words"])
            return f"{words}. {advice_on(words)}".strip()
    return ""


def plain_words(words: str) -> str:
    """Return a driver's message without numbers, and without the address that was typed in the form anyway."""
    numbered = NUMBERED.match(words)
    if numbered is not None:
        words = numbered["words"]
        named = REFUSED_HOST.fullmatch(words)
        if named is not None:
            words = f"{named['host']}: {named['words']}"
    if words.startswith("connection to server"):
        words = words.rpartition(" failed: ")[2]
    return " ".join(words.removeprefix("FATAL:").split()).rstrip(".")


def advice_on(message: str) -> str:
    """Return what a person can do about a failure, by what taps and databases write; nothing if that says nothing."""
    lowered = message.casefold()
    return next((text for signs, text in ADVICE if any(sign in lowered for sign in signs)), "")
