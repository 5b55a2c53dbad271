"""Paths and methods that the API does not have: 404, never 405 (connect-api.md 1.8, 2.16; I15)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import NOT_FOUND

ABSENT = (
    ("PATCH", "/v4/sources"),
    ("PUT", "/v4/sources"),
    ("DELETE", "/v4/sources"),
    ("POST", "/v4/sources/<shop>"),
    ("PATCH", "/v4/sources/<shop>"),
    ("PUT", "/v4/sources/<shop>/tokens"),
    ("GET", "/v4/sources/<full>/tokens/<token1>"),
    ("POST", "/v4/sources/<full>/tokens/<token1>"),
    ("OPTIONS", "/v4/sources"),
    ("GET", "/v4/nothing"),
    ("GET", "/v4/"),
    ("GET", "/v4"),
    ("POST", "/v4/openapi.json"),
    ("GET", "/v4/sources/<shop>/last-sync"),
    ("GET", "/v4/reports"),
    ("GET", "/v4/<client>/sources"),
)

TABLE = table(
    "sources",
    [Row("no such method or path", method, path, status=404, answer=NOT_FOUND) for method, path in ABSENT],
)
