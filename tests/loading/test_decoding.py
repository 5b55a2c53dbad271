"""decode_json: strict, exact and safe on whatever arrives (import-api.md 5.7, 8.3)."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.loading.decoding import MAX_CONTAINERS, MAX_DEPTH, MalformedJSON, decode_json


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[1, -0, 9223372036854775807]", [1, 0, 9223372036854775807]),
        (b"1180591620717411303424", 2**70),
        (b"-18446744073709551616", -(2**64)),
        (b'{"a": 1.50, "b": 1e400}', {"a": Decimal("1.50"), "b": Decimal("1e400")}),
        (b"12345678901234567890.12", Decimal("12345678901234567890.12")),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\u0000"', "\x00"),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'["\\ud800", 1.5]', ["\ud800", Decimal("1.5")]),
        (b" null ", None),
    ],
)
def test_legal_json_is_taken_exactly(body, value):
    decoded = decode_json(body)
    assert decoded == value
    assert repr(decoded) == repr(value)


@pytest.mark.parametrize(
    ("body", "message", "line", "column"),
    [
        (b"", "Expecting value", 1, 1),
        (b'{"a": 1,\n "b": ]', "Expecting value", 2, 7),
        (b"[1] x", "Extra data", 1, 5),
        (b"[NaN]", "NaN is not a JSON value", 1, 1),
        (b"-Infinity", "-Infinity is not a JSON value", 1, 1),
        (b'["a\n\xff"]', "Invalid UTF-8", 2, 1),
        (b'"\xed\xa0\x80"', "Invalid UTF-8", 1, 2),
        (b"9" * 5000, "Integer with too many digits", 1, 1),
        (b"1e5000000000000000000000", "Number with an exponent out of range", 1, 1),
        (b'["\\ud800", 1e5000000000000000000000]', "Number with an exponent out of range", 1, 1),
        (b"[" * 10_000 + b"]" * 10_000, f"Nested deeper than {MAX_DEPTH} levels", 1, 1),
        (b'{"a":' * 500 + b"1" + b"}" * 500, f"Nested deeper than {MAX_DEPTH} levels", 1, 1),
    ],
)
def test_a_fault_is_named_with_its_place(body, message, line, column):
    with pytest.raises(MalformedJSON) as caught:
        decode_json(body)
    assert (caught.value.message, caught.value.line, caught.value.column) == (message, line, column)


@pytest.mark.parametrize(
    "body", [b"[1,]", b"{'a':1}", b"[01]", b"[.5]", b"[1.]", b'"\t"', b"\xef\xbb\xbf[]", b'"\\x"']
)
def test_what_is_nearly_json_is_refused(body):
    with pytest.raises(MalformedJSON):
        decode_json(body)


def test_nesting_is_allowed_up_to_the_limit_and_no_further():
    assert decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(MalformedJSON):
        decode_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_I7_a_swarm_of_empty_arrays_is_refused_and_brackets_in_a_string_are_none():
    swarm = b"[" + b"[]," * MAX_CONTAINERS + b"[]]"
    with pytest.raises(MalformedJSON, match="More than 2000000 objects and arrays"):
        decode_json(swarm)
    text = "[{" * MAX_CONTAINERS + '\\"'
    assert decode_json(json.dumps([text]).encode()) == [text]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(values)
def test_whatever_is_encoded_decodes(value):
    assert decode_json(json.dumps(value).encode()) == value


@given(st.binary())
def test_arbitrary_bytes_are_taken_or_refused(body):
    with contextlib.suppress(MalformedJSON):
        decode_json(body)
