"""The body of /push and /validate: from bytes to a valid request, or what is wrong with its records.

The order of the checks is that of import-api.md 2.6, the reasons are those of its 4.3.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from integrations.importapi import refusals
from integrations.importapi.faults import Fault
from integrations.importapi.parsing import ParsedRequest, data_points, exceeds_data_points, storable_name
from integrations.loading.decoding import MalformedJSON, decode_json
from integrations.loading.reading import PUSH, TRANSIT
from integrations.loading.transit import MalformedTransit, decode_transit

KNOWN_KEYS = frozenset(
    {
        "client_id",
        "table_name",
        "sequence",
        "action",
        "key_names",
        "data",
        "table_version",  # sent, undocumented, by the Java and Clojure clients; so is namespace
        "namespace",
    }
)
UPSERT = "upsert"
ACTIVATIONS = ("switch_view", "activate_version")
KEY_TOO_LONG = f"String keys cannot be longer than {refusals.MAX_STRING_KEY} characters"
TOO_MANY_POINTS = f"data cannot contain more than {refusals.MAX_DATA_POINTS} data points"
MAX_ERRORS = 100
MAX_UNKNOWN_KEYS = 100

Reason = dict[str, list[str]]


def parse_push(body: bytes, *, client_id: int, kind: str = PUSH) -> ParsedRequest:
    """Return the request in `body`, sent for account `client_id`; raise the Refusal for what is wrong.

    `kind` is PUSH for JSON and TRANSIT for Transit.
    """
    records = _decode(body, kind)
    if not isinstance(records, list) or not records or not all(type(record) is dict for record in records):
        raise refusals.push_not_an_array()
    if len(records) > refusals.MAX_RECORDS:
        raise refusals.push_too_many(len(records))
    _check_clients(records, client_id)
    may_exceed = len(body) > 2 * refusals.MAX_DATA_POINTS  # a value takes two bytes at least
    reasons: list[Reason] = []
    fault: Fault | None = None
    refused_tables: dict[str, None] = {}
    tables: Counter[str] = Counter()
    for index, record in enumerate(records):
        reason = _reason_against(record, may_exceed)
        if not reason:
            tables[record["table_name"]] += record["action"] == UPSERT
        elif len(reasons) < MAX_ERRORS:
            fault = fault or _fault_of(index, record, reason)
            reasons.append(reason)
            if isinstance(record.get("table_name"), str):
                refused_tables[record["table_name"]] = None
    if fault is not None:
        refusal = refusals.push_invalid(reasons, fault)
        refusal.tables = tuple(refused_tables)
        raise refusal
    return ParsedRequest(kind, list(tables.items()))


def _decode(body: bytes, kind: str) -> Any:
    encoding = "transit" if kind == TRANSIT else "json"
    try:
        return decode_transit(body) if kind == TRANSIT else decode_json(body)
    except MalformedJSON as error:
        raise refusals.push_malformed(
            error.message, line=error.line, column=error.column, kind=encoding
        ) from None
    except MalformedTransit as error:
        raise refusals.push_malformed(str(error), line=1, column=1, kind=encoding) from None


def _check_clients(records: list[dict[str, Any]], client_id: int) -> None:
    """The first record's client has to be there and own the token; the others must name no other."""
    first = records[0].get("client_id")
    if first is None:
        raise refusals.push_no_client()
    if _as_client_id(first) != client_id:
        raise refusals.push_forbidden()
    for index, record in enumerate(records):
        sent = record.get("client_id")
        if sent is not None and _as_client_id(sent) != client_id:
            raise refusals.push_several_clients(client_id, index)


