"""The body of /batch: from bytes to a valid request, or the first thing wrong with it (import-api.md 2.6)."""

from decimal import Decimal
from typing import Any

from integrations.importapi import refusals
from integrations.importapi.faults import Fault
from integrations.importapi.jsonschema import InvalidSchema, Schema, compile_schema
from integrations.importapi.jsonschema.effort import TooMuchEffort, limited
from integrations.importapi.parsing import ParsedRequest, data_points, exceeds_data_points, storable_name
from integrations.loading.decoding import MalformedJSON, decode_json
from integrations.loading.plain import read_plain
from integrations.loading.reading import BATCH

# The request validated by the same engine as its records (import-api.md 5.5). The message that
# activates a version has to come first: the documented texts name its alternative first.
ENVELOPE = compile_schema(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["table_name", "schema", "messages"],
        "properties": {
            "table_name": {"type": "string", "minLength": 1},
            "table_version": {"type": ["null", "integer"]},
            "schema": {"type": "object"},
            "key_names": {"type": "array", "items": {"type": "string"}},
            "bookmark_names": {"type": ["null", "array"], "items": {"type": "string"}},
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": refusals.MAX_RECORDS,
                "items": {
                    "oneOf": [
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["action", "sequence"],
                            "properties": {
                                "action": {"enum": ["activate_version", "switch_view"]},
                                "sequence": {"type": "integer"},
                            },
                        },
                        {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["action", "sequence", "data"],
                            "properties": {
                                "action": {"enum": ["upsert"]},
                                "sequence": {"type": "integer"},
                                "data": {"type": "object"},
                                "time_extracted": {"type": ["null", "string"]},
                                "vintage": {"type": ["null", "string"]},
                            },
                        },
                    ]
                },
            },
        },
    }
)
UPSERT_KEYS = frozenset({"action", "sequence", "data", "time_extracted", "vintage"})


def parse_batch(body: bytes, *, sets_aside: bool = False) -> ParsedRequest:
    """Return the request in `body`; raise the Refusal for the first thing wrong with it.

    With `sets_aside` a record that is wrong in itself is no reason to refuse the request, but is set aside.
    """
    plain = read_plain(body)
    if plain is not None:
        return ParsedRequest(BATCH, [(plain.table_name, plain.records)], is_plain=True)
    return parse_exactly(body, sets_aside=sets_aside)


def parse_exactly(body: bytes, *, sets_aside: bool = False) -> ParsedRequest:
    """Do the same without the native reader: it alone cannot say what is wrong, and knows plain schemas only."""
    try:
        request = decode_json(body)
    except MalformedJSON:
        raise refusals.batch_malformed() from None
    try:
        return _checked(request, body_size=len(body), sets_aside=sets_aside)
    except refusals.Refusal as refusal:
        name = request.get("table_name") if isinstance(request, dict) else None
        refusal.tables = (name,) if isinstance(name, str) else ()
        raise
    except RecursionError:  # a schema that refers to itself in circles
        raise refusals.batch_schema("nested too deeply") from None
    except TooMuchEffort:
        raise refusals.batch_schema("checking the records against it takes too long") from None


def _checked(request: Any, *, body_size: int, sets_aside: bool) -> ParsedRequest:
    _check_sequences(request)
    _check_envelope(request)
    table_name, messages, document = request["table_name"], request["messages"], request["schema"]
    key_names = list(dict.fromkeys(request.get("key_names") or []))
    with limited(body_size=body_size):
        try:
            schema = compile_schema(document)
        except InvalidSchema as error:
            raise refusals.batch_schema(str(error)) from None
        _check_keys_are_in_schema(key_names, document)
        records = [
            (index, message["data"])
            for index, message in enumerate(messages)
            if message["action"] == "upsert"
        ]
        may_exceed = body_size > 2 * refusals.MAX_DATA_POINTS  # a value takes two bytes at least
        set_aside: dict[int, refusals.Refusal] = {}
        for index, record in records:
            try:
                _check_record(index, record, schema, key_names, may_exceed)
            except refusals.Refusal as refusal:
                if not sets_aside:
                    raise
                set_aside[index] = refusal
    return ParsedRequest(BATCH, [(table_name, len(records))], set_aside=set_aside)


