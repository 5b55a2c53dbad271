"""Which requests leave a line in the log of their integration, and what it says (decisions D29, D32)."""

import json
import uuid

import pytest
from django.utils import timezone

from accounts import secrets
from integrations.models import Batch, ReceivedRequest, RequestDay
from integrations.services import request_log
from integrations.services.integrations import pause_integration
from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.importapi.test_authentication import BODY, NO_RECEIPT, post, push_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration():
    member = make_member(make_account())
    return make_integration(member.memberships.get().account)


@pytest.fixture
def token(integration):
    return make_access_token(integration)


def the_line():
    return ReceivedRequest.objects.get()


def test_an_accepted_batch_leaves_a_line_that_leads_to_its_receipt(client, token):
    response = post(client, token[1], HTTP_USER_AGENT="boats/1.0")
    line = the_line()
    assert (line.account_id, line.integration_id, line.token_id) == (
        token[0].account_id,
        token[0].integration_id,
        token[0].pk,
    )
    assert (line.endpoint, line.tables, line.records, line.size) == ("batch", "boats", 1, len(BODY))
    assert (line.status, line.reason, line.pointer) == (201, "", "")
    assert (line.address, line.client) == ("127.0.0.1", "boats/1.0")
    assert line.receipt == Batch.objects.get().receipt == uuid.UUID(response["X-Batch-Id"])
    assert line.request_id == response["X-Request-Id"]
    assert 0 < line.microseconds < 60_000_000


def test_a_refused_batch_leaves_a_line_that_says_where_and_why(client, token):
    request = json.loads(BODY)
    request["messages"][0]["data"]["id"] = "one"
    response = post(client, token[1], body=json.dumps(request))
    line = the_line()
    assert (line.status, line.reason) == (400, response["X-Error-Code"]) == (400, "record_invalid")
    assert line.pointer == response["X-Error-Pointer"] == "#/messages/0/data/id"
    assert (line.tables, line.records, line.receipt) == ("boats", None, None)


def test_a_refused_push_leaves_a_line_with_the_tables_at_fault(client, token, integration):
    records = json.loads(push_body(integration)) * 3
    records[1] = records[1] | {"table_name": "docks", "sequence": "x"}
    records[2] = records[2] | {"table_name": "docks", "data": 1}
    post(client, token[1], path="/v2/import/push", body=json.dumps(records))
    line = the_line()
    assert (line.endpoint, line.status, line.reason, line.tables) == ("push", 422, "record_invalid", "docks")


@pytest.mark.parametrize(
    "body", ["{", "[]", '"x"', '{"table_name": 5}', '{"table_name": "a\\u0000b\\ud800"}', " "]
)
def test_whatever_stands_in_a_refused_body_leaves_a_line(client, token, body):
    assert post(client, token[1], body=body).status_code == 400
    assert the_line().status == 400


def test_a_declared_size_beyond_all_numbers_leaves_a_line_and_no_other_is_lost(client, token, notes_wait):
    """A database's number has 64 bits: one such header must not cost the lines of others."""
    for length in ("9" * 23, str(2**63), "7"):
        post(client, token[1], body="{", CONTENT_LENGTH=length)
    request_log.gathered.write_now()
    assert list(ReceivedRequest.objects.order_by("pk").values_list("status", "size")) == [
        (413, None),
        (413, None),
        (400, 7),
    ]
    assert RequestDay.objects.get().size == 7


def test_the_other_endpoints_leave_lines(client, token, integration):
    post(client, token[1], path="/v2/import/validate", body=push_body(integration))
    client.get(f"/v2/import/batches/{NO_RECEIPT}", headers={"authorization": f"Bearer {token[1]}"})
    lines = ReceivedRequest.objects.order_by("pk").values_list("endpoint", "status", "tables", "records")
    assert list(lines) == [("validate", 200, "boats", 1), ("batch_receipt", 404, "", None)]


def test_a_refused_known_token_leaves_a_line_with_the_true_reason(client, token, integration):
    revoked = make_access_token(integration, revoked_at=timezone.now())[1]
    post(client, revoked)
    pause_integration(integration=integration, actor=integration.created_by)
    post(client, token[1])
    lines = ReceivedRequest.objects.order_by("pk").values_list("status", "reason", "records")
    assert list(lines) == [(401, "revoked", None), (401, "paused", None)]


def test_D29_an_unknown_or_malformed_token_leaves_none(client, token):
    for secret in (secrets.generate(secrets.ACCESS_TOKEN_PREFIX), "at_x", ""):
        assert post(client, secret).status_code == 401
    client.get("/v2/import/status")
    client.get("/v2/import/nowhere")
    assert not ReceivedRequest.objects.exists()
    assert not RequestDay.objects.exists()


def test_P3_a_line_holds_neither_the_token_nor_the_data(client, token):
    body = BODY.replace('"id": 1}', '"id": "very-private"}')
    assert post(client, token[1], body=body).status_code == 400
    line = json.dumps(ReceivedRequest.objects.values()[0], default=str)
    assert token[1] not in line
    assert "very-private" not in line


def test_D32_each_day_is_summed_and_a_repeated_batch_counts_its_records_once(client, token):
    for key in ("a", "a", "b"):
        client.post(
            "/v2/import/batch",
            BODY,
            content_type="application/json",
            headers={"authorization": f"Bearer {token[1]}", "idempotency-key": key},
        )
    post(client, token[1], body="{")
    day = RequestDay.objects.get()
    assert day.day == timezone.now().date()
    assert (day.accepted, day.refused, day.failed) == (3, 1, 0)
    assert (day.records, day.size) == (2, 3 * len(BODY) + 1)
    assert list(ReceivedRequest.objects.order_by("pk").values_list("reason", flat=True))[1] == "repeated"


def test_lines_are_gathered_and_written_in_one_transaction(
    client, token, settings, notes_wait, django_assert_num_queries
):
    for _ in range(3):
        post(client, token[1], body="{")
    assert not ReceivedRequest.objects.exists()
    with django_assert_num_queries(5, using=settings.QUEUE_DATABASE):  # savepoint, lines, day twice, release
        request_log.gathered.write_now()
    assert ReceivedRequest.objects.count() == 3
    assert RequestDay.objects.get().refused == 3
