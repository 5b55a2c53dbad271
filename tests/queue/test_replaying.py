"""Rejected records sent again: mended or as they are, each once, whatever happens at the same moment."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from accounts.audit import Event
from accounts.models import AuditEvent
from integrations.importapi.batches import parse_batch
from integrations.importapi.setting_aside import stored_form
from integrations.loading.remedies import Remedy, RemedyKind
from integrations.models import Batch, BatchTable, RejectedRecord
from integrations.queue import replaying
from integrations.queue.accepting import accept_batch
from integrations.queue.replaying import IntegrationPaused, replay_rejected
from integrations.services.locking import IntegrationDeleted
from tests.queue.sending import send
from tests.queue.test_loader import Killed, drain

TOO_GREAT = 2**63
AS_TEXT = Remedy(RemedyKind.CAST, ("n",), "string")
RENAMED = Remedy(RemedyKind.RENAME, ("total__st",), "total_text")
DROPPED = Remedy(RemedyKind.DROP, ("n",))


def replay(token, remedy=Remedy(), chosen=None):  # noqa: B008 - frozen
    integration = token.integration
    records = RejectedRecord.objects.filter(integration_id=integration.pk)
    return replay_rejected(
        integration=integration,
        actor=integration.created_by,
        chosen=records if chosen is None else records.filter(pk__in=chosen),
        remedy=remedy,
    )


def push(token, *rows):
    """Accept a `/push` request of the table bikes."""
    client_id = token.integration.account.client_id
    record = {"client_id": client_id, "table_name": "bikes", "action": "upsert", "key_names": ["id"]}
    body = json.dumps([record | {"sequence": 1, "data": row} for row in rows]).encode()
    accept_batch(
        token=token, kind="push", body=body, tables=[("bikes", len(rows))], received_at=timezone.now()
    )


def stored(token, columns, table="bikes"):
    integration = token.integration
    path = integration.account.destinations.get().file_path
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f'SELECT {columns} FROM "{integration.schema_name}"."{table}" ORDER BY ALL'
        return connection.execute(query).fetchall()


def states():
    return list(RejectedRecord.objects.order_by("pk").values_list("state", flat=True))


def test_a_field_is_cast_and_the_row_appears(token, queue):
    send(token, rows=[{"id": 1, "n": 5}, {"id": 2, "n": TOO_GREAT}], sequence=3)
    drain()

    done = replay(token, AS_TEXT)
    assert (done.records, done.unfit, done.left) == (1, {}, 0)
    rejected = RejectedRecord.objects.get()
    assert (rejected.state, rejected.replay_receipt) == ("replayed", done.receipts[0])
    assert rejected.closed_by_id == token.integration.created_by_id
    drain()

    assert stored(token, "id, n__bi, n__st, _sdc_sequence") == [
        (1, 5, None, 3),
        (2, None, str(TOO_GREAT), 3),
    ]
    share = BatchTable.objects.get(batch__receipt=done.receipts[0])
    assert (share.state, share.inserted) == ("loaded", 1)
    call_command("check_books")


def test_a_field_is_renamed(token, queue):
    send(token, rows=[{"id": 1, "total__st": "12"}])
    drain()
    assert replay(token, RENAMED).records == 1
    drain()
    assert stored(token, "id, total_text") == [(1, "12")]


def test_a_field_inside_an_object_is_left_out(token, queue):
    send(token, rows=[{"id": 1, "addr": {"st": "MA", "city": "Boston"}}])
    drain()
    assert replay(token, Remedy(RemedyKind.DROP, ("addr", "st"))).records == 1
    drain()
    assert stored(token, "id, addr__city") == [(1, "Boston")]


def test_a_record_that_is_refused_again_is_open_again_with_its_new_reason(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT, "total__st": "x"}])
    drain()
    done = replay(token, DROPPED)
    drain()
    first, second = RejectedRecord.objects.order_by("pk")
    assert (first.state, second.state) == ("replayed", "open")
    assert second.receipt == done.receipts[0]
    assert second.field == "total__st"
    replay(token, RENAMED)
    drain()
    assert stored(token, "id, total_text") == [(1, "x")]


def test_a_pushed_record_that_was_replayed_in_vain_is_replayed_again(token, queue):
    """The second replay took the first one's empty schema for a sender's, in which the key was missing."""
    push(token, {"id": 1, "total__st": "x", "n": 2})
    drain()
    replay(token)
    drain()
    done = replay(token, Remedy(RemedyKind.DROP, ("total__st",)))
    assert (done.records, done.unfit) == (1, {})
    drain()
    assert stored(token, "id, n") == [(1, 2)]
    assert states() == ["replayed", "replayed"]


def test_I4_a_newer_row_is_never_overwritten(token, queue):
    send(token, rows=[{"id": 1, "dock": "old", "n": TOO_GREAT}], sequence=1)
    send(token, rows=[{"id": 1, "dock": "new"}], sequence=2)
    drain()
    replay(token, DROPPED)
    drain()
    assert stored(token, "id, dock, _sdc_sequence") == [(1, "new", 2)]


@pytest.mark.parametrize("keys", [("id",), ()])
def test_replaying_twice_makes_one_row(token, queue, keys):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}], keys=keys)
    drain()
    first, second = replay(token, DROPPED), replay(token, DROPPED)
    assert (first.records, second.records, second.receipts) == (1, 0, [])
    drain()
    assert stored(token, "id") == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_I3_fifty_replays_at_the_same_moment_make_one_batch(token, queue):
    send(token, rows=[{"id": number, "n": TOO_GREAT} for number in range(20)], keys=())
    drain()
    together = threading.Barrier(10)

    def once(number):
        try:
            if number < 10:
                together.wait()
            return replay(token, DROPPED)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(once, range(50)))
    assert sum(answer.records for answer in answers) == 20
    assert sum(len(answer.receipts) for answer in answers) == 1
    drain()
    assert stored(token, "count(*), count(DISTINCT id)") == [(20, 20)]
    assert AuditEvent.objects.filter(event=Event.REJECTED_REPLAYED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_overlapping_choices_at_the_same_moment_send_each_record_once(token, queue):
    send(token, rows=[{"id": number, "n": TOO_GREAT} for number in range(12)], keys=())
    drain()
    pks = list(RejectedRecord.objects.order_by("pk").values_list("pk", flat=True))
    together = threading.Barrier(6)

    def some(number):
        try:
            together.wait()
            return replay(token, DROPPED, chosen=pks[number : number + 6])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(some, range(6)))
    assert sum(answer.records for answer in answers) == 11
    drain()
    assert stored(token, "count(*), count(DISTINCT id)") == [(11, 11)]
    assert states().count("open") == 1


@pytest.mark.parametrize("step", ["close", "note"])
def test_a_replay_that_dies_before_it_is_stored_changes_nothing(token, queue, monkeypatch, step):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}], keys=())
    drain()
    real = getattr(replaying, step)

    def die(*arguments):
        real(*arguments)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(replaying, step, die)
        replay(token, DROPPED)
    assert states() == ["open"]
    assert Batch.objects.count() == 1
    replay(token, DROPPED)
    drain()
    assert stored(token, "id") == [(1,)]


def test_a_paused_or_deleted_integration_takes_no_replay(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])
    drain()
    integration = token.integration
    integration.paused_at = timezone.now()
    integration.save()
    with pytest.raises(IntegrationPaused):
        replay(token, DROPPED)
    integration.paused_at, integration.deleted_at = None, timezone.now()
    integration.save()
    with pytest.raises(IntegrationDeleted):
        replay(token, DROPPED)
    assert states() == ["open"]
    assert Batch.objects.count() == 1


def test_records_that_do_not_fit_stay_open_with_the_reason(token, queue):
    rows = [{"id": 1, "n": "5", "x__st": 1}, {"id": 2, "n": "five", "x__st": 1}, {"id": 3, "x__st": 1}]
    send(token, rows=rows)
    drain()
    done = replay(token, Remedy(RemedyKind.CAST, ("n",), "integer"))
    assert done.records == 1
    assert list(done.unfit.values()) == ['"five" cannot be cast to integer.', "It has no field n."]
    assert states() == ["replayed", "open", "open"]


@pytest.mark.parametrize(
    "remedy",
    [
        Remedy(RemedyKind.DROP, ("id",)),
        Remedy(RemedyKind.RENAME, ("id",), "number"),
        Remedy(RemedyKind.CAST, ("id",), "string"),
    ],
    ids=str,
)
def test_a_key_is_left_alone_for_it_would_stop_the_whole_table(token, queue, remedy):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])
    drain()
    done = replay(token, remedy)
    assert done.records == 0
    assert next(iter(done.unfit.values())).startswith("id is a key of the table")


def set_aside(token, rows, **schema):
    """Accept a batch with `on_error=reject`, as the gateway does."""
    body = json.dumps(
        {
            "table_name": "bikes",
            "key_names": ["id"],
            "schema": schema,
            "messages": [{"action": "upsert", "sequence": 1, "data": row} for row in rows],
        }
    ).encode()
    kind, body = stored_form(parse_batch(body, sets_aside=True), body)
    accept_batch(token=token, kind=kind, body=body, tables=[("bikes", len(rows))], received_at=timezone.now())


def test_what_the_gateway_set_aside_is_mended_and_checked_again(token, queue):
    properties = {"id": {"type": "integer"}, "age": {"type": "integer"}}
    rows = [{"id": 1, "age": 4}, {"id": "2", "age": 5}, {"id": 3, "age": "6"}, {"Id": 4, "age": 7}]
    set_aside(token, rows, properties=properties)
    drain()
    assert [record.field for record in RejectedRecord.objects.order_by("index")] == ["id", "age", ""]

    assert len(replay(token).unfit) == 3
    assert states() == ["open"] * 3
    replay(token, Remedy(RemedyKind.CAST, ("id",), "integer"))
    replay(token, Remedy(RemedyKind.CAST, ("age",), "integer"))
    replay(token, Remedy(RemedyKind.RENAME, ("Id",), "id"))
    drain()
    assert states() == ["replayed"] * 3
    assert stored(token, "id, age") == [(1, 4), (2, 5), (3, 6), (4, 7)]
    call_command("check_books")


def test_what_transit_typed_is_replayed_with_its_types(token, queue):
    body = (
        '[["^ ","table_name","tolls","action","upsert","sequence",1,"key_names",[],"data",'
        '["^ ","at","~m1714557600000","fee","~f1.10","n",9223372036854775808]]]'
    )
    accept_batch(
        token=token, kind="transit", body=body.encode(), tables=[("tolls", 1)], received_at=timezone.now()
    )
    drain()
    replay(token, DROPPED)
    drain()
    assert stored(
        token, 'typeof("at"), CAST("at" AS VARCHAR), typeof(fee), CAST(fee AS VARCHAR)', "tolls"
    ) == [("TIMESTAMP WITH TIME ZONE", "2024-05-01 10:00:00+00", "DECIMAL(38,6)", "1.100000")]


def test_a_table_version_that_is_over_stays_over(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}], table_version=1)
    send(token, rows=[{"id": 2}], table_version=2)
    drain()
    replay(token, DROPPED)
    drain()
    assert stored(token, "id, _sdc_table_version") == [(1, 1), (2, 2)]


def test_one_replay_takes_as_much_as_one_request_and_says_what_it_left(token, queue, settings):
    send(token, rows=[{"id": number, "n": TOO_GREAT} for number in range(5)])
    drain()
    settings.MAX_BODY_BYTES = 2 * RejectedRecord.objects.first().size
    done = replay(token, DROPPED)
    assert (done.records, done.left) == (2, 3)
    assert (replay(token, DROPPED).left, replay(token, DROPPED).left) == (1, 0)
    drain()
    assert len(stored(token, "id")) == 5


def test_batches_of_different_schemas_are_sent_apart_in_one_replay(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])
    send(token, rows=[{"id": 2, "n": TOO_GREAT}], schema={"properties": {"id": {"type": "integer"}, "x": {}}})
    drain()
    done = replay(token, DROPPED)
    assert (done.records, len(done.receipts)) == (2, 2)
    drain()
    assert stored(token, "id") == [(1,), (2,)]


def test_an_audit_event_tells_who_did_what(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])
    drain()
    done = replay(token, AS_TEXT)
    event = AuditEvent.objects.get(event=Event.REJECTED_REPLAYED)
    assert event.actor == token.integration.created_by
    assert event.object_id == token.integration.pk
    assert event.detail == {
        "table": "bikes",
        "records": 1,
        "remedy": "cast n to string",
        "receipt": str(done.receipts[0]),
    }
