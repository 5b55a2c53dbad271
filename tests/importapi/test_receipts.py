"""Receipts: what a sender reads about its batch, with waiting, and about nobody else's (I5, P7, P11)."""

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.importapi import receipts
from integrations.importapi.receipts import Waiters, wanted_wait
from integrations.models import BatchTable, QueuedTable
from tests.factories import make_access_token, make_account, make_batch, make_integration, make_member
from tests.importapi.conftest import asked

pytestmark = pytest.mark.django_db
AT = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
NOT_FOUND = (404, b'{"message":"Not Found"}', "not_found")


@pytest.fixture
def integration():
    account = make_account()
    make_member(account)
    return make_integration(account)


@pytest.fixture
def token(integration):
    return make_access_token(integration)


@pytest.fixture
def read(client, token):
    def read(receipt, *, secret=token[1], **headers):
        return client.get(
            f"/v2/import/batches/{receipt}", headers={"authorization": f"Bearer {secret}"} | headers
        )

    return read


def loaded(batch, **counts):
    BatchTable.objects.filter(batch=batch).update(
        state="loaded", loading_at=AT + timedelta(seconds=1), loaded_at=AT + timedelta(seconds=2), **counts
    )


def test_I5_a_loaded_batch_accounts_for_every_record(read, integration):
    batch = make_batch(integration, received_at=AT, records=10, size=700, request_id="abc")
    loaded(batch, records=10, inserted=4, updated=3, superseded=2, rejected=1)
    response = read(batch.receipt)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert response.json() == {
        "id": str(batch.receipt),
        "state": "loaded",
        "received_at": "2024-05-01T10:00:00Z",
        "loading_since": "2024-05-01T10:00:01Z",
        "loaded_at": "2024-05-01T10:00:02Z",
        "records": 10,
        "bytes": 700,
        "request_id": "abc",
        "tables": [
            {
                "table_name": "bikes",
                "state": "loaded",
                "accepted": 10,
                "inserted": 4,
                "updated": 3,
                "superseded": 2,
                "rejected": 1,
                "loading_since": "2024-05-01T10:00:01Z",
                "loaded_at": "2024-05-01T10:00:02Z",
                "error": None,
                "next_try_at": None,
            }
        ],
    }


def test_a_batch_goes_from_accepted_over_loading_to_loaded(read, integration):
    batch = make_batch(integration, "bikes", "docks", received_at=AT)

    def states():
        answer = read(batch.receipt).json()
        return answer["state"], [table["state"] for table in answer["tables"]], answer["loaded_at"]

    assert states() == ("accepted", ["accepted", "accepted"], None)
    bikes, docks = BatchTable.objects.filter(batch=batch).order_by("pk")
    QueuedTable.objects.filter(pk=bikes.queued_table_id).update(lease=uuid.uuid4(), claimed_at=AT)
    assert states() == ("loading", ["loading", "accepted"], None)
    QueuedTable.objects.update(lease=None)
    BatchTable.objects.filter(pk=bikes.pk).update(state="loaded", loaded_at=AT)
    assert states() == ("loading", ["loaded", "accepted"], None)
    BatchTable.objects.filter(pk=docks.pk).update(state="loaded", loaded_at=AT + timedelta(seconds=1))
    assert states() == ("loaded", ["loaded", "loaded"], "2024-05-01T10:00:01Z")


def test_what_came_after_the_loader_took_the_table_is_not_being_loaded(read, integration):
    batch = make_batch(integration, received_at=AT)
    QueuedTable.objects.update(lease=uuid.uuid4(), claimed_at=AT - timedelta(seconds=1))
    assert read(batch.receipt).json()["state"] == "accepted"


@pytest.mark.parametrize("whose", ["table", "share"])
def test_a_batch_that_waits_says_why_and_until_when(read, integration, whose):
    batch = make_batch(integration)
    rows = QueuedTable.objects.all() if whose == "table" else BatchTable.objects.all()
    rows.update(error="No space left", not_before=AT)
    answer = read(batch.receipt).json()
    (table,) = answer["tables"]
    assert answer["state"] == table["state"] == "accepted"
    assert (table["error"], table["next_try_at"]) == ("No space left", "2024-05-01T10:00:00Z")
    assert [table[name] for name in ("inserted", "updated", "superseded", "rejected")] == [None] * 4


def test_P11_other_integrations_receipts_and_none_are_answered_alike(read, integration):
    sibling = make_batch(make_integration(integration.account))
    stranger_account = make_account()
    make_member(stranger_account)
    stranger = make_batch(make_integration(stranger_account))
    for receipt in (sibling.receipt, stranger.receipt, uuid.uuid4(), "nonsense", "1" * 5000):
        response = read(receipt)
        assert (response.status_code, response.content, response["X-Error-Code"]) == NOT_FOUND


