"""I8: limits on one token and one account answer 429, tell themselves in headers, and are off unless set."""

import http.client
import random
import threading
import time

import pytest

from integrations.importapi import rate_limits
from integrations.importapi.shared_buckets import PROBES, SLOTS, SharedBuckets
from integrations.models import ReceivedRequest
from integrations.services.access_tokens import revoke_access_token
from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.importapi.test_authentication import BODY, NO_RECEIPT, ask, post
from tests.queue.processes import GUNICORN


@pytest.fixture
def now(monkeypatch, settings, tmp_path):
    """A clock that the test sets, and buckets of its own."""
    settings.DATA_DIR = tmp_path
    at = [1000.0]
    monkeypatch.setattr(rate_limits, "clock", lambda: at[0])
    return at


@pytest.fixture
def integration(db):
    member = make_member(make_account())
    return make_integration(member.memberships.get().account)


@pytest.fixture
def secret(integration):
    return make_access_token(integration)[1]


def refuse_body(client, secret):
    """Send what costs a request and a byte, and is stored nowhere."""
    return post(client, secret, body="{")


def test_D28_without_settings_there_is_no_limit_no_header_and_no_file(client, secret, now, tmp_path):
    for _ in range(50):
        response = refuse_body(client, secret)
        assert response.status_code == 400
        assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(response.headers)
    assert not (tmp_path / "rate_limits").exists()


