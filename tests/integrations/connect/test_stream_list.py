"""What the rows of the contract do not show about the list of a source's streams."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.connect.responses import written
from integrations.services.found_streams import found_streams, read_all
from tests.factories import make_account, make_integration, make_stream


def test_the_list_costs_the_key_s_look_up_and_one_query(call, account):
    source = make_integration(account, type="platform.hp-postgres")
    call("GET", f"/v4/sources/{source.pk}/streams")  # the first use of the minute is noted
    for number in range(3):
        make_stream(source, f"table_{number}", chosen={"[]": {"replication-method": "FULL_TABLE"}})
        with CaptureQueriesContext(connection) as queries:
            streams = call("GET", f"/v4/sources/{source.pk}/streams").json()
        assert [stream["stream_name"] for stream in streams] == [
            f"table_{each}" for each in range(number + 1)
        ]
        assert {stream["metadata"]["replication-method"] for stream in streams} == {"FULL_TABLE"}
        assert len(queries) == 2


def test_a_source_lists_its_own_streams_that_the_last_discovery_found(call, account):
    first, second = (make_integration(account, type="platform.hp-postgres") for _ in range(2))
    now = timezone.now()
    kept = make_stream(first, "kept", found_at=now - timedelta(days=1), is_selected=True)
    make_stream(first, "gone", vanished_at=now)
    other = make_stream(second, "other", is_selected=False)
    for source, stream in ((first, kept), (second, other)):
        [listed] = call("GET", f"/v4/sources/{source.pk}/streams").json()
        assert (listed["stream_id"], listed["selected"]) == (stream.pk, stream.is_selected)
        assert listed["metadata"]["selected"] is stream.is_selected


def test_P11_no_streams_are_found_for_another_account(account):
    source = make_integration(account, type="platform.hp-postgres")
    make_stream(source)
    assert found_streams(account=make_account(), source_id=source.pk) is None


@pytest.mark.parametrize("number", [2**31, 2**63 - 1, 2**63, 10**30])
def test_I13_no_source_has_a_number_of_that_size(call, number):
    assert call("GET", f"/v4/sources/{number}/streams").status_code == 404


def test_what_json_can_say_and_utf8_or_64_bits_cannot_is_read_and_written():
    assert read_all(['{"a":"é"}', None, '{"n":123456789012345678901234567890}']) == [
        {"a": "é"},
        None,
        {"n": 123456789012345678901234567890},
    ]
    half = read_all(['{"a":"\\ud800"}', "1e400"])
    assert half == [{"a": "\ud800"}, float("inf")]
    assert written(half[:1]) == b'[{"a":"\\ud800"}]'
    assert written([{"a": "é", "n": 1.5}, None]) == '[{"a":"é","n":1.5},null]'.encode()
