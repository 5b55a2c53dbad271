"""What the native reader takes for plain, the exact one accepts with the same counts, and the loader keeps whole."""

import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.importapi.batches import parse_exactly
from integrations.importapi.refusals import Refusal
from integrations.loading.capabilities import DUCKDB
from integrations.loading.catalogue import Catalogue
from integrations.loading.collecting import Collector
from integrations.loading.plain import plan_of, read_plain
from integrations.loading.reading import BATCH, read_table_batches
from integrations.loading.shapes import TableShape
from integrations.loading.unnesting import Unnester
from integrations.loading.versions import follow_versions
from integrations.models import Batch
from tests.bench.records import batch_body, records
from tests.factories import make_access_token, make_account, make_integration, make_member

NASTY_NUMBERS = (
    "0",
    "-0",
    "-0.0",
    "1.0",
    "1e3",
    "1E-7",
    "1e400",
    "-1e400",
    "1e-400",
    "0e99999999999999999999",
    "1e-99999999999999999999",
    "1e99999999999999999999",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "9007199254740993",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "5e-324",
    "01",
    "1.",
    ".5",
    "+1",
    "NaN",
    "Infinity",
    "1" + "0" * 400,
    "1" * 5000,
)
NASTY_TEXTS = (
    '"2024-01-31T10:20:30Z"',
    '"2024-02-29T10:20:30.123456+05:30"',
    '"2023-02-29T10:20:30Z"',
    '"2024-02-30T10:20:30Z"',
    '"2024-01-31T10:20:30+0530"',
    '"2024-01-31t10:20:30z"',
    '"2024-01-31 10:20:30Z"',
    '"2024-01-31T10:20:30"',
    '"2024-01-31T10:20:30.Z"',
    '"2024-01-31T10:20:30.1234567Z"',
    '"2024-01-31T10:20:30.1234567891Z"',
    '"2024-01-31T24:00:00Z"',
    '"2024-01-31T23:59:60Z"',
    '"2024-01-31T10:20:30+18:00"',
    '"2024-01-31T10:20:30-17:59"',
    '"0000-01-31T10:20:30Z"',
    '"0999-01-31T10:20:30Z"',
    '"9999-12-31T23:59:59-05:00"',
    '"2024-04-31T10:20:30Z"',
    '"2024-01-31T10:20:30Z\\n2024-01-31T10:20:30Z"',
    '"2024-01-31T10:20:30Z\\n"',
    '"\\u0000"',
    '"\\\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\U0001f600"',
    '"\\u00e9"',
    '""',
    '"a"',
    '"abcdefgh"',
)
OTHERS = ("null", "true", "false", "{}", "[]", "[null]", '{"x":1}', "[[1,2],[3]]", '[{"x":1},{"x":2}]')
PLAIN_TYPES = (
    {"type": "integer"},
    {"type": ["null", "integer"]},
    {"type": "integer", "minimum": 0, "maximum": 100},
    {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    {"type": "number"},
    {"type": ["number", "null"], "description": "how much"},
    {"type": "number", "minimum": 0, "maximum": 1e3},
    {"type": "string"},
    {"type": ["null", "string"]},
    {"type": "string", "minLength": 1, "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": ["null", "string"], "format": "date-time"},
    {"type": "string", "format": "date"},
    {"type": "boolean"},
    {"type": ["boolean", "null"]},
)
ODD_TYPES = (
    {"type": "integer", "minimum": 2**53},
    {"type": "integer", "maximum": 2**53 + 1},
    {"type": "integer", "minimum": 2**70},
    {"type": "integer", "maximum": -(2**70)},
    {"type": "integer", "minimum": 9, "maximum": 1},
    {"type": "integer", "minimum": 0.5},
    {"type": "number", "minimum": 2**60},
    {"type": "number", "multipleOf": 0.01},
    {"type": "string", "minLength": 3, "maxLength": 1},
    {"type": "string", "pattern": "^a"},
    {"type": "string", "format": "email"},
    {"type": ["integer", "string"]},
    {"type": "string", "enum": ["a"]},
    {"type": "decimal"},
    {"type": "null"},
    {"type": []},
    {"minimum": 3},
    {},
)
NAMES = ("id", "x", "é", "a b", "f0")


def mostly(common, rare):
    """Return one of the common values, now and then one of the rare ones."""
    return st.integers(0, 24).flatmap(lambda die: rare if die == 24 else common)


def containers(inner):
    objects = st.builds(
        lambda properties, more: {"type": "object", "properties": properties, **more},
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.sampled_from(({}, {"additionalProperties": False}, {"required": ["x"]}, {"required": []})),
    )
    nullable = objects.map(lambda schema: schema | {"type": ["null", "object"]})
    arrays = st.builds(
        lambda items, kind: {"type": kind, "items": items},
        inner,
        st.sampled_from(("array", ["array", "null"])),
    )
    return st.one_of(objects, nullable, arrays)


scalars = mostly(st.sampled_from(PLAIN_TYPES), st.sampled_from(ODD_TYPES))
fields = st.recursive(scalars, containers, max_leaves=4)
schemas = st.builds(
    lambda identity, properties, more: {"properties": {"id": identity, **properties}, **more},
    st.sampled_from(({"type": "integer"}, {"type": "string"}, {"type": ["null", "integer"]})),
    st.dictionaries(st.sampled_from(NAMES[1:]), fields, min_size=1, max_size=4),
    mostly(
        st.sampled_from(({}, {"type": "object"}, {"type": ["null", "object"]}, {"required": ["id"]})),
        st.sampled_from(({"enum": [1]}, {"required": ["gone"]}, {"additionalProperties": {}})),
    ),
)
any_value = st.sampled_from(NASTY_NUMBERS + NASTY_TEXTS + OTHERS)


def conforming(schema):
    """Return values as JSON texts that mostly conform to the schema."""
    kinds = schema.get("type", "string")
    kind = next((each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"), "null")
    match kind:
        case "integer":
            texts = mostly(st.integers(0, 100).map(str), st.sampled_from(NASTY_NUMBERS))
        case "number":
            doubles = st.floats(0, 1000).map(repr)
            texts = mostly(doubles, st.sampled_from(NASTY_NUMBERS))
        case "string" if schema.get("format") == "date-time":
            texts = mostly(
                st.datetimes().map(lambda at: f'"{at.isoformat()}Z"'), st.sampled_from(NASTY_TEXTS)
            )
        case "string":
            texts = mostly(st.sampled_from(('"a"', '"bc"', '"ü"', '"\\n"')), st.sampled_from(NASTY_TEXTS))
        case "boolean":
            texts = mostly(st.sampled_from(("true", "false")), any_value)
        case "object":
            texts = objects_of(schema.get("properties", {}), schema.get("required", ()))
        case "array":
            texts = st.lists(conforming(schema["items"]), max_size=3).map(
                lambda items: f"[{','.join(items)}]"
            )
        case _:
            texts = any_value
    return st.one_of(texts, texts, texts, st.just("null")) if "null" in kinds else texts


@st.composite
def objects_of(draw, properties, required=()):
    """Return an object as JSON text: most fields, in any order, some twice, hardly ever one unknown."""
    names = draw(st.permutations(sorted(properties))) if properties else []
    chosen = [name for name in names if name in (*required, "id") or draw(st.integers(0, 9))]
    if chosen and draw(mostly(st.just(False), st.just(True))):
        chosen.append(chosen[0])
    members = [f"{json.dumps(name)}:{draw(conforming(properties[name]))}" for name in chosen]
    if draw(mostly(st.just(False), st.just(True))):
        members.append(f'"unknown":{draw(any_value)}')
    return "{" + ",".join(members) + "}"


@st.composite
def messages(draw, schema):
    """Return one message as JSON text."""
    action = draw(mostly(st.just('"upsert"'), st.just('"activate_version"')))
    sequence = draw(mostly(st.sampled_from(("1", "2", "3")), st.sampled_from(NASTY_NUMBERS)))
    members = [
        f'"action":{action}',
        f'"sequence":{sequence}',
        f'"data":{draw(objects_of(schema["properties"]))}',
    ]
    for name in ("time_extracted", "vintage"):
        if not draw(st.integers(0, 5)):
            text = draw(
                mostly(st.sampled_from((NASTY_TEXTS[0], "null")), st.sampled_from((*NASTY_TEXTS, "1")))
            )
            members.append(f'"{name}":{text}')
    return "{" + ",".join(members) + "}"


@st.composite
def bodies(draw):
    """Return the bytes of requests, about half of them acceptable."""
    schema = draw(schemas)
    name = draw(
        mostly(st.sampled_from(('"boats"', '"ü"')), st.sampled_from(('""', '"\\u0000"', '"\\n"', "1")))
    )
    listed = ",".join(draw(st.lists(messages(schema), min_size=1, max_size=2)))
    members = [f'"table_name":{name}', f'"schema":{json.dumps(schema)}', f'"messages":[{listed}]']
    more = {
        "key_names": (("[]", '["id"]'), ('["none"]', "null", '["id","x"]', '["id","id"]')),
        "table_version": (("1", "null"), NASTY_NUMBERS),
        "bookmark_names": (("null", "[]", '["x"]'), ("[1]",)),
    }
    for name, (usual, odd) in more.items():
        if not draw(st.integers(0, 2)):
            members.append(f'"{name}":{draw(mostly(st.sampled_from(usual), st.sampled_from(odd)))}')
    if draw(mostly(st.just(False), st.just(True))):
        members.append('"more":1')
    return ("{" + ",".join(draw(st.permutations(members))) + "}").encode()


@settings(
    max_examples=max(300, int(os.environ.get("LAW_EXAMPLES", "0"))),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(bodies())
def test_what_is_plain_is_accepted_exactly_so(body):
    plain = read_plain(body)
    if plain is None:
        return
    parsed = parse_exactly(body)  # raises when the exact reader refuses it
    assert parsed.tables == [(plain.table_name, plain.records)]
    [batch] = read_table_batches(kind=BATCH, body=body, batch_id="b", received_at=NOON)
    assert plain.plan.key_names == batch.key_names
    assert rejected_by_loader(batch) == []


def rejected_by_loader(batch):
    """Return the reasons for which the loader would refuse records or sub rows; of names it judges by itself."""
    shape = TableShape("boats", capabilities=DUCKDB, catalogue=Catalogue({}))
    collected = Collector(shape, key=batch.key_names, versions=follow_versions([batch], active=None)).collect(
        [batch]
    )
    Unnester(collected.rejected).unnest(collected)
    reasons = [row.reason for row in collected.rejected.rows]
    return [reason for reason in reasons if not reason.startswith("Column name")]


NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def body_of(schema, *rows, keys=(), **more):
    """Return a body; the rows are JSON texts."""
    listed = ",".join(
        f'{{"action":"upsert","sequence":{number},"data":{row}}}' for number, row in enumerate(rows)
    )
    head = json.dumps({"table_name": "boats", "schema": schema, "key_names": list(keys), **more})
    return f'{head[:-1]},"messages":[{listed}]}}'.encode()


def is_plain(schema, *rows, **more):
    return read_plain(body_of(schema, *rows, **more)) is not None


def test_the_records_of_the_benchmark_are_plain():
    batch = read_plain(batch_body(list(records(200)), first_sequence=1))
    assert (batch.table_name, batch.records, batch.plan.key_names) == ("orders", 200, ("id",))


@pytest.mark.parametrize("kind", ["integer", "number", "string", "boolean"])
def test_a_field_may_be_missing_and_null_where_the_schema_says_so(kind):
    assert is_plain({"properties": {"a": {"type": kind}}}, "{}")
    assert is_plain({"properties": {"a": {"type": ["null", kind]}}}, '{"a":null}')
    assert not is_plain({"properties": {"a": {"type": kind}}}, '{"a":null}')
    assert not is_plain({"properties": {"a": {"type": kind}}, "required": ["a"]}, "{}")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "1.0"),
        ({"type": "integer"}, "9223372036854775808"),
        ({"type": "integer", "maximum": 9}, "10"),
        ({"type": "number"}, "1e400"),
        ({"type": "string"}, '"\\u0000"'),
        ({"type": "string"}, '"\\ud800"'),
        ({"type": "string", "maxLength": 2}, '"abc"'),
        ({"type": "string", "format": "date-time"}, '"2023-02-29T10:00:00Z"'),
        ({"type": "string", "format": "date-time"}, '"2024-01-01T10:00:00Z\\n2024-01-01T10:00:00Z"'),
        (
            {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
            '{"at":"soon"}',
        ),
        ({"type": "array", "items": {"type": "string"}}, "[1]"),
        ({"type": "object", "properties": {}}, '{"b":1}'),
        ({"type": "number", "multipleOf": 0.01}, "1.25"),
        ({"type": ["integer", "string"]}, "1"),
        ({}, "1"),
    ],
)
def test_what_is_not_plain(schema, value):
    assert not is_plain({"properties": {"a": schema}}, f'{{"a":{value}}}')


def test_a_key_is_never_null_nor_missing_and_of_a_type_that_compares_plainly():
    schema = {"properties": {"id": {"type": ["null", "integer"]}, "at": {"type": "number"}}}
    assert is_plain(schema, '{"id":1}', keys=["id"])
    assert not is_plain(schema, '{"id":null}', keys=["id"])
    assert not is_plain(schema, "{}", keys=["id"])
    assert not is_plain(schema, '{"at":1}', keys=["at"])
    assert not is_plain(schema, '{"id":1}', keys=["other"])


def test_a_record_never_holds_more_data_points_than_it_may():
    schema = {"properties": {"id": {"type": "integer"}, "a": {"type": "array", "items": {"type": "integer"}}}}
    most = json.dumps([1] * 9_998)
    assert is_plain(schema, f'{{"id":1,"a":{most}}}')
    deep = {"properties": {"a": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}}}
    assert is_plain(deep, json.dumps({"a": [[1] * 90] * 90}))
    for too_large, value in ((schema, {"id": 1, "a": [1] * 10_000}), (deep, {"a": [[1] * 101] * 100})):
        body = body_of(too_large, json.dumps(value))
        assert read_plain(body) is None
        with pytest.raises(Refusal):
            parse_exactly(body)


def test_a_wide_or_a_deep_schema_is_left_to_the_exact_reader():
    wide = {"properties": {f"c{number}": {"type": "integer"} for number in range(1001)}}
    deep = {"type": "integer"}
    for _ in range(20):
        deep = {"type": "object", "properties": {"a": deep}}
    assert plan_of(json.dumps(wide).encode(), ()) is None
    assert plan_of(json.dumps(deep).encode(), ()) is None


def test_another_schema_behind_the_same_beginning_is_not_decided_by_the_first():
    first = b'{"messages":[{"action":"upsert","sequence":1,"data":{"a":1}}],"table_name":"t","schema":%s}'
    whole, text = ({"properties": {"a": {"type": kind}}} for kind in ("integer", "string"))
    assert read_plain(first % json.dumps(whole).encode()) is not None
    assert read_plain(first % json.dumps(text).encode()) is None
    assert read_plain(first % json.dumps(whole).encode()) is not None


def test_a_key_named_twice_is_left_to_the_exact_reader():
    assert not is_plain({"properties": {"id": {"type": "integer"}}}, '{"id":1}', keys=["id", "id"])


def test_names_of_other_scripts_are_plain_and_found_escaped_too():
    assert is_plain({"properties": {"é": {"type": "integer"}}}, '{"\\u00e9":1}')
    assert not is_plain({"properties": {'"': {"type": "integer"}}}, '{"\\"":1}')


@pytest.mark.django_db
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}], ids=["without a key", "with a key"])
@pytest.mark.parametrize(("kind", "plain"), [("integer", True), (["integer", "string"], False)])
def test_the_index_says_which_bodies_are_plain(client, kind, plain, key):
    account = make_account()
    make_member(account)
    _, secret = make_access_token(make_integration(account))
    body = body_of({"properties": {"a": {"type": kind}}}, '{"a":1}')
    headers = {"authorization": f"Bearer {secret}"} | key
    response = client.post("/v2/import/batch", body, content_type="application/json", headers=headers)
    assert (response.status_code, Batch.objects.get().plain) == (201, plain)
