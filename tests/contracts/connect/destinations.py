"""`/v4/destination-types` and `/v4/destinations` (connect-api.md 2.5, 2.6, 3.3, 3.4, B.7; I15)."""

from typing import Any

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import NOT_FOUND, STAMP, error

TEXT = {"type": "string"}
FORM: list[tuple[str, bool, bool, dict[str, Any]]] = [
    ("database", True, False, TEXT),
    ("encryption_type", True, False, {"type": "string", "pattern": "^none$"}),
    (
        "host",
        True,
        False,
        {"anyOf": [{"type": "string", "format": format_} for format_ in ("ipv4", "ipv6", "hostname")]},
    ),
    ("password", True, True, TEXT),
    ("port", True, False, {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^\\d+$"}]}),
    ("ssl", True, False, {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(true|false)$"}]}),
    ("sslrootcert", False, False, TEXT),
    ("username", True, False, TEXT),
]
ALL_BUT_CERTIFICATE = {name for name, *_ in FORM} - {"sslrootcert"}


def postgres_card(provided: set[str], step: int) -> dict[str, Any]:
    form = [
        {
            "name": name,
            "is_required": required,
            "is_credential": credential,
            "system_provided": False,
            "property_type": "user_provided",
            "json_schema": schema,
            "provided": name in provided,
        }
        for name, required, credential, schema in FORM
    ]
    return {
        "type": "postgres",
        "current_step": step,
        "current_step_type": ("form", "fully_configured")[step - 1],
        "steps": [
            {"type": "form", "properties": form},
            {"type": "fully_configured", "properties": []},
        ],
    }


EMBEDDED_CARD = {
    "type": "duckdb",
    "current_step": 2,
    "current_step_type": "fully_configured",
    "steps": [{"type": "form", "properties": []}, {"type": "fully_configured", "properties": []}],
}
EMPTY, COMPLETE = postgres_card(set(), 1), postgres_card(ALL_BUT_CERTIFICATE, 2)


def details(type_: str, access: bool = True) -> dict[str, Any]:
    return {
        "details": {
            "pricing_tier": "standard",
            "pipeline_state": "released",
            "protocol": type_,
            "access": access,
        }
    }


def destination(**different: Any) -> dict[str, Any]:
    """Return a PostgreSQL destination made in this moment; with `check_job_name=None` one that was never tested."""
    written = {
        "description": None,
        "properties": SHOWN,
        "updated_at": "<time>",
        "check_job_name": "<check>",
        "name": "PostgreSQL",
        "type": "postgres",
        "deleted_at": None,
        "system_paused_at": None,
        "stitch_client_id": "<client>",
        "paused_at": None,
        "id": "<number>",
        "display_name": None,
        "created_at": "<time>",
        "report_card": COMPLETE,
    } | different
    if written["check_job_name"] is None:
        del written["check_job_name"]
    return written


GIVEN = {
    "host": "db.acme.example",
    "port": 5432,
    "username": "loader",
    "password": "<password>",
    "database": "wh",
    "ssl": True,
}
SHOWN = {
    "database": "wh",
    "encryption_type": "none",
    "host": "db.acme.example",
    "port": "5432",
    "ssl": "true",
    "username": "loader",
}
STAGING = {
    "id": "<staging>",
    "name": "Staging",
    "description": "Staging warehouse",
    "check_job_name": "<client>.<staging>.check.8934a4cd-4d60-48c9-85e4-e95cab6d4cae",
    "created_at": STAMP,
    "updated_at": STAMP,
}
EMBEDDED = {
    "properties": {},
    "name": "DuckDB",
    "type": "duckdb",
    "check_job_name": None,
    "report_card": EMBEDDED_CARD,
}
LISTED = [
    destination(
        **EMBEDDED | {"id": "<embedded>", "name": "Warehouse", "created_at": STAMP, "updated_at": STAMP}
    ),
    destination(**STAGING),
    destination(
        id="<broken>",
        name="Broken",
        properties=SHOWN | {"database": "warehouse", "host": "127.0.0.1", "port": "1", "ssl": "false"},
        check_job_name="<client>.<broken>.check.5c28cfab-8a51-11ea-9197-0ee6b2399f9b",
        created_at=STAMP,
        updated_at=STAMP,
    ),
]
PATH, STAGED = "/v4/destinations", "/v4/destinations/<staging>"
CREATE_BODY = (
    "POST body may only include a type, a name, a description, map of properties, "
    "and boolean for unmapped sources"
)
UPDATE_BODY = "PUT body may only include a map of properties, a name, and a description"
FILTERS = "GET may only include the params: source_id and/or destination_id"
UNKNOWN = "invalid connection id"
REQUIRED = "This property is required."
NO_SUCH = "There is no property of this name."
AGAIN = "Type the password again: the stored one is for loader at db.acme.example, port 5432, and is sent nowhere else."


def create(case: str, properties: dict[str, Any], answer: Any, **more: Any) -> Row:
    body = {"type": "postgres", "properties": properties} | more.pop("body", {})
    return Row(case, "POST", PATH, body=body, answer=answer, **more)


def bad(reasons: dict[str, str], card: dict[str, Any] = EMPTY) -> dict[str, Any]:
    return error(
        "InvalidProperties",
        "properties do not match schema",
        bad_properties=list(reasons),
        report_card=card,
        reasons=reasons,
    )


def refused(case: str, changes: dict[str, Any], reasons: dict[str, str]) -> Row:
    """Return a creation whose properties differ from good ones, and what is said about them."""
    return create(case, GIVEN | changes, bad(reasons), status=400)


def check(**different: Any) -> dict[str, Any]:
    return {
        "target_exit_status": None,
        "tap_error_message": None,
        "check_exit_status": 0,
        "name": STAGING["check_job_name"],
        "start_time": STAMP,
        "mode": "check",
        "tap_exit_status": None,
        "target_error_message": None,
        "discovery_exit_status": None,
        "status": "succeeded",
        "completion_time": "2024-03-05T21:00:08Z",
        "error": False,
        "discovery_error_message": None,
    } | different


TABLE = table(
    "destinations",
    [
        Row(
            "types",
            "GET",
            "/v4/destination-types",
            answer=[EMPTY | details("postgres"), EMBEDDED_CARD | details("duckdb", False)],
        ),
        Row(
            "types, the embedded one removed",
            "GET",
            "/v4/destination-types",
            state="no_destination",
            answer=[EMPTY | details("postgres"), EMBEDDED_CARD | details("duckdb")],
        ),
        Row("a type", "GET", "/v4/destination-types/postgres", answer=EMPTY | details("postgres")),
        Row(
            "a type that nothing here loads into",
            "GET",
            "/v4/destination-types/snowflake",
            status=404,
            answer=error("InvalidType", "invalid destination type (snowflake)"),
        ),
        Row("all, without removed ones", "GET", PATH, answer=LISTED),
        Row("of a source", "GET", f"{PATH}?source_id=<shop>", answer=[LISTED[1]]),
        Row("one by its id", "GET", f"{PATH}?destination_id=<broken>", answer=[LISTED[2]]),
        Row("both params", "GET", f"{PATH}?destination_id=<staging>&source_id=<shop>", answer=[LISTED[1]]),
        Row(
            "both params, not of that source",
            "GET",
            f"{PATH}?destination_id=<broken>&source_id=<shop>",
            answer=[],
        ),
        Row("of an unknown source", "GET", f"{PATH}?source_id=1000000", answer=[]),
        Row("another param", "GET", f"{PATH}?page=2", status=400, answer=FILTERS),
        Row("a param that is no id", "GET", f"{PATH}?source_id=shop", status=400, answer=FILTERS),
        Row(
            "the embedded one, from the first minute",
            "GET",
            PATH,
            state="nothing",
            answer=[destination(**EMBEDDED)],
        ),
        Row("read", "GET", STAGED, answer=LISTED[1]),
        *(
            Row(f"read {which}", "GET", f"{PATH}/{pk}", status=404, answer=NOT_FOUND)
            for which, pk in (
                ("an unknown one", "1000000"),
                ("a removed one", "<removed>"),
                ("another account's", "<foreign>"),
                ("one beyond every database", "9" * 30),
                ("what is no id", "staging"),
            )
        ),
        create("a name made from the type", GIVEN, destination()),
        create(
            "named, and values as texts",
            GIVEN | {"port": "5432", "ssl": "true", "encryption_type": "none", "sslrootcert": None},
            destination(name="Second", description="For the analysts"),
            body={"name": "Second", "description": "For the analysts", "ignore_unmapped_sources": True},
        ),
        create("without SSL", GIVEN | {"ssl": "false"}, destination(properties=SHOWN | {"ssl": "false"})),
        Row(
            "bring the embedded one back",
            "POST",
            PATH,
            body={"type": "duckdb", "properties": {}},
            state="no_destination",
            answer=destination(**EMBEDDED),
        ),
        Row(
            "a second embedded one",
            "POST",
            PATH,
            body={"type": "duckdb", "properties": {}},
            status=400,
            answer="the embedded warehouse is in use by this account already, or switched off on this server",
        ),
        Row(
            "properties of the embedded one",
            "POST",
            PATH,
            body={"type": "duckdb", "properties": {"path": "/etc"}},
            state="no_destination",
            status=400,
            answer=bad({"path": "This type has no properties."}, EMBEDDED_CARD),
        ),
        create(
            "at the plan's limit",
            GIVEN,
            "you are at your destination limit",
            state="one_destination",
            status=400,
            headers={"X-Error-Code": "destination_limit"},
        ),
        Row(
            "a type that nothing here loads into",
            "POST",
            PATH,
            body={"type": "snowflake", "properties": {}},
            status=400,
            answer="this server has no destinations of type (snowflake); it loads into postgres and duckdb",
        ),
        create(
            "a name in use",
            GIVEN,
            "Another destination of this account has this name. Use a different one.",
            body={"name": "staging"},
            status=400,
        ),
        *(
            Row(f"create: {case}", "POST", PATH, raw=raw, status=400, answer=CREATE_BODY)
            for case, raw in (
                ("no type", '{"properties": {}}'),
                ("no properties", '{"type": "postgres"}'),
                ("another key", '{"type": "postgres", "properties": {}, "connection": {}}'),
                ("a list as properties", '{"type": "postgres", "properties": []}'),
                ("a number as type", '{"type": 7, "properties": {}}'),
                (
                    "a text for unmapped sources",
                    '{"type":"postgres","properties":{},"ignore_unmapped_sources":"no"}',
                ),
                ("null as name", '{"type": "postgres", "properties": {}, "name": null}'),
                ("a list", "[]"),
                ("no JSON", "{"),
                ("no body", ""),
            )
        ),
        create(
            "nothing that is required",
            {},
            bad(dict.fromkeys(("database", "host", "password", "port", "ssl", "username"), REQUIRED)),
            status=400,
        ),
        refused("an unknown property", {"schema": "x"}, {"schema": NO_SUCH}),
        refused("a property of another name's form", {"encryption_host": "x"}, {"encryption_host": NO_SUCH}),
        refused("null for what is required", {"host": None}, {"host": REQUIRED}),
        refused("empty texts", {"host": "", "password": ""}, {"host": REQUIRED, "password": REQUIRED}),
        refused(
            "a tunnel",
            {"encryption_type": "ssh"},
            {"encryption_type": "This server connects without an SSH tunnel: use none, and ssl to encrypt."},
        ),
        refused(
            "a host with a scheme",
            {"host": "https://db.acme.example"},
            {
                "host": "Use a host name, for example warehouse.example.com, or an IP address: without a scheme, port "
                "or path."
            },
        ),
        refused("a port beyond all", {"port": 65_536}, {"port": "Use a whole number from 1 to 65535."}),
        refused("true as port", {"port": True}, {"port": "Use a whole number from 1 to 65535."}),
        refused("a fraction as port", {"port": "5432.0"}, {"port": "Use a whole number from 1 to 65535."}),
        refused("a word as ssl", {"ssl": "yes"}, {"ssl": "Use true or false."}),
        refused("a number as username", {"username": 7}, {"username": "Use a text."}),
        refused(
            "a name that the server would cut",
            {"database": "ü" * 32},
            {"database": "Use at most 63 bytes. This name has 64."},
        ),
        refused(
            "a NUL",
            {"password": "a\x00b"},
            {"password": "Use text without NUL and without halves of characters."},
        ),
        refused(
            "no certificate",
            {"sslrootcert": "PEM"},
            {
                "sslrootcert": "This is no certificate in PEM form: it begins with -----BEGIN CERTIFICATE----- and "
                "ends with -----END CERTIFICATE-----."
            },
        ),
        Row(
            "another database",
            "PUT",
            STAGED,
            body={"properties": {"database": "lake"}},
            answer=destination(
                **STAGING
                | {
                    "check_job_name": "<check>",
                    "properties": SHOWN | {"database": "lake"},
                    "updated_at": "<time>",
                }
            ),
        ),
        Row(
            "another host, with the password",
            "PUT",
            STAGED,
            body={"properties": {"host": "other.acme.example", "password": "<password>"}, "type": "postgres"},
            answer=destination(
                **STAGING
                | {
                    "check_job_name": "<check>",
                    "properties": SHOWN | {"host": "other.acme.example"},
                    "updated_at": "<time>",
                }
            ),
        ),
        Row(
            "the same again is tested again",
            "PUT",
            STAGED,
            body={"properties": {}},
            answer=destination(**STAGING | {"check_job_name": "<check>"}),
        ),
        Row(
            "a name and a description only",
            "PUT",
            STAGED,
            body={"name": "Lake", "description": ""},
            answer=destination(**STAGING | {"name": "Lake", "description": None, "updated_at": "<time>"}),
        ),
        Row(
            "another host, without the password",
            "PUT",
            STAGED,
            body={"properties": {"host": "other.acme.example"}},
            status=400,
            answer=bad({"password": AGAIN}, COMPLETE),
        ),
        Row(
            "an unknown property",
            "PUT",
            STAGED,
            body={"properties": {"schema": "x", "port": 0}},
            status=400,
            answer=bad({"port": "Use a whole number from 1 to 65535.", "schema": NO_SUCH}, COMPLETE),
        ),
        Row(
            "another type",
            "PUT",
            STAGED,
            body={"type": "redshift", "properties": {}},
            status=400,
            answer="this API endpoint does not support modifying destination type",
        ),
        *(
            Row(f"update {which}", "PUT", f"{PATH}/{pk}", body={"properties": {}}, status=400, answer=UNKNOWN)
            for which, pk in (
                ("an unknown one", "1000000"),
                ("a removed one", "<removed>"),
                ("another account's", "<foreign>"),
                ("one beyond every database", "9" * 30),
            )
        ),
        *(
            Row(f"update: {case}", "PUT", STAGED, raw=raw, status=400, answer=UPDATE_BODY)
            for case, raw in (
                ("nothing", "{}"),
                ("its own type alone", '{"type": "postgres"}'),
                ("another key", '{"properties": {}, "paused_at": null}'),
                ("null as properties", '{"properties": null}'),
                ("no JSON", "{"),
            )
        ),
        Row("delete", "DELETE", STAGED, answer={}),
        Row("delete the embedded one", "DELETE", f"{PATH}/<embedded>", answer={}),
        *(
            Row(
                f"delete {which}",
                "DELETE",
                f"{PATH}/{pk}",
                status=400,
                answer=f"Unable to locate dest ({pk}) for client (<client>) to delete",
            )
            for which, pk in (
                ("an unknown one", "1000000"),
                ("a removed one", "<removed>"),
                ("another account's", "<foreign>"),
            )
        ),
        Row("delete without an id", "DELETE", PATH, status=404, answer=NOT_FOUND),
        Row("delete what is no id", "DELETE", f"{PATH}/staging", status=404, answer=NOT_FOUND),
        Row("a good check", "GET", f"{STAGED}/last-connection-check", answer=check()),
        Row(
            "a check that failed",
            "GET",
            f"{PATH}/<broken>/last-connection-check",
            answer=check(
                name="<client>.<broken>.check.5c28cfab-8a51-11ea-9197-0ee6b2399f9b",
                check_exit_status=1,
                status="failed",
                error=True,
                discovery_error_message="Connection refused.",
            ),
        ),
        Row(
            "no check: the embedded one is not tested",
            "GET",
            f"{PATH}/<embedded>/last-connection-check",
            status=404,
            answer=NOT_FOUND,
        ),
    ],
)
