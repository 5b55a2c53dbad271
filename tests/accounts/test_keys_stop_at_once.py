"""P7: after a key was ended, no request with it succeeds, on whichever worker it lands."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.server import running_server

pytestmark = pytest.mark.live
REQUESTS = 250
MAKE = """
from accounts.models import Plan
from tests.factories import make_account, make_api_key, make_member
for _ in range(6):
    account = make_account()
    make_member(account)
    print(*make_api_key(account)[::-1])
"""
FIND = "from accounts.models import ApiKey, Plan; key = ApiKey.objects.get(last_four='{}')\n"
ENDS = {
    "disable": "from accounts.services.api_keys import disable_api_key as end; end(key=key, actor=key.created_by)",
    "delete": "from accounts.services.api_keys import delete_api_key as end; end(key=key, actor=key.created_by)",
    "downgrade": "from accounts.services.plans import change_plan as end; "
    "end(account=key.account, actor=key.created_by, plan=Plan.objects.get(slug='standard'))",
    "the owner is deactivated": "from accounts.services.leavers import deactivate_member as end; "
    "from tests.factories import make_member; "
    "end(membership=key.created_by.memberships.get(), actor=make_member(key.account), server='http://a.example')",
    "the time of a kept key is over": "from django.utils import timezone; "
    "ApiKey.objects.filter(pk=key.pk).update(handed_to=key.created_by, handed_until=timezone.now())",
    "the trial ends": "from datetime import timedelta; from django.utils import timezone; "
    "from accounts.models import Account, Plan; "
    "Account.objects.filter(pk=key.account_id).update(plan=Plan.objects.get(slug='free_trial'), "
    "trial_started_at=timezone.now() - timedelta(days=14))",
}


def status_of(server, secret):
    """Ask on a connection of its own, so that any worker may answer."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        headers = {"Authorization": f"Bearer {secret}", "Connection": "close"}
        connection.request("GET", "/v4/sources", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_P7_every_end_of_a_key_holds_on_every_worker(tmp_path):
    with running_server(tmp_path / "data", WEB_WORKERS="3") as server:
        lines = server.ask(MAKE).splitlines()
        made = [line.split()[0] for line in lines if line.startswith("ac_stitch")]
        for (end, code), secret in zip(ENDS.items(), made, strict=True):
            assert {status_of(server, secret) for _ in range(30)} == {200}
            server.ask(FIND.format(secret[-4:]) + code)
            assert {status_of(server, secret) for _ in range(REQUESTS)} == {401}, end
