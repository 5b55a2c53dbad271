"""Whatever arrives is a valid request or a stated refusal, never a crash (I13); valid ones are read by the loader."""

import contextlib
import json
import os
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.importapi.batches import ENVELOPE, parse_batch
from integrations.importapi.pushes import parse_push
from integrations.importapi.refusals import Refusal
from integrations.importapi.responses import refused
from integrations.loading.decoding import decode_json
from integrations.loading.reading import PUSH, TRANSIT, read_table_batches

CLIENT_ID = 7
EXAMPLES = settings(max_examples=max(100, int(os.environ.get("FUZZ_EXAMPLES", "0"))), deadline=None)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(["upsert", "activate_version", "switch_view", "id", "~i5", "^0", "\ud800", "\0", ""])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def mostly(valid):
    """Values that are valid nine times out of ten, so that requests get past their first check."""
    return st.integers(0, 9).flatmap(lambda number: valid if number else anything)


names = st.sampled_from(["id", "a", "b"])
types = st.sampled_from(["integer", "string", "number", "null", "object", "array", "boolean", "date"])
records = st.fixed_dictionaries({"id": mostly(st.integers(0, 9))}, optional={"a": anything, "b": anything})
schemas = st.fixed_dictionaries(
    {
        "properties": mostly(
            st.fixed_dictionaries(
                {"id": st.just({"type": "integer"})},
                optional={"a": st.fixed_dictionaries({}, optional={"type": mostly(types)})},
            )
        )
    },
    optional={"type": mostly(st.just("object")), "required": mostly(st.lists(names, max_size=1))},
)
upserts = st.fixed_dictionaries(
    {
        "action": mostly(st.just("upsert")),
        "sequence": mostly(st.integers(0, 5)),
        "data": mostly(records),
    },
    optional={"time_extracted": mostly(st.none()), "vintage": mostly(st.just("x"))},
)
activations = st.fixed_dictionaries(
    {"action": st.sampled_from(["activate_version", "switch_view"]), "sequence": mostly(st.integers(0, 5))}
)
batches = st.fixed_dictionaries(
    {
        "table_name": mostly(st.text(min_size=1, max_size=4)),
        "schema": mostly(schemas),
        "messages": mostly(st.lists(upserts | activations, min_size=1, max_size=3)),
    },
    optional={
        "key_names": mostly(st.just(["id"])),
        "table_version": mostly(st.integers(0, 9)),
        "bookmark_names": mostly(st.lists(names, max_size=2)),
    },
)
pushed = st.fixed_dictionaries(
    {
        "client_id": st.just(CLIENT_ID) | st.just(str(CLIENT_ID)),
        "table_name": mostly(st.sampled_from(["boats", "ships"])),
        "sequence": mostly(st.integers(0, 5)),
        "action": mostly(st.sampled_from(["upsert", "switch_view"])),
        "key_names": mostly(st.just(["id"])),
        "data": mostly(records),
    },
    optional={"table_version": mostly(st.integers(0, 9)), "namespace": anything},
)
pushes = st.lists(mostly(pushed), min_size=1, max_size=3) | anything


def counts(parsed, body):
    """What the gateway counted, and what the loader finds in the same bytes."""
    tables = read_table_batches(
        kind=parsed.kind, body=body, batch_id="b", received_at=datetime(2024, 1, 1, tzinfo=UTC)
    )
    found: dict[str, int] = {}
    for table in tables:
        upserts = sum(message.action == "upsert" for message in table.messages)
        found[table.table_name] = found.get(table.table_name, 0) + upserts
    return dict(parsed.tables), found


@EXAMPLES
@given(batches)
def test_I13_every_batch_is_taken_as_the_loader_will_read_it_or_refused_with_a_reason(request):
    body = json.dumps(request).encode()
    try:
        parsed = parse_batch(body)
    except Refusal as refusal:
        assert refusal.status == 400
        assert json.loads(refused(refusal).content)["error"]
    else:
        assert ENVELOPE.accepts(decode_json(body))  # the quick pass lets nothing through that this would not
        counted, found = counts(parsed, body)
        assert counted == found


@EXAMPLES
@given(pushes, st.sampled_from([PUSH, TRANSIT]))
def test_I13_every_push_is_taken_as_the_loader_will_read_it_or_refused_with_a_reason(request, kind):
    body = json.dumps(request).encode()
    try:
        parsed = parse_push(body, client_id=CLIENT_ID, kind=kind)
    except Refusal as refusal:
        assert refusal.status in (400, 401, 403, 422)
        assert json.loads(refused(refusal).content)["status"] == "ERROR"
    else:
        counted, found = counts(parsed, body)
        assert counted == found


@EXAMPLES
@given(st.binary(max_size=30), st.sampled_from([PUSH, TRANSIT]))
def test_I13_arbitrary_bytes_are_refused_with_a_reason(body, kind):
    with contextlib.suppress(Refusal):
        parse_batch(body)
    with contextlib.suppress(Refusal):
        parse_push(body, client_id=CLIENT_ID, kind=kind)
