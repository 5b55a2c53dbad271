"""What an answer gives for a next call, as links of the OpenAPI document: programs may follow them, and tests do."""

import re
from typing import Any

# Which path parameters the answer of an operation gives a value for, and where it stands in the answer.
GIVES = {
    "source_create": {"source_id": "/id", "client_id": "/stitch_client_id"},
    "source_list": {"source_id": "/0/id", "client_id": "/0/stitch_client_id"},
    "token_create": {"token_id": "/id"},
    "token_list": {"token_id": "/0/token_id"},
    "stream_list": {"stream_id": "/0/stream_id"},
    "sync_start": {"job_name": "/job_name"},
    "destination_create": {"destination_id": "/id"},
    "destination_list": {"destination_id": "/0/id"},
    "old_destination_create": {"destination_id": "/id"},
    "custom_email_create": {"address_id": "/id"},
    "hook_create": {"hook_id": "/id"},
}


def add_links(document: dict[str, Any]) -> None:
    """Let each answer that names something point to every operation on it."""
    operations = [
        (described, set(re.findall(r"{(\w+)}", path)))
        for path, methods in document["paths"].items()
        for described in methods.values()
    ]
    for described, own in operations:
        given = GIVES.get(described["operationId"])
        if given is None:
            continue
        links = described["responses"][200].setdefault("links", {})
        for other, wanted in operations:
            if wanted & set(given) and wanted <= own | set(given):
                links[other["operationId"]] = {
                    "operationId": other["operationId"],
                    "parameters": {
                        name: f"$response.body#{given[name]}" if name in given else f"$request.path.{name}"
                        for name in sorted(wanted)
                    },
                }