def test_P7_only_an_active_token_of_the_integration_reads(read, integration):
    receipt = make_batch(integration).receipt
    revoked = make_access_token(integration, revoked_at=timezone.now())[1]
    for secret in (revoked, "at_nonsense", ""):
        response = read(receipt, secret=secret)
        assert (response.status_code, response.content) == (401, b'{"message":"Not Authorized"}')
    integration.paused_at = timezone.now()
    integration.save(update_fields=["paused_at"])
    assert read(receipt).json()["error"] == "Forbidden"


def test_what_was_just_sent_can_be_read_by_its_header(client, read, token):
    request = {"table_name": "t", "schema": {"properties": {"id": {}}}}
    request["messages"] = [{"action": "upsert", "sequence": 1, "data": {"id": 1}}]
    sent = client.post(
        "/v2/import/batch",
        json.dumps(request),
        content_type="application/json",
        headers={"authorization": f"Bearer {token[1]}"},
    )
    answer = read(sent["X-Batch-Id"]).json()
    assert (answer["state"], answer["records"]) == ("accepted", 1)
    assert answer["request_id"] == sent["X-Request-Id"]


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=3", 3),
        ("respond-async, Wait = 10", 10),
        ('wait="5"', 5),
        ("wait=31", 30),
        ("wait=999999999", 30),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("return=minimal", 0),
        ("", 0),
    ],
)
def test_a_wait_is_asked_for_in_the_Prefer_header(prefer, seconds):
    assert wanted_wait(prefer) == seconds


def test_waiting_ends_when_the_batch_is_loaded(read, integration, monkeypatch):
    batch, naps = make_batch(integration), []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            loaded(batch, inserted=1)

    monkeypatch.setattr(receipts.time, "sleep", nap)
    response = read(batch.receipt, prefer="wait=30")
    assert (response.json()["state"], response["Preference-Applied"]) == ("loaded", "wait=30")
    assert naps == [receipts.LOOK_AGAIN_SECONDS] * 3


def test_waiting_ends_when_the_time_is_over(read, integration, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(receipts.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(receipts.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    response = read(make_batch(integration).receipt, prefer="wait=2")
    assert (response.json()["state"], response["Preference-Applied"]) == ("accepted", "wait=2")
    assert clock == [2.0]


def test_P7_a_token_revoked_during_the_wait_reads_nothing(read, integration, token, monkeypatch):
    def revoke(seconds):
        token[0].revoked_at = timezone.now()
        token[0].save(update_fields=["revoked_at"])
        loaded(batch, inserted=1)

    batch = make_batch(integration)
    monkeypatch.setattr(receipts.time, "sleep", revoke)
    assert read(batch.receipt, prefer="wait=30").status_code == 401


@pytest.mark.parametrize("most", [0, 1])
def test_I9_beyond_the_bound_nobody_waits(read, integration, monkeypatch, most):
    waiters = Waiters(most)
    monkeypatch.setattr(receipts, "waiters", waiters)
    monkeypatch.setattr(receipts.time, "sleep", lambda seconds: pytest.fail("waited"))
    with waiters.admitted() as first:
        assert first == bool(most)
        response = read(make_batch(integration).receipt, prefer="wait=30")
    assert response.json()["state"] == "accepted"
    assert "Preference-Applied" not in response


def test_a_place_is_free_again_after_each_wait():
    waiters, admitted = Waiters(2), []
    entered, leave = threading.Barrier(3), threading.Event()

    def wait():
        with waiters.admitted() as mine:
            admitted.append(mine)
            entered.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    entered.wait(10)
    with waiters.admitted() as third:
        assert not third
    leave.set()
    for thread in threads:
        thread.join()
    with waiters.admitted() as later:
        assert later
    assert admitted == [True, True]


def test_other_methods_are_405(client, token, integration):
    response = client.post(
        f"/v2/import/batches/{make_batch(integration).receipt}",
        headers={"authorization": f"Bearer {token[1]}"},
    )
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.live
def test_I5_a_sender_follows_its_batch_until_it_is_loaded(product):
    """Real processes: send, wait for the receipt, and find every record accounted for."""
    messages = [{"action": "upsert", "sequence": n, "data": {"id": n % 2}} for n in range(5)]
    request = {
        "table_name": "followed",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "key_names": ["id"],
        "messages": messages,
    }
    status, headers, _ = asked(product, "POST", "/v2/import/batch", json.dumps(request).encode())
    assert status == 201
    status, headers, answer = asked(
        product, "GET", f"/v2/import/batches/{headers['X-Batch-Id']}", Prefer="wait=30"
    )
    receipt = json.loads(answer)
    (table,) = receipt["tables"]
    assert (status, headers["Preference-Applied"], receipt["state"]) == (200, "wait=30", "loaded")
    assert [table[name] for name in ("accepted", "inserted", "updated", "superseded", "rejected")] == [
        5,
        2,
        0,
        3,
        0,
    ]
