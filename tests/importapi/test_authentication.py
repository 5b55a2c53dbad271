"""The token alone opens the Import API, and opens nothing else."""

import json
import logging
import re
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import secrets
from integrations.models import Batch
from integrations.services.access_tokens import revoke_access_token
from integrations.services.integrations import pause_integration, resume_integration
from integrations.services.token_authentication import authenticate_access_token
from stitchapp.routes import every_route
from tests.factories import make_access_token, make_account, make_integration, make_member

pytestmark = pytest.mark.django_db
NO_RECEIPT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
BODY = json.dumps(
    {
        "table_name": "boats",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": 1, "data": {"id": 1}}],
        "key_names": ["id"],
    }
)


@pytest.fixture
def member():
    return make_member(make_account())


@pytest.fixture
def integration(member):
    return make_integration(member.memberships.get().account)


def post(client, secret, *, path="/v2/import/batch", body=BODY, **extra):
    return client.post(
        path,
        body,
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
        **extra,
    )


def token_routes():
    """Return the addresses that a token opens; that of a receipt names one that nobody has."""
    return [
        "/" + route.replace("(?P<receipt>[^/]+)", NO_RECEIPT).replace("^", "").replace("/?$", "")
        for route, _, view in every_route()
        if getattr(getattr(view, "access", None), "scope", "") == "import"
    ]


def ask(client, secret, path, integration, **headers):
    """Send a request of the kind that the path takes."""
    headers |= {"authorization": f"Bearer {secret}"} if secret else {}
    if path.endswith(NO_RECEIPT):
        return client.get(path, headers=headers)
    body = BODY if path.endswith("batch") else push_body(integration)
    return client.post(path, body, content_type="application/json", headers=headers)


def push_body(integration):
    return json.dumps(
        [
            {
                "client_id": integration.account.client_id,
                "table_name": "boats",
                "sequence": 1,
                "action": "upsert",
                "key_names": ["id"],
                "data": {"id": 1},
            }
        ]
    )


def test_P2_a_malformed_token_costs_no_query_and_any_other_one(client, integration):
    revoked = make_access_token(integration, revoked_at=timezone.now())[1]
    unknown = secrets.generate(secrets.ACCESS_TOKEN_PREFIX)
    for secret, queries in (("at_stitch" + "0" * 46, 0), ("x", 0), (unknown, 1), (revoked, 1)):
        with CaptureQueriesContext(connections["default"]) as captured:
            assert post(client, secret).status_code == 401
        statements = [query["sql"].lower() for query in captured.captured_queries]
        noted = re.compile("refusal|requestday|receivedrequest")  # in the same database on PostgreSQL
        look_ups = [sql for sql in statements if not noted.search(sql)]
        look_ups = [sql for sql in look_ups if sql.startswith(("select", "update", "insert"))]
        assert len(look_ups) == queries


def test_P4_a_token_that_is_admitted_costs_one_look_up(integration, django_assert_num_queries):
    secret = make_access_token(integration, last_used_at=timezone.now())[1]
    with django_assert_num_queries(1):  # nothing that admits it is read by a query of its own
        token = authenticate_access_token(authorization=f"Bearer {secret}", now=timezone.now())
    assert (token.integration, token.account) == (integration, integration.account)


def test_P9_unknown_malformed_revoked_and_foreign_secrets_get_one_answer(client, integration):
    revoked = make_access_token(integration, revoked_at=timezone.now())[1]
    key_like = secrets.generate(secrets.API_KEY_PREFIX)
    for path in token_routes():
        answers = set()
        for secret in (secrets.generate(secrets.ACCESS_TOKEN_PREFIX), "at_x", revoked, key_like, ""):
            response = ask(client, secret, path, integration)
            assert response.status_code == 401
            headers = {name: value for name, value in response.headers.items() if name != "X-Request-Id"}
            answers.add((response.status_code, response.content, tuple(sorted(headers.items()))))
        assert len(answers) == 1


def test_P7_revoking_ends_a_token_at_once_and_leaves_the_other(client, member, integration):
    token, secret = make_access_token(integration)
    other = make_access_token(integration)[1]
    assert post(client, secret).status_code == 201
    revoke_access_token(token=token, actor=member)
    assert post(client, secret).status_code == 401
    assert post(client, other).status_code == 201


