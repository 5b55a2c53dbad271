"""I15: every answer of `/v4/sources`, byte for byte, from the rows of tests/contracts/connect_sources.json.

`<shop>`, `<full>`, … stand for the ids of objects; `<time>`, `<number>` and `<secret>` for what only the server
knows.
"""

import json
import re
from pathlib import Path

import pytest

CONTRACT = Path(__file__).resolve().parents[2] / "contracts" / "connect_sources.json"
ROWS = json.loads(CONTRACT.read_text(encoding="utf-8"))
UNKNOWN_BEFORE = {
    "<time>": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "<number>": r"\d+",
    "<secret>": r"at_stitch[0-9A-Za-z]{46}",
}


SPELLINGS = [
    pytest.param(row, slash, id=row["id"] + (" (slash)" if slash else ""))
    for row in ROWS
    for slash in ("", "/")
    if not (slash and row["path"].endswith((".json", "/")))
]


@pytest.mark.parametrize(("row", "slash"), SPELLINGS)
def test_I15_documented_answer(row, slash, objects, call):
    """I15, T-02, T-04, T-31, K-01."""
    path = with_ids(row["path"], objects)
    raw = row.get("raw", json.dumps(row["body"]) if "body" in row else "")
    response = call(row["method"], path + slash, raw=with_ids(raw, objects))
    assert response.status_code == row["status"]
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-Id"])
    assert "Set-Cookie" not in response
    assert "Cookie" not in response.get("Vary", "")
    body = response.content.decode()
    assert re.fullmatch(pattern(with_ids(row["response"], objects)), body), body


def with_ids(text, objects):
    text = re.sub(r'"<<(\w+)>>"', r"<\1>", text)
    for name, pk in objects.items():
        text = text.replace(f"<{name}>", str(pk))
    return text


def pattern(text):
    text = re.escape(text)
    for name, expression in UNKNOWN_BEFORE.items():
        text = text.replace(re.escape(name), expression)
    return text
