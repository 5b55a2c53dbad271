"""I15: every documented answer of the Connect API, byte for byte, from the tables of tests/contracts/connect."""

import re

import pytest

from tests.contracts.connect.states import prepare
from tests.contracts.connect.tables import TABLES

ROWS = [row for table in TABLES for row in table]


def spellings():
    """Yield each row, and one row of each method and path again with a slash at the path's end."""
    seen = set()
    for row in ROWS:
        yield pytest.param(row, "", id=str(row))
        path = row.path.partition("?")[0]
        if (row.method, path) not in seen and not path.endswith((".json", "/")):
            seen.add((row.method, path))
            yield pytest.param(row, "/", id=f"{row} (slash)")


@pytest.mark.parametrize(("row", "slash"), list(spellings()))
def test_I15_documented_answer(row, slash, account, call):
    """I15, T-02, T-04, T-31, K-01."""
    words = prepare(row.state, account)
    path, mark, query = row.request_path(words).partition("?")
    headers = {"Authorization": f"Bearer {call.secret}"} | row.sends
    response = call(row.method, path + slash + mark + query, raw=row.request_body(words), headers=headers)
    body = response.content.decode()
    assert response.status_code == row.status, body
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    assert "Set-Cookie" not in response
    assert "Cookie" not in response.get("Vary", "")
    for name, expression in row.headers.items():
        assert re.fullmatch(expression, response.get(name, "")), (name, response.get(name))
    assert row.expected(words).fullmatch(body), body
    if row.text is None:
        assert response["Content-Type"] == "application/json; charset=utf-8"


def test_every_row_is_told_from_the_others():
    named = [str(row) for row in ROWS]
    assert sorted(named) == sorted(set(named))
