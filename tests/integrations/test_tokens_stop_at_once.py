"""P7: after a token was revoked, or its integration paused or deleted, no request with it succeeds on any worker."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.server import running_server

pytestmark = pytest.mark.live
REQUESTS = 334
MAKE = """
from tests.factories import make_access_token, make_account, make_integration, make_member
account = make_account()
make_member(account)
for _ in range(4):
    token, secret = make_access_token(make_integration(account))
    print(secret, token.pk)
"""
FIND = (
    "from integrations.models import AccessToken; "
    "token = AccessToken.objects.select_related('integration').get(pk={}); actor = token.created_by; "
    "integration = token.integration\n"
)
ENDS = {
    "revoke": "from integrations.services.access_tokens import revoke_access_token as end; "
    "end(token=token, actor=actor)",
    "pause": "from integrations.services.integrations import pause_integration as end; "
    "end(integration=integration, actor=actor)",
    "delete": "from integrations.services.integrations import delete_integration as end; "
    "end(integration=integration, actor=actor)",
    "the trial ends": "from datetime import timedelta; from django.utils import timezone; "
    "from accounts.models import Account, Plan; "
    "Account.objects.filter(pk=token.account_id).update(plan=Plan.objects.get(slug='free_trial'), "
    "trial_started_at=timezone.now() - timedelta(days=14))",
}


def status_of(server, secret):
    """Send an empty batch on a connection of its own: 400 says that the token admitted it, 401 that it did not."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request("POST", "/v2/import/batch", body=b"{}", headers=headers | {"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_P7_every_end_of_a_token_holds_on_every_worker(tmp_path):
    with running_server(tmp_path / "data", WEB_WORKERS="3") as server:
        lines = server.ask(MAKE).splitlines()
        made = [line.split() for line in lines if line.startswith("at_stitch")]
        for (end, code), (secret, pk) in zip(ENDS.items(), made, strict=True):
            assert {status_of(server, secret) for _ in range(30)} == {400}
            server.ask(FIND.format(pk) + code)
            assert {status_of(server, secret) for _ in range(REQUESTS)} == {401}, end
