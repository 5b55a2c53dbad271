"""What a load refuses is kept whole in the application, once, whatever dies on the way."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from integrations.models import BatchTable, Load, RejectedCut, RejectedFormat, RejectedRecord
from integrations.queue import bodies, claiming, loader, recording, rejecting
from integrations.queue.accepting import accept_batch
from integrations.queue.cleaning import purge_history
from integrations.queue.loader import load_next
from integrations.services.rejected_records import content_of
from tests.queue.sending import send
from tests.queue.test_loader import Killed, drain, rows

TOO_GREAT = 2**63


def message(record):
    return json.loads(record.message_json)


def test_a_refused_record_is_kept_whole_with_its_reason_and_its_place(token, queue):
    whole = {"id": 3, "nested": {"great": TOO_GREAT}, "text": "x" * 70_000, "price": 1.10}
    sent = send(token, rows=[{"id": 1}, {"id": 2}, whole], sequence=7)
    drain()

    record = RejectedRecord.objects.get()
    assert (record.state, record.receipt, record.index, record.sequence) == ("open", sent.receipt, 2, 7)
    assert record.table_name == "bikes"
    assert record.reason == f"integer out of range for DuckDB on {TOO_GREAT}"
    assert record.reason_group == "integer out of range for DuckDB on […]"
    assert (record.field, record.path) == ("nested.great", ["nested", "great"])
    assert message(record) == {"action": "upsert", "sequence": 7, "data": whole}
    assert b'"price":1.1' in record.message_json
    assert record.received_at == sent.received_at
    share = BatchTable.objects.get()
    assert (record.share_id, share.rejected, share.inserted) == (share.pk, 1, 2)
    call_command("check_books")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"id": 1, "a-b": 1, "ab": 2}, "ab"),
        ({"id": 1, "a__b": 1, "a": {"b": 2}}, "a.b"),
        ({"id": 1, "addr": {"zip": 1, "st": "MA"}}, "addr.st"),
        ({"id": 1, "_sdc_mine": 1}, "_sdc_mine"),
        ({"id": 1, "at": "0001-01-01T00:00:00+24:00", "%%": 1}, "%%"),
        ({"dock": "x"}, "id"),
    ],
)
def test_the_field_at_fault_is_named_as_its_sender_wrote_it(token, queue, data, field):
    send(token, rows=[data])
    drain()
    assert RejectedRecord.objects.get().field == field


def test_records_refused_for_the_same_thing_are_one_group(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}, {"id": 2, "n": TOO_GREAT + 1}, {"id": 3, "m": TOO_GREAT}])
    drain()
    groups = [record.group for record in RejectedRecord.objects.order_by("index")]
    assert groups[0] == groups[1] != groups[2]
    assert RejectedFormat.objects.count() == 1


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (rejecting, "let_go"),
        (recording, "record_loads"),
        (claiming, "mark_loaded"),
        (claiming, "open_pending"),
        (recording, "settle"),
        (claiming, "release"),
    ],
)
def test_I1_a_loader_killed_at_any_step_keeps_each_refused_record_once(
    token, queue, monkeypatch, module, step
):
    send(token, rows=[{"id": 1}, {"id": 2, "n": TOO_GREAT}, {"id": 3, "n": TOO_GREAT}])

    def kill(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, step, kill)
        load_next()
    assert RejectedRecord.objects.open().count() == (2 if step in ("settle", "release") else 0)
    drain()

    assert sorted(record.index for record in RejectedRecord.objects.open()) == [1, 2]
    assert RejectedRecord.objects.count() == 2
    assert BatchTable.objects.get().rejected == 2
    call_command("check_books")


def test_I1_a_load_that_is_undone_after_it_noted_its_refusals_leaves_none_of_them(token, queue, monkeypatch):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])

    def note_and_die(shares, outcome):
        rejecting.note_pending(shares, outcome)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loader, "note_pending", note_and_die)
        load_next()
    assert [record.state for record in RejectedRecord.objects.all()] == ["pending"]

    def of_small_numbers(share):  # what was refused is in order at the second try
        parts = real(share)
        parts[0].messages[0].data["n"] = 5
        return parts

    real = bodies.table_batches
    monkeypatch.setattr(bodies, "table_batches", of_small_numbers)
    drain()
    share = BatchTable.objects.get()
    assert (share.inserted, share.rejected) == (1, 0)
    assert RejectedRecord.objects.count() == 0


def test_a_database_that_cannot_note_refusals_undoes_the_load(token, queue, monkeypatch):
    send(token, rows=[{"id": 1, "dock": "Quay"}, {"id": 2, "n": TOO_GREAT}])

    def away(shares, outcome):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(loader, "note_pending", away)
        load_next()
    assert Load.objects.filter(status="success").count() == 0
    drain()
    assert RejectedRecord.objects.open().count() == 1
    assert rows(token) == [(1, "Quay")]


def test_what_transit_typed_keeps_its_type(token, queue):
    body = (
        '[["^ ","table_name","tolls","action","upsert","sequence",1,"key_names",[],"data",'
        '["^ ","at","~m1714557600000","fee","~f1.10","n",9223372036854775808]]]'
    )
    accept_batch(
        token=token, kind="transit", body=body.encode(), tables=[("tolls", 1)], received_at=timezone.now()
    )
    drain()
    record = RejectedRecord.objects.get()
    assert message(record)["data"] == {"at": "2024-05-01T10:00:00Z", "fee": 1.10, "n": TOO_GREAT}
    content = content_of(record.format)
    assert content["key_names"] == []
    assert content["schema"] is None
    assert str(content["types"]["properties"]["fee"]["multipleOf"]) == "0.01"
    assert content["types"]["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert "n" not in content["types"]["properties"]


def test_D32_the_newest_records_are_kept_and_a_cut_is_counted(token, queue, settings):
    settings.REJECTED_KEPT = 3
    send(token, rows=[{"id": number, "n": TOO_GREAT} for number in range(5)])
    drain()
    send(token, rows=[{"id": 9, "n": TOO_GREAT}])
    drain()
    kept = [message(record)["data"]["id"] for record in RejectedRecord.objects.open().order_by("pk")]
    assert kept == [3, 4, 9]
    assert RejectedCut.objects.get().records == 3
    settings.REJECTED_KEPT, settings.REJECTED_KEPT_BYTES = 100, 1
    send(token, rows=[{"id": 10, "n": TOO_GREAT}, {"id": 11, "n": TOO_GREAT}])
    drain()
    assert [message(record)["data"]["id"] for record in RejectedRecord.objects.open()] == [11]
    assert RejectedCut.objects.get().records == 7
    call_command("check_books")


def test_D32_one_integrations_flood_pushes_out_no_other_ones_records(token, queue, settings):
    from tests.factories import make_access_token, make_integration

    settings.REJECTED_KEPT = 2
    other = make_access_token(make_integration(token.account))[0]
    send(other, rows=[{"id": 1, "n": TOO_GREAT}])
    send(token, rows=[{"id": number, "n": TOO_GREAT} for number in range(5)])
    drain()
    assert RejectedRecord.objects.filter(integration_id=other.integration_id).count() == 1
    assert RejectedRecord.objects.filter(integration_id=token.integration_id).count() == 2


def test_D32_rejected_records_go_with_the_longest_report_days(token, queue):
    send(token, rows=[{"id": 1, "n": TOO_GREAT}])
    drain()
    purge_history(now=timezone.now() + timedelta(days=59))
    assert RejectedRecord.objects.count() == RejectedFormat.objects.count() == 1
    purge_history(now=timezone.now() + timedelta(days=61))
    assert RejectedRecord.objects.count() == RejectedFormat.objects.count() == 0