def _check_sequences(request: Any) -> None:
    """Refuse a sequence beyond 64 bits; this comes before the shape of everything else."""
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list):
        return
    for index, message in enumerate(messages):
        sequence = message.get("sequence") if type(message) is dict else None
        if isinstance(sequence, (int, Decimal)) and sequence > refusals.MAX_SEQUENCE:
            raise refusals.batch_request(
                [f"#: sequence can not be above {refusals.MAX_SEQUENCE}"],
                refusals.out_of_range(("messages", index, "sequence"), sequence),
            )


def _check_envelope(request: Any) -> None:
    if isinstance(request, dict):
        messages = request.get("messages")
        if isinstance(messages, list) and len(messages) > refusals.MAX_RECORDS:
            # Told alone: to find what else is wrong with millions of messages takes too long.
            text = f"expected maximum item count: {refusals.MAX_RECORDS}, found: {len(messages)}"
            raise refusals.batch_request(
                [f"#/messages: {text}"], refusals.too_many_records(("messages",), len(messages))
            )
        if _is_ordinary(request):
            return
    failure = ENVELOPE.explain(request)
    if failure is not None:
        raise refusals.batch_request(failure.lines(), Fault("request_invalid", failure.first_path()))
    if not storable_name(request["table_name"]):
        raise refusals.batch_request(
            ["#/table_name: contains characters that no destination can store"],
            Fault("request_invalid", ("table_name",)),
        )


def _is_ordinary(request: dict[str, Any]) -> bool:
    """Pass the common, correct request quickly; whatever it does not pass goes through ENVELOPE."""
    name, messages = request.get("table_name"), request.get("messages")
    if not (isinstance(name, str) and name and name.isprintable()):
        return False
    key_names = request.get("key_names", [])
    known = {"table_name", "schema", "messages", "key_names"}
    if not (
        request.keys() <= known
        and type(request.get("schema")) is dict
        and type(messages) is list
        and messages
        and type(key_names) is list
        and all(type(key) is str for key in key_names)
    ):
        return False
    for message in messages:
        if not (
            type(message) is dict
            and message.get("action") == "upsert"
            and type(message.get("sequence")) is int
            and message["sequence"] >= refusals.MIN_SEQUENCE
            and type(message.get("data")) is dict
            and (len(message) == 3 or _has_ordinary_extras(message))
        ):
            return False
    return True


def _has_ordinary_extras(message: dict[str, Any]) -> bool:
    return message.keys() <= UPSERT_KEYS and all(
        value is None or type(value) is str
        for value in (message.get("time_extracted"), message.get("vintage"))
    )


def _check_keys_are_in_schema(key_names: list[str], document: dict[str, Any]) -> None:
    """Refuse a key that the schema does not describe; one made of other schemas may do so anywhere."""
    properties = document.get("properties")
    if properties is None and document.keys() & {"$ref", "allOf", "anyOf", "oneOf"}:
        return
    for position, name in enumerate(key_names):
        if name not in (properties or {}):
            raise refusals.batch_key_missing(name, ("key_names", position))


def _check_record(
    index: int, record: dict[str, Any], schema: Schema, key_names: list[str], may_exceed: bool
) -> None:
    for name in key_names:
        if record.get(name) is None:
            at_fault = (name,) if name in record else ()
            raise refusals.batch_key_missing(name, ("messages", index, "data", *at_fault))
    if may_exceed and exceeds_data_points(record, refusals.MAX_DATA_POINTS):
        raise refusals.batch_data_points(index, data_points(record))
    if not schema.accepts(record):
        failure = schema.explain(record)
        lines, path = (failure.lines(), failure.first_path()) if failure is not None else ([], ())
        raise refusals.batch_record(index, lines, path)
