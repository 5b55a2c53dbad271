"""The draft-04 engine: every text of import-api.md 5.3, 5.8 and 5.10, as rows of data."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.importapi.jsonschema import InvalidSchema, compile_schema
from integrations.importapi.jsonschema.formats import FORMATS
from integrations.importapi.jsonschema.values import double_text
from integrations.loading.decoding import decode_json

CONTRACTS = Path(__file__).parent.parent / "contracts"


def rows(name):
    """Return the rows of a contract file, numbers exact."""
    return decode_json((CONTRACTS / name).read_bytes())


def lines(schema, value):
    failure = compile_schema(schema).explain(value)
    return [] if failure is None else failure.lines()


@pytest.mark.parametrize("row", rows("schema-verdicts.json"), ids=lambda row: row["case"])
def test_a_value_gets_exactly_these_lines(row):
    assert lines(row["schema"], row["value"]) == row["lines"]
    assert compile_schema(row["schema"]).accepts(row["value"]) is (row["lines"] == [])


@pytest.mark.parametrize("row", rows("schema-faults.json"), ids=lambda row: row["case"])
def test_a_faulty_schema_is_refused_with_this_text(row):
    with pytest.raises(InvalidSchema) as caught:
        compile_schema(row["schema"])
    assert str(caught.value) == row["text"]


@pytest.mark.parametrize("row", rows("formats.json"), ids=lambda row: f"{row['format']}-{row['text']!r}")
def test_formats(row):
    assert FORMATS[row["format"]][0](row["text"]) is row["valid"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (7.0, "7.0"),
        (1.275888, "1.275888"),
        (0.001, "0.001"),
        (0.0009, "9.0E-4"),
        (1e-5, "1.0E-5"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (-1.5e300, "-1.5E300"),
        (0.0, "0.0"),
        (float("inf"), "Infinity"),
    ],
)
def test_doubles_print_as_the_texts_have_them(number, text):
    assert double_text(number) == text


def test_a_pattern_that_cannot_be_read_is_a_fault_of_the_schema():
    with pytest.raises(InvalidSchema, match=r"pattern \( is not a regular expression"):
        compile_schema({"type": "string", "pattern": "("})


def test_a_schema_that_only_refers_to_itself_is_a_fault():
    circle = {"$ref": "#/definitions/a"}
    with pytest.raises(InvalidSchema, match="refers to itself"):
        compile_schema({"definitions": {"a": circle}, "properties": {"x": circle}})


def test_a_remote_reference_is_never_fetched():
    with pytest.raises(InvalidSchema, match="not a local reference"):
        compile_schema({"properties": {"x": {"$ref": "http://127.0.0.1:1/schema"}}})


def test_the_listing_of_a_hostile_value_ends_and_its_count_stays_true():
    failing = compile_schema({"properties": {}, "additionalProperties": False})
    listed = failing.explain({str(number): 1 for number in range(5000)}).lines()
    assert listed[0] == "#: 5000 schema violations found"
    assert len(listed) == 1000


def test_a_schema_is_compiled_once():
    document = {"properties": {"only_here": {"type": "string"}}}
    assert compile_schema(document) is compile_schema(json.loads(json.dumps(document)))
    variants = [1, Decimal("1e0"), Decimal("1.0"), "1", True]
    assert len({id(compile_schema({"enum": [variant]})) for variant in variants}) == 5


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
bounds = st.integers(-3, 3)
schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["null", "boolean", "string", "number", "integer"])
            | st.lists(st.sampled_from(["null", "string", "object", "array", "integer"]), max_size=3),
            "minimum": bounds,
            "maximum": bounds,
            "exclusiveMinimum": st.booleans(),
            "multipleOf": st.sampled_from([1, 2, Decimal("0.01"), Decimal("1e-5")]),
            "minLength": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "b$"]),
            "format": st.sampled_from([*FORMATS, "unknown"]),
        },
    ),
    lambda inner: (
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["object", "array", "string"]),
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
                "required": st.lists(st.sampled_from("abc"), max_size=2),
                "additionalProperties": st.booleans() | inner,
                "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
                "dependencies": st.dictionaries(
                    st.sampled_from("abc"), inner | st.lists(st.sampled_from("abc"), max_size=2), max_size=2
                ),
                "maxProperties": st.integers(0, 2),
                "items": inner | st.lists(inner, max_size=2),
                "additionalItems": st.booleans() | inner,
                "minItems": st.integers(0, 2),
                "uniqueItems": st.booleans(),
                "enum": st.lists(scalars, max_size=3),
                "not": inner,
            },
        )
        | st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"oneOf": st.lists(inner, max_size=3)}, optional={"type": st.just("object")})
        | st.fixed_dictionaries({"allOf": st.lists(inner, max_size=3)})
    ),
    max_leaves=6,
)


@given(schemas, values)
def test_the_fast_verdict_and_the_explained_one_agree(schema, value):
    compiled = compile_schema(schema)
    failure = compiled.explain(value)
    assert compiled.accepts(value) is (failure is None)
    if failure is not None:
        assert all(line.startswith("#") for line in failure.lines())