def test_I8_one_token_beyond_its_requests(client, secret, integration, now, settings):
    settings.TOKEN_REQUESTS_PER_SECOND = 3
    answers = [refuse_body(client, secret) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
    assert [answer["RateLimit"] for answer in answers] == [
        '"token-requests";r=2;t=1',
        '"token-requests";r=1;t=1',
        '"token-requests";r=0;t=1',
        '"token-requests";r=0;t=1',
    ]
    refused = answers[-1]
    assert refused["RateLimit-Policy"] == '"token-requests";q=3;w=1'
    assert refused["Retry-After"] == "1"
    assert refused.content == (
        b'{"status":"ERROR","message":"Too many requests: the limit token-requests is reached. Try again in 1 s"}'
    )
    told = [refused[f"X-Error-{name}"] for name in ("Code", "Limit", "Actual")]
    assert told == ["rate_limited", "3", "4"]
    other = make_access_token(integration)[1]
    assert refuse_body(client, other).status_code == 400
    assert list(ReceivedRequest.objects.filter(reason="rate_limited").values_list("status")) == [(429,)]


def test_I8_who_waits_as_told_gets_in_and_who_does_not_wait_loses_nothing_by_trying(
    client, secret, now, settings
):
    settings.TOKEN_REQUESTS_PER_SECOND = 2
    for _ in range(2):
        assert refuse_body(client, secret).status_code == 400
    for _ in range(20):
        assert refuse_body(client, secret).status_code == 429
    now[0] += 0.5
    assert refuse_body(client, secret).status_code == 400
    assert refuse_body(client, secret).status_code == 429
    now[0] += 100
    assert [refuse_body(client, secret).status_code for _ in range(3)] == [400, 400, 429]


def test_I8_an_accounts_limit_counts_all_its_tokens(client, integration, now, settings):
    settings.ACCOUNT_REQUESTS_PER_SECOND = 2
    tokens = [make_access_token(integration)[1] for _ in range(2)]
    tokens.append(make_access_token(make_integration(integration.account))[1])
    assert [refuse_body(client, token).status_code for token in tokens] == [400, 400, 429]
    stranger = make_account()
    make_member(stranger)
    assert refuse_body(client, make_access_token(make_integration(stranger))[1]).status_code == 400


def test_I8_bytes_leave_a_debt_that_is_waited_off(client, secret, now, settings):
    settings.TOKEN_BYTES_PER_MINUTE = 600
    first = post(client, secret, body=" " * 900)
    assert (first.status_code, first["RateLimit"]) == (400, '"token-bytes";r=0;t=90')
    assert first["RateLimit-Policy"] == '"token-bytes";q=600;w=60;qu="content-bytes"'
    refused = post(client, secret)
    assert (refused.status_code, refused["Retry-After"], refused["X-Error-Actual"]) == (429, "30", "900")
    now[0] += 29.9
    assert post(client, secret).status_code == 429
    now[0] += 0.2
    assert post(client, secret).status_code == 201


def test_a_limited_request_is_not_counted_against_another_limit(client, integration, now, settings):
    settings.TOKEN_REQUESTS_PER_SECOND, settings.ACCOUNT_REQUESTS_PER_SECOND = 1, 2
    busy, calm = (make_access_token(integration)[1] for _ in range(2))
    assert [refuse_body(client, busy).status_code for _ in range(5)] == [400, 429, 429, 429, 429]
    assert refuse_body(client, calm).status_code == 400


def test_every_route_with_a_token_is_limited_and_none_without(client, integration, now, settings):
    settings.TOKEN_REQUESTS_PER_SECOND = 1
    paths = [*(f"/v2/import/{name}" for name in ("batch", "push", "validate"))]
    for path in [*paths, f"/v2/import/batches/{NO_RECEIPT}"]:
        secret = make_access_token(integration)[1]
        assert ask(client, secret, path, integration).status_code != 429
        assert ask(client, secret, path, integration).status_code == 429
    for _ in range(3):
        assert client.get("/v2/import/status").status_code == 200
        assert client.get("/v2/import/limits").status_code == 200


def test_waiting_for_a_receipt_counts_once(client, secret, now, settings):
    receipt = post(client, secret)["X-Batch-Id"]
    settings.TOKEN_REQUESTS_PER_SECOND = 1
    headers = {"authorization": f"Bearer {secret}", "prefer": "wait=1"}
    assert client.get(f"/v2/import/batches/{receipt}", headers=headers).status_code == 200


def test_P9_a_refused_token_learns_nothing_of_limits(client, integration, now, settings):
    settings.TOKEN_REQUESTS_PER_SECOND = 1
    token, secret = make_access_token(integration)
    revoke_access_token(token=token, actor=integration.created_by)
    for _ in range(3):
        response = post(client, secret)
        assert response.status_code == 401
        assert "RateLimit" not in response


def test_I8_the_figures_stand_in_limits(client, settings):
    names = ("token_requests_per_second", "account_requests_per_second", "token_bytes_per_minute")
    names += ("account_bytes_per_minute",)
    assert [client.get("/v2/import/limits").json()[name] for name in names] == [None] * 4
    settings.TOKEN_REQUESTS_PER_SECOND, settings.ACCOUNT_BYTES_PER_MINUTE = 5, 7
    assert [client.get("/v2/import/limits").json()[name] for name in names] == [5, None, None, 7]


def test_times_from_before_the_machine_was_started_are_forgotten(tmp_path):
    first = SharedBuckets(tmp_path / "buckets", era=1000.0)
    first.write(5, 9e9)
    assert SharedBuckets(tmp_path / "buckets", era=1001.0).read(5) == 9e9
    assert SharedBuckets(tmp_path / "buckets", era=5000.0).read(5) == 0


def test_buckets_keep_their_keys_apart(tmp_path):
    buckets, draw = SharedBuckets(tmp_path / "buckets", era=1.0), random.Random(7)
    keys = [draw.randrange(1, 2**63) for _ in range(2000)] + [1 << 56 | pk for pk in range(1, 2000)]
    for time_, key in enumerate(keys, 1):
        buckets.write(key, float(time_))
    again = SharedBuckets(tmp_path / "buckets", era=1.0)
    assert [again.read(key) for key in keys] == [float(time_) for time_ in range(1, len(keys) + 1)]
    assert again.read(2**63 + 5) == 0


def test_of_too_many_keys_the_earliest_times_are_forgotten(tmp_path, monkeypatch):
    buckets = SharedBuckets(tmp_path / "buckets", era=1.0)
    monkeypatch.setattr(buckets, "_offsets", lambda key: [probe * 16 for probe in range(PROBES)])
    for key in range(1, PROBES + 3):
        buckets.write(key, float(key))
    kept = [key for key in range(1, PROBES + 3) if buckets.read(key)]
    assert kept == list(range(3, PROBES + 3))
    assert (tmp_path / "buckets").stat().st_size == (SLOTS + 1) * 16


@pytest.mark.live
def test_I8_a_limit_holds_over_all_workers_and_connections(product_of_its_own):
    product = product_of_its_own
    product.environment |= {"TOKEN_REQUESTS_PER_SECOND": "10", "WEB_WORKERS": "2"}
    product.start("web", GUNICORN)
    product.wait_until_ready()
    answers, retries = [], []
    headers = {
        "Authorization": f"Bearer {product.access['secret']}",
        "Content-Type": "application/json",
        "Connection": "close",
    }

    def send():
        for _ in range(15):
            connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
            connection.request("POST", "/v2/import/batch", BODY, headers)
            response = connection.getresponse()
            response.read()
            answers.append(response.status)
            if response.status == 429:
                retries.append(int(response.headers["Retry-After"]))
            connection.close()

    begun = time.monotonic()
    senders = [threading.Thread(target=send) for _ in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    most = 10 + 10 * (time.monotonic() - begun)
    assert set(answers) <= {201, 429}
    assert 10 <= answers.count(201) <= most
    if 429 in answers:
        assert set(retries) == {1}
    logged = "from integrations.models import Batch; print(Batch.objects.count())"
    assert int(product.ask(logged)) == answers.count(201)
