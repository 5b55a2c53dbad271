"""`/v4/sources/{id}/streams`: list, schema, and the choice of streams and fields (I15; connect-api.md 2.7)."""

import json

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import unknown_source

BODY = "body must contain a 'streams' property with a list of metadatas by tap_stream_id"
PATH = "/v4/sources/<crm>/streams"
ORDERS = "shop-public-orders"
STREAM, FIELD = [], ["properties", "title"]


def stream(number: str, name: str, selected: bool | None = None, **chosen: object) -> dict[str, object]:
    return {
        "selected": selected,
        "stream_id": number,
        "tap_stream_id": f"shop-public-{name}",
        "stream_name": name,
        "metadata": {"row-count": 3, "is-view": False, "table-key-properties": ["id"]}
        | ({"selected": selected} | chosen),
    }


def schema(selected: bool | None, title: bool | None) -> dict[str, object]:
    properties = {"id": {"type": ["null", "integer"]}, "title": {"type": ["null", "string"]}}
    of_stream = {"is-view": False, "row-count": 3, "table-key-properties": ["id"], "selected": selected}
    return {
        "schema": json.dumps({"type": "object", "properties": properties}),
        "metadata": [
            {"breadcrumb": STREAM, "metadata": of_stream},
            {
                "breadcrumb": ["properties", "id"],
                "metadata": {"inclusion": "automatic", "selected-by-default": True, "selected": None},
            },
            {
                "breadcrumb": FIELD,
                "metadata": {"inclusion": "available", "selected-by-default": True, "selected": title},
            },
        ],
        "non-discoverable-metadata-keys": [
            "selected",
            "replication-method",
            "replication-key",
            "view-key-properties",
        ],
    }


def choice(*items: tuple[list[str], dict[str, object]], **stream_id: object) -> dict[str, object]:
    """Return a body that chooses of one stream; an item is a breadcrumb and its values."""
    metadata = [{"breadcrumb": breadcrumb, "metadata": values} for breadcrumb, values in items]
    return {"streams": [({"tap_stream_id": ORDERS} | stream_id) | {"metadata": metadata}]}


def refused(case: str, body: object, answer: object, code: str, **more: object) -> Row:
    headers = {"X-Error-Code": code}
    return Row(case, "PUT", f"{PATH}/metadata", 400, answer, body=body, headers=headers, **more)


SELECT = choice((STREAM, {"selected": True}), (FIELD, {"selected": False}))
METHOD = choice((STREAM, {"replication-method": "INCREMENTAL", "replication-key": "id"}))
UNKNOWN = choice((STREAM, {"selected": True}), tap_stream_id="shop-public-none")
WITHOUT_ID = {"streams": [{"metadata": [{"breadcrumb": [], "metadata": {"selected": True}}]}]}
INVALID = "invalid_fields"

TABLE = table(
    "streams",
    [
        Row(
            "in the order of their discovery",
            "GET",
            PATH,
            answer=[stream("<orders>", "orders"), stream("<customers>", "customers", selected=True)],
        ),
        Row("none before the first check", "GET", "/v4/sources/<empty>/streams", answer=[]),
        Row("none of what is pushed", "GET", "/v4/sources/<shop>/streams", answer=[]),
        Row(
            "unknown source",
            "GET",
            "/v4/sources/1000000/streams",
            status=404,
            answer=unknown_source("1000000"),
        ),
        Row(
            "another account's source",
            "GET",
            "/v4/sources/<foreign>/streams",
            status=404,
            answer=unknown_source("<foreign>"),
        ),
        Row("not selected: null on each field", "GET", f"{PATH}/<orders>", answer=schema(None, None)),
        Row("selected", "GET", f"{PATH}/<customers>", answer=schema(True, False)),
        Row(
            "unknown stream",
            "GET",
            f"{PATH}/1000000",
            status=400,
            answer="invalid stream-id: 1000000",
            headers={"X-Error-Code": "invalid_stream_id"},
        ),
        Row("vanished stream", "GET", f"{PATH}/<gone>", status=400, answer="invalid stream-id: <gone>"),
        Row(
            "stream of an unknown source",
            "GET",
            "/v4/sources/1000000/streams/<orders>",
            status=400,
            answer="invalid stream-id: <orders>",
        ),
        Row(
            "stream of another source",
            "GET",
            "/v4/sources/<empty>/streams/<orders>",
            status=400,
            answer="invalid stream-id: <orders>",
        ),
        Row("select", "PUT", f"{PATH}/metadata", answer={"status": 200}, body=SELECT),
        Row("method and key", "PUT", f"{PATH}/metadata", answer={"status": 200}, body=METHOD),
        Row(
            "key of a view",
            "PUT",
            f"{PATH}/metadata",
            answer={"status": 200},
            body=choice((STREAM, {"view-key-properties": ["id"]})),
        ),
        refused("no body", {}, BODY, "invalid_metadata_body"),
        refused("no JSON", None, BODY, "invalid_metadata_body", raw="{"),
        refused("a list", [], BODY, "invalid_metadata_body"),
        refused("no metadata", {"streams": [{"tap_stream_id": ORDERS}]}, BODY, "invalid_metadata_body"),
        refused(
            "no breadcrumb",
            {"streams": [{"tap_stream_id": ORDERS, "metadata": [{"metadata": {"selected": True}}]}]},
            BODY,
            "invalid_metadata_body",
        ),
        refused("no tap_stream_id", WITHOUT_ID, {INVALID: "invalid tap-stream-ids:  [nil]"}, INVALID),
        refused(
            "unknown tap_stream_id",
            UNKNOWN,
            {INVALID: "invalid tap-stream-ids:  [shop-public-none]"},
            INVALID,
        ),
        refused(
            "a key that only the tap sets",
            choice((STREAM, {"selected": True, "is-view": True})),
            {INVALID: 'only non-discoverable metadata can be produced by the UI: #{"is-view"}'},
            INVALID,
        ),
        refused(
            "two keys that only the tap sets",
            choice((STREAM, {"is-view": True, "row-count": 0})),
            {INVALID: 'only non-discoverable metadata can be produced by the UI: #{"is-view" "row-count"}'},
            INVALID,
        ),
        refused(
            "an unsupported field",
            choice((["properties", "secret"], {"selected": True}), tap_stream_id="shop-public-customers"),
            {INVALID: "Unsupported fields cannot be selected by default"},
            INVALID,
            state="unsupported",
        ),
        Row(
            "unknown source",
            "PUT",
            "/v4/sources/1000000/streams/metadata",
            status=400,
            answer=unknown_source("1000000"),
            body=SELECT,
        ),
        Row(
            "before the connection check",
            "PUT",
            "/v4/sources/<empty>/streams/metadata",
            status=400,
            answer={INVALID: "Streams and fields can be chosen after a connection check that went well."},
            body=SELECT,
            headers={"X-Error-Code": "not_choosable"},
        ),
    ],
)
