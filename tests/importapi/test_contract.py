"""Every documented answer of the Import API, byte for byte, as rows of data (I15; import-api.md 4 and 10)."""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import secrets
from integrations.models import Batch
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member

pytestmark = pytest.mark.django_db

CONTRACTS = Path(__file__).parent.parent / "contracts"
ROWS = [
    row
    for name in ("import-batch.json", "import-push.json")
    for row in json.loads((CONTRACTS / name).read_text(encoding="utf-8"))
]


@pytest.fixture
def words():
    """What stands for the placeholders of a row."""
    account = make_account(client_id=116078)
    make_member(account)
    integration = make_integration(account)
    now = timezone.now()
    token = make_access_token(integration)[1]
    unknown = secrets.generate(secrets.ACCESS_TOKEN_PREFIX)
    return {
        "<TOKEN>": token,
        "<CLIENT_ID>": str(account.client_id),
        "<UNKNOWN>": unknown,
        "<TYPO>": unknown[:-1] + ("0" if unknown[-1] != "0" else "1"),
        "<REVOKED>": make_access_token(integration, revoked_at=now)[1],
        "<PAUSED>": make_access_token(make_integration(account, paused_at=now))[1],
        "<DELETED>": make_access_token(make_integration(account, deleted_at=now))[1],
        "<API_KEY>": make_api_key(account)[1],
    }


def filled(text, words):
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def body_of(row, words):
    """Return a row's body; what limits need is told by how often it is repeated, and by the size it is padded to."""
    text = row.get("body", "")
    for word, (piece, times, *between) in row.get("repeated", {}).items():
        text = text.replace(word, (between[0] if between else ",").join([piece] * times))
    body = filled(text, words).encode()
    return body.ljust(row.get("size", 0))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['request']} - {row['case']}")
def test_I15_the_answer_is_exact(row, words, client):
    """I15, and I2: a refused request stores nothing, an accepted one is stored whole."""
    method, path = row["request"].split(" ")
    body = body_of(row, words)
    headers = {"authorization": filled(row["authorization"], words)} if row["authorization"] else {}
    response = client.generic(
        method, path, body, headers=headers, CONTENT_TYPE=row["content_type"], CONTENT_LENGTH=str(len(body))
    )

    assert response.content.decode() == filled(row["answer"], words)
    assert (response.status_code, response["Content-Type"]) == (row["status"], row["answer_type"])
    assert response["X-Request-Id"]
    assert ("X-Error-Code" in response) == (row["status"] >= 400)
    assert "Set-Cookie" not in response.headers
    assert not response.cookies
    stored = list(Batch.objects.all())
    if row["status"] == 201:
        assert [str(batch.receipt) for batch in stored] == [response["X-Batch-Id"]]
        assert stored[0].size == len(body)
    else:
        assert stored == []
