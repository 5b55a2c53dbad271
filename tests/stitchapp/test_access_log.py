"""A request's log line names its route; what a path or a query carries may be secret (promise P5)."""

import json
import logging

import pytest

from accounts.secrets import ACCESS_TOKEN_PREFIX, generate
from stitchapp.logs import JsonFormatter

pytestmark = pytest.mark.django_db


def test_P5_a_request_is_logged_by_its_route(client, settings, caplog):
    settings.ACCESS_LOG = True
    secret = generate(ACCESS_TOKEN_PREFIX)
    caplog.set_level(logging.INFO, logger="stitchapp.request")

    client.get(f"/healthz?token={secret}", headers={"Authorization": f"Bearer {secret}"})
    client.get(f"/nowhere/{secret}")

    lines = [record for record in caplog.records if record.getMessage() == "request.answered"]
    assert [(line.method, line.route, line.status) for line in lines] == [
        ("GET", "healthz", 200),
        ("GET", "", 404),
    ]
    written = [JsonFormatter().format(line) for line in lines]
    assert secret not in "".join(written)
    assert set(json.loads(written[0])) >= {"at", "route", "status", "milliseconds", "address"}


def test_the_log_of_requests_can_be_off(client, settings, caplog):
    settings.ACCESS_LOG = False

    client.get("/healthz")

    assert not [record for record in caplog.records if record.getMessage() == "request.answered"]
