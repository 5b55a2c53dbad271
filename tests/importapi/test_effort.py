"""What one request may make the validator do is bounded (promises I7 and I13)."""

import json
import time

import pytest

from integrations.importapi.batches import parse_batch
from integrations.importapi.jsonschema import compile_schema, effort
from integrations.importapi.refusals import Refusal

TOO_LONG = "Invalid JSON schema: checking the records against it takes too long"


def body(schema: dict, value: object, *, records: int = 1, key_names: list[str] | None = None) -> bytes:
    """Return a batch whose field `a` has `value` and is described by `schema`; its schema may be referred to."""
    document = {"type": "object", "properties": {"a": schema}, "definitions": schema.get("definitions", {})}
    message = {"action": "upsert", "sequence": 1, "data": {"a": value}}
    return json.dumps(
        {
            "table_name": "t",
            "schema": document,
            "key_names": key_names or [],
            "messages": [message] * records,
        }
    ).encode()


def refusal_of(request: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        parse_batch(request)
    assert refused.value.status == 400
    return refused.value.payload["error"]


DOUBLING = {f"d{number}": {"allOf": [{"$ref": f"#/definitions/d{number + 1}"}] * 2} for number in range(40)}
CHAIN = {f"c{number}": {"$ref": f"#/definitions/c{number + 1}"} for number in range(150)}
TOO_MUCH = {
    "references that double": body(
        {"$ref": "#/definitions/d0", "definitions": DOUBLING | {"d40": {"type": "integer"}}}, 1
    ),
    "references with siblings": body(
        {
            "definitions": CHAIN | {"c150": {}},
            "properties": {f"p{number}": {"$ref": "#/definitions/c0", "t": number} for number in range(4000)},
        },
        {},
    ),
    "alternatives for many items": body(
        {"items": {"allOf": [{"minimum": number} for number in range(3000)]}}, [9999] * 9000
    ),
    "failures without number": body(
        {"items": {"required": [str(number) for number in range(3000)]}}, [{}] * 9000
    ),
    "a long text in every failure": body({"allOf": [{"pattern": "^x$"}] * 200}, "y" * 1_000_000),
}


@pytest.mark.parametrize("request_body", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_I13_work_that_multiplies_is_refused(request_body, monkeypatch):
    monkeypatch.setattr(effort, "STEPS", 500_000)
    monkeypatch.setattr(effort, "STEPS_A_BYTE", 0)
    assert refusal_of(request_body) == TOO_LONG


def test_I13_a_search_ends_with_its_seconds(monkeypatch):
    monkeypatch.setattr(effort, "PATTERN_SECONDS", 0.05)
    begun = time.monotonic()
    assert refusal_of(body({"pattern": "(a?){30}a{30}"}, "xaaab" * 5000)) == TOO_LONG
    assert time.monotonic() - begun < 30  # without an end it would take hours


@pytest.mark.parametrize("pattern", ["(a+)+$", "a*b", "(x+x+)+y", "(a|aa)+$"])
def test_I13_patterns_that_backtrack_have_a_verdict_or_an_end(pattern):
    assert refusal_of(body({"pattern": pattern}, "a" * 50_000 + "c"))


def test_I13_nesting_does_not_double_the_work():
    """Each level used to be checked twice by the one above it."""
    schema, value = {"type": "string"}, 1
    for _ in range(40):
        schema, value = {"minProperties": 0, "additionalProperties": schema}, {"k": value}
    assert "expected type: String, found: Integer" in refusal_of(body(schema, value))
    schema, value = {"type": "string"}, 1
    for _ in range(40):
        schema, value = {"minItems": 0, "items": schema}, [value]
    assert "expected type: String, found: Integer" in refusal_of(body(schema, value))


def test_I13_a_key_named_many_times_is_checked_once():
    assert parse_batch(body({}, 1, records=2000, key_names=["a"] * 20_000)).tables == [("t", 2000)]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "number", "multipleOf": 10**400}, "multipleOf has to be greater than 0"),
        ({"$ref": "#/definitions/" + "1" * 5000, "definitions": [{}]}, "failed to resolve JSON pointer"),
    ],
)
def test_I13_numbers_beyond_measure_in_a_schema_are_refused(schema, reason):
    assert reason in refusal_of(body(schema, 1))


def test_I13_a_large_honest_request_has_room_to_spare():
    schema = {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
    request = body({"type": "array", "items": schema}, [None] * 5000, records=100)
    assert parse_batch(request).tables == [("t", 100)]


def test_without_a_limit_nothing_is_counted():
    assert compile_schema({"pattern": "^a+$"}).accepts("aaa")
