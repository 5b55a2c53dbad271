"""How the reference writes objects and errors: keys in their order, values as they usually are."""

from typing import Any

STAMP = "2024-03-05T21:00:00Z"
LATER = "2024-03-06T21:00:00Z"
UNAUTHORIZED = {"error": "Unauthorized", "message": "Not Authorized"}
NOT_FOUND = {"error": "NotFound", "message": "Not Found"}


def card(type_: str, *steps: str, current: int = 0, **properties: list) -> dict[str, Any]:
    """Return a report card at the step `current`, counted from 1; at its last one when none is named."""
    current = current or len(steps)
    return {
        "type": type_,
        "current_step": current,
        "current_step_type": steps[current - 1],
        "steps": [{"type": step, "properties": properties.get(step, [])} for step in steps],
    }


IMPORT_API = card("import_api", "form", "fully_configured")


def source(**different: Any) -> dict[str, Any]:
    """Return a source of type import_api, made and changed in this moment unless told otherwise."""
    return {
        "properties": {},
        "description": None,
        "updated_at": "<time>",
        "schedule": None,
        "check_job_name": None,
        "name": "customer_records",
        "mapped_destination_ids": ["<destination>"],
        "type": "import_api",
        "deleted_at": None,
        "system_paused_at": None,
        "stitch_client_id": "<client>",
        "paused_at": None,
        "id": "<number>",
        "display_name": "Customer Records",
        "created_at": "<time>",
        "report_card": IMPORT_API,
    } | different


def error(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error of the sources' endpoints."""
    return {"error": code, "data": {"message": message} | more}


def unknown_source(source_id: object) -> dict[str, Any]:
    return error("InvalidId", f"source not found ({source_id})")
