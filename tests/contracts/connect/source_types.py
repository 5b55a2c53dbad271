"""`/v4/source-types`: the catalogue (I15)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import IMPORT_API, error

IMPORT_API_TYPE = IMPORT_API | {
    "details": {
        "pricing_tier": "standard",
        "pipeline_state": "released",
        "default_start_date": "-1 year",
        "default_scheduling_interval": 60,
        "protocol": "import_api",
        "access": True,
        "image_version": "0.latest",
    },
    "upgrade_available": None,
}

TABLE = table(
    "nothing",
    [
        Row("read one", "GET", "/v4/source-types/import_api", answer=IMPORT_API_TYPE),
        Row(
            "read an unknown one",
            "GET",
            "/v4/source-types/platform.nothing",
            status=404,
            answer=error("InvalidType", "invalid source type (platform.nothing)"),
            headers={"X-Error-Code": "invalid_type"},
        ),
    ],
)