def test_P7_pausing_refuses_at_once_and_resuming_admits_the_same_token(client, member, integration):
    secret = make_access_token(integration)[1]
    pause_integration(integration=integration, actor=member)
    refused = post(client, secret)
    assert refused.status_code == 401
    assert refused.content == b'{"error":"Forbidden","errors":{"error":"Connection is not active."}}'
    resume_integration(integration=integration, actor=member)
    assert post(client, secret).status_code == 201


def test_P10_every_route_with_a_token_records_its_use(client, integration):
    routes = token_routes()
    taking = [f"/v2/import/{name}" for name in ("batch", "push", "validate")]
    assert routes == [*taking, f"/v2/import/batches/{NO_RECEIPT}"]
    for path in routes:
        token, secret = make_access_token(integration)
        ask(client, secret, path, integration, user_agent="boats/1.0")
        token.refresh_from_db()
        assert timezone.now() - token.last_used_at < timedelta(seconds=60)
        assert (token.last_used_client, token.last_used_address) == ("boats/1.0", "127.0.0.1")
        assert path.strip("/").removesuffix(NO_RECEIPT) in token.last_used_route.replace("^", "")
        token.delete()


def test_D29_refusals_of_a_known_token_are_counted_by_minute_and_others_leave_no_trace(client, integration):
    token, secret = make_access_token(integration, revoked_at=timezone.now())
    for _ in range(3):
        post(client, secret)
    post(client, secrets.generate(secrets.ACCESS_TOKEN_PREFIX))
    rows = token.refusals.values_list("reason", "address")
    assert set(rows) == {("revoked", "127.0.0.1")}
    assert sum(token.refusals.values_list("count", flat=True)) == 3


def test_S3_a_receipt_is_not_read_over_plain_HTTP(settings, client, integration):
    settings.LOCAL_MODE = False
    settings.SECURE_SSL_REDIRECT = True
    secret = make_access_token(integration)[1]
    assert ask(client, secret, f"/v2/import/batches/{NO_RECEIPT}", integration).status_code == 403


@pytest.mark.parametrize("path", ["/v2/import/batch", "/v2/import/push", "/v2/import/validate"])
def test_S3_plain_HTTP_is_refused_and_never_redirected(settings, integration, path):
    settings.LOCAL_MODE = False
    settings.SECURE_SSL_REDIRECT = True
    secret = make_access_token(integration)[1]
    body = BODY if path.endswith("batch") else push_body(integration)
    assert post(Client(), secret, path=path, body=body).status_code == 403
    assert post(Client(), secret, path=path, body=body, secure=True).status_code in (200, 201)
    assert Batch.objects.count() == (path != "/v2/import/validate")


def test_S4_a_session_opens_no_token_route_and_a_token_no_page(client, member, integration):
    client.force_login(member)
    for path in token_routes():
        assert ask(client, None, path, integration).status_code == 401
    secret = make_access_token(integration)[1]
    page = Client().get("/", headers={"authorization": f"Bearer {secret}"})
    assert page.status_code != 200 or "_auth_user_id" not in page.wsgi_request.session


def test_S4_a_token_route_asks_for_no_CSRF_token_and_sets_no_cookie(integration):
    response = post(Client(enforce_csrf_checks=True), make_access_token(integration)[1])
    assert response.status_code == 201
    assert not response.cookies


def test_P3_a_token_is_in_no_log_line(client, integration, caplog):
    caplog.set_level(logging.DEBUG)
    secret = make_access_token(integration)[1]
    revoked = make_access_token(integration, revoked_at=timezone.now())[1]
    for sent in (secret, revoked, secret[:-1]):
        post(client, sent)
        post(client, sent, body="{")
    logged = "\n".join(str(record.__dict__) for record in caplog.records)
    assert secret[:-6] not in logged
    assert revoked[:-6] not in logged


def test_status_ignores_whatever_credentials_come_along(client):
    response = client.get("/v2/import/status", headers={"authorization": "Bearer x"})
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["name", "version", "revision", "status", "reason"]
    assert (body["name"], body["status"], body["reason"]) == ("pipeline.gate", "OK", None)


def test_status_tells_when_no_data_is_taken(client, monkeypatch):
    monkeypatch.setattr("integrations.importapi.status.queue_is_full", lambda: True)
    response = client.get("/v2/import/status/")
    assert response.status_code == 503
    assert (response.json()["status"], response.json()["reason"]) == ("ERROR", "The queue is full.")
