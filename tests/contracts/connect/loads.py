"""`/v4/{client_id}/loads` (I15; connect-api.md 2.10, 3.15)."""

from tests.contracts.connect.extractions import BAD_PAGE, page
from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import UNAUTHORIZED

PATH = "/v4/<client>/loads"


def load(source: str, stream: str, error_state: object = None) -> dict[str, object]:
    return {
        "stitch_client_id": "<client>",
        "source_name": source,
        "stream_name": stream,
        "last_batch_loaded_at": None if error_state else "<time>",
        "error_state": error_state,
    }


def error_state(
    action: str, tried: str, words: str, *, state: str | None = None, said: str = "", internal: bool = False
) -> dict[str, object]:
    chain = ["LoadError", said] if said else ["LoadError"]
    return {
        "notification_data": {
            "message": tried,
            "exception_message": words,
            "warehouse_error_code": None,
            "error": "LOADER_INTERNAL_ERROR" if internal else "LOADER_WAREHOUSE_ERROR",
            "new_column": None,
            "status": "ERROR",
            "warehouse_sql_state": state,
            "action": action,
            "warehouse_message": words,
            "column": None,
        },
        "exception_chain": [
            {"class": name, "message": words, "chain_sequence_num": number, "action": action}
            for number, name in enumerate(chain)
        ],
    }


ALL = [
    load(
        "crm",
        "accounts",
        error_state(
            "get-connection",
            "establish a connection to your data warehouse",
            "connection refused",
            state="08001",
            said="psycopg.OperationalError",
        ),
    ),
    load("shop", "bikes"),
    load(
        "shop",
        "drafts",
        error_state(
            "load-table", "load data into the table drafts", "Internal error: KeyError", internal=True
        ),
    ),
    load("crm", "orders"),
    load(
        "shop",
        "orders",
        error_state("load-table", "load data into the table orders", "Key mismatch: id"),
    ),
]

TABLE = table(
    "loaded",
    [
        Row("the newest attempt of each table, A to Z", "GET", PATH, answer=page(ALL)),
        Row("behind the last page", "GET", f"{PATH}?page=2", answer=page([], 2, total=5)),
        Row("page is no number", "GET", f"{PATH}?page=-1", status=400, answer=BAD_PAGE),
        Row("none yet", "GET", PATH, answer=page([]), state="nothing"),
        Row("another account", "GET", "/v4/1/loads", status=401, answer=UNAUTHORIZED),
    ],
)
