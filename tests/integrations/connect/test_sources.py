"""What the rows of the contract do not show about `/v4/sources`."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

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
    assert counts[0] == counts[1] <= 5


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


def test_D35_a_type_beyond_the_plans_is_refused_in_the_documented_words(call, account):
    account.plan.max_integration_types = 0
    account.plan.save(update_fields=["max_integration_types"])
    body = {"type": "import_api", "display_name": "One more"}
    response = call("POST", "/v4/sources", body)
    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "AccessDenied",
            "data": {"message": "you do not have access to source type (import_api)"},
        },
    )
    account.plan.max_integration_types = 1
    account.plan.save(update_fields=["max_integration_types"])
    for name in ("One more", "And another"):  # several of one type count once
        assert call("POST", "/v4/sources", body | {"display_name": name}).status_code == 200


def test_a_rule_without_words_of_its_own_is_told_in_json(call, account):
    source = make_integration(account, system_paused_at=timezone.now())
    account.staff_held_at = timezone.now() - timedelta(days=8)
    account.save(update_fields=["staff_held_at"])
    response = call("PUT", f"/v4/sources/{source.pk}", {"paused_at": None})
    assert (response.status_code, response.json()["error"]) == (400, "AccessDenied")
    assert "on hold for more than 7 days" in response.json()["data"]["message"]
