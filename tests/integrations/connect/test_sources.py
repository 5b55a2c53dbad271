"""What the rows of the contract do not show about `/v4/sources`."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_integration


def test_the_list_costs_the_same_with_one_and_with_three_sources(call, account):
    counts = []
    for number in (1, 3):
        while account.integrations.count() < number:
            make_integration(account)
        call("GET", "/v4/sources")  # the first use of the minute is noted
        with CaptureQueriesContext(connection) as queries:
            assert len(call("GET", "/v4/sources").json()) == number
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 4


def test_P11_the_list_shows_only_the_account_of_the_key(call, objects, account):
    listed = {source["id"] for source in call("GET", "/v4/sources").json()}
    assert listed == set(account.integrations.values_list("pk", flat=True))
    assert objects["foreign"] not in listed


def test_a_body_that_is_too_large_or_too_deep_is_refused_in_json(call):
    for raw in ("[" * 100_000, '"' + "x" * 3_000_000 + '"'):
        response = call("POST", "/v4/sources", raw=raw)
        assert response.status_code == 400
        assert set(response.json()) >= {"error"}


def test_without_an_embedded_warehouse_a_source_may_load_nowhere(call, account, settings):
    settings.EMBEDDED_WAREHOUSE = False
    make_integration(account)
    assert [source["mapped_destination_ids"] for source in call("GET", "/v4/sources").json()] == [[]]
    assert not account.destinations.exists()
