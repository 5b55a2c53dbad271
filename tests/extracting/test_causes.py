"""A failed connection is told in the driver's words and with what to do, not in a traceback's last line."""

import pytest

from integrations.extracting.causes import plain_cause

SQLALCHEMY = "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) "
PYMYSQL = "pymysql.err.OperationalError: "
AT = 'connection to server at "db.acme.example" (203.0.113.7), port 5432 failed: '
CREDENTIALS = (
    "The source refused the credentials. Check the user name, the password or the key, and its permissions."
)
NO_HOST = "No server has this hostname. Check its spelling."
NOT_LISTENING = (
    "Check that the hostname and port are correct, that the source is running, and that it accepts connections from "
    "this server."
)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            f'{SQLALCHEMY}{AT}FATAL:  password authentication failed for user "shop"',
            f'password authentication failed for user "shop". {CREDENTIALS}',
        ),
        (
            f'{SQLALCHEMY}could not translate host name "nowhere" to address: Name or service not known',
            f'could not translate host name "nowhere" to address: Name or service not known. {NO_HOST}',
        ),
        (f"{SQLALCHEMY}{AT}Connection refused", f"Connection refused. {NOT_LISTENING}"),
        (
            f'psycopg2.OperationalError: {AT}FATAL:  database "lake" does not exist',
            'database "lake" does not exist. What the connection names is not there. Check the name of the database, '
            "folder or address.",
        ),
        (
            f"{SQLALCHEMY}{AT}server does not support SSL, but SSL was required",
            "server does not support SSL, but SSL was required. Check whether the source speaks SSL, and its "
            "certificate.",
        ),
        (
            f"{PYMYSQL}(1045, \"Access denied for user 'shop'@'203.0.113.9' (using password: YES)\")",
            f"Access denied for user 'shop'@'203.0.113.9' (using password: YES). {CREDENTIALS}",
        ),
        (
            f"{PYMYSQL}(2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")",
            f"db: Connection refused. {NOT_LISTENING}",
        ),
        (f"{SQLALCHEMY}something new.", "something new."),
    ],
)
def test_the_drivers_words_are_found_in_a_traceback(line, told):
    lines = ["Traceback (most recent call last):", "    conn = _connect(dsn)", line]
    lines += ["\tIs the server running on that host and accepting TCP/IP connections?"]
    lines += ["(Background on this error at: https://sqlalche.me/e/20/e3q8)"]
    assert plain_cause(lines) == told


def test_where_no_driver_speaks_nothing_is_made_up():
    assert plain_cause(["Traceback (most recent call last):", "KeyError: 'orders'"]) == ""