def _as_client_id(value: object) -> int | None:
    """Return the number sent; some clients send it as a string of digits."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    return None


def _reason_against(record: dict[str, Any], may_exceed: bool) -> Reason:
    """Return what is wrong with one record, by field; empty when nothing is."""
    reason: Reason = {}
    action = record.get("action")
    if _is_blank(record.get("client_id")):
        reason["client_id"] = ["can't be blank"]
    _check_table_name(record.get("table_name"), reason)
    _check_number("sequence", record.get("sequence"), reason)
    if _is_blank(action):
        reason["action"] = ["can't be blank"]
    elif action != UPSERT and action not in ACTIVATIONS:
        reason["action"] = ["must be one of: switch_view, upsert"]
    if action not in ACTIVATIONS or record.get("key_names") is not None:
        _check_key_names(record.get("key_names"), reason)
    if action not in ACTIVATIONS:
        _check_data(record.get("data"), record.get("key_names"), may_exceed, reason)
    if record.get("table_version") is not None:
        _check_number("table_version", record["table_version"], reason)
    if not record.keys() <= KNOWN_KEYS:
        unknown = [key for key in record if key not in KNOWN_KEYS]
        reason |= {key: ["unknown key"] for key in unknown[:MAX_UNKNOWN_KEYS]}
    return reason


def _fault_of(index: int, record: dict[str, Any], reason: Reason) -> Fault:
    """Return the first fault of a record for which `reason` was found: where it is, and the limit it passes."""
    field, texts = next(iter(reason.items()))
    path = (index, field) if field in record else (index,)
    value = record.get(field)
    if field in ("sequence", "table_version") and type(value) is int:
        return refusals.out_of_range(path, value)
    if field == "data" and isinstance(value, dict):
        for name in record["key_names"] if texts[0] == KEY_TOO_LONG else ():
            key = value.get(name)
            if isinstance(key, str) and len(key) > refusals.MAX_STRING_KEY:
                return Fault("key_too_long", (*path, name), refusals.MAX_STRING_KEY, len(key))
        if texts[0] == TOO_MANY_POINTS:
            return refusals.too_many_points(path, data_points(value))
    return Fault("record_invalid", path)


def _is_blank(value: object) -> bool:
    """Absent, null or a string of blanks; an empty array is not blank."""
    return value is None or (isinstance(value, str) and not value.strip())


def _check_table_name(name: object, reason: Reason) -> None:
    if _is_blank(name):
        reason["table_name"] = ["can't be blank"]
    elif not isinstance(name, str):
        reason["table_name"] = ["should be a string"]
    elif not (name.isprintable() or storable_name(name)):
        reason["table_name"] = ["contains characters that no destination can store"]


def _check_number(field: str, number: object, reason: Reason) -> None:
    if type(number) is int:
        if number > refusals.MAX_SEQUENCE:
            reason[field] = [f"should be less than or equal to {refusals.MAX_SEQUENCE}"]
        elif number < refusals.MIN_SEQUENCE:
            reason[field] = [f"should be greater than or equal to {refusals.MIN_SEQUENCE}"]
    elif _is_blank(number):
        reason[field] = ["can't be blank"]
    elif isinstance(number, Decimal | float):
        reason[field] = ["should be an integer"]
    else:
        reason[field] = ["should be an integer", "should be a number"]


def _check_key_names(key_names: object, reason: Reason) -> None:
    if _is_blank(key_names):
        reason["key_names"] = ["can't be blank"]
    elif not isinstance(key_names, list) or not all(isinstance(name, str) for name in key_names):
        reason["key_names"] = ["should be an array of strings"]


def _check_data(data: object, key_names: object, may_exceed: bool, reason: Reason) -> None:
    if _is_blank(data):
        reason["data"] = ["can't be blank"]
        return
    if not isinstance(data, dict):
        reason["data"] = ["data must be an object"]
        return
    texts = []
    if isinstance(key_names, list) and "key_names" not in reason:
        if any(name not in data for name in key_names):
            texts.append("data must include keys")
        keys = [data[name] for name in key_names if name in data]
        if any(key is None for key in keys):
            texts.append("keys cannot not be null in data")
        if any(isinstance(key, str) and len(key) > refusals.MAX_STRING_KEY for key in keys):
            texts.append(KEY_TOO_LONG)
    if may_exceed and exceeds_data_points(data, refusals.MAX_DATA_POINTS):
        texts.append(TOO_MANY_POINTS)
    if texts:
        reason["data"] = texts
