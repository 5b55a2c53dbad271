"""`/v3/destinations` (connect-api.md 1.2, 2.6; I15)."""

from typing import Any

from tests.contracts.connect.destinations import COMPLETE, EMPTY, GIVEN, bad
from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import NOT_FOUND, STAMP

PATH, STAGED = "/v3/destinations", "/v3/destinations/<staging>"
BODY = "body must be a map with type = redshift, postgres, or snowflake. required-keys = type, connection"
SHOWN = {
    "database": "wh",
    "encryption_type": "none",
    "host": "db.acme.example",
    "port": 5432,
    "ssl": True,
    "username": "loader",
}
RUNNING = {"error": False, "started_at": "<time>", "completed_at": None}


def destination(**different: Any) -> dict[str, Any]:
    return {
        "id": "<staging>",
        "type": "postgres",
        "created_at": STAMP,
        "updated_at": STAMP,
        "connection": SHOWN,
        "last_check": {"error": False, "started_at": STAMP, "completed_at": "2024-03-05T21:00:08Z"},
    } | different


NEW = {"id": "<number>", "created_at": "<time>", "updated_at": "<time>", "last_check": RUNNING}

TABLE = table(
    "destinations",
    [
        Row("the first PostgreSQL one", "GET", PATH, answer=[destination()]),
        Row("none beside the embedded one", "GET", PATH, state="nothing", answer=[]),
        Row(
            "create",
            "POST",
            PATH,
            body={"type": "postgres", "connection": GIVEN},
            state="nothing",
            answer=destination(**NEW),
        ),
        Row(
            "create, its values as texts",
            "POST",
            PATH,
            body={"type": "postgres", "connection": GIVEN | {"port": "5432", "ssl": "true"}},
            state="no_destination",
            answer=destination(**NEW),
        ),
        Row(
            "a second",
            "POST",
            PATH,
            body={"type": "postgres", "connection": GIVEN},
            status=400,
            answer="an account can have at most one destination",
        ),
        Row(
            "at the plan's limit",
            "POST",
            PATH,
            body={"type": "postgres", "connection": GIVEN},
            state="one_destination",
            status=400,
            answer="you are at your destination limit",
        ),
        Row(
            "a type that nothing here loads into",
            "POST",
            PATH,
            body={"type": "redshift", "connection": {}},
            status=400,
            answer="this server has no destinations of type (redshift); it loads into postgres",
        ),
        Row(
            "wrong values",
            "POST",
            PATH,
            body={"type": "postgres", "connection": GIVEN | {"ssl": 1}},
            state="nothing",
            status=400,
            answer=bad({"ssl": "Use true or false."}, EMPTY),
        ),
        *(
            Row(f"create: {case}", "POST", PATH, raw=raw, status=400, answer=BODY)
            for case, raw in (
                ("no type", '{"connection": {}}'),
                ("no connection", '{"type": "postgres"}'),
                ("another key", '{"type": "postgres", "connection": {}, "properties": {}}'),
                ("no JSON", "{"),
            )
        ),
        Row(
            "change",
            "PUT",
            STAGED,
            body={"type": "postgres", "connection": {"database": "lake"}},
            answer=destination(
                connection=SHOWN | {"database": "lake"}, updated_at="<time>", last_check=RUNNING
            ),
        ),
        Row(
            "change nothing, and be tested",
            "PUT",
            STAGED,
            body={"type": "postgres", "connection": {}},
            answer=destination(last_check=RUNNING),
        ),
        Row(
            "another type",
            "PUT",
            STAGED,
            body={"type": "redshift", "connection": {}},
            status=400,
            answer="this API endpoint does not support modifying destination type",
        ),
        Row("change: no type", "PUT", STAGED, body={"connection": {}}, status=400, answer=BODY),
        Row(
            "change to wrong values",
            "PUT",
            STAGED,
            body={"type": "postgres", "connection": {"port": 0}},
            status=400,
            answer=bad({"port": "Use a whole number from 1 to 65535."}, COMPLETE),
        ),
        Row(
            "change the embedded one",
            "PUT",
            f"{PATH}/<embedded>",
            body={"type": "duckdb", "connection": {}},
            status=400,
            answer="invalid connection id",
        ),
        *(
            Row(
                f"change {which}",
                "PUT",
                f"{PATH}/{pk}",
                body={"type": "postgres", "connection": {}},
                status=400,
                answer="invalid connection id",
            )
            for which, pk in (("an unknown one", "1000000"), ("another account's", "<foreign>"))
        ),
        Row("nothing is deleted in this version", "DELETE", STAGED, status=404, answer=NOT_FOUND),
    ],
)
