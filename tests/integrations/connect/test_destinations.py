"""What the rows of the contract do not show about destinations: effects, checks, limits, and what stays secret."""

import secrets

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Plan
from accounts.services.task_work import drain
from integrations.services import destination_connections
from integrations.services.credentials import unseal
from integrations.services.destinations import destination_of, main_destination
from tests.factories import make_hook, make_integration, make_postgres_destination


def properties(**different):
    return {
        "host": "127.0.0.1",
        "port": 1,
        "username": "loader",
        "password": secrets.token_hex(),
        "database": "wh",
        "ssl": False,
    } | different


def check_of(call, made):
    return call("GET", f"/v4/destinations/{made['id']}/last-connection-check").json()


@pytest.mark.parametrize("ignores", [None, False, True])
def test_sources_without_a_destination_load_into_a_new_one_unless_it_ignores_them(call, account, ignores):
    old = main_destination(account=account)
    shop = make_integration(account)
    assert call("DELETE", f"/v4/destinations/{old.pk}").json() == {}
    later = make_integration(account)  # made when there was none, it was never mapped
    body = {"type": "postgres", "properties": properties()}
    made = call(
        "POST", "/v4/destinations", body if ignores is None else body | {"ignore_unmapped_sources": ignores}
    )
    for integration in (shop, later):
        integration.refresh_from_db()
        into = destination_of(integration=integration)
        assert (into.pk if into else None) == (None if ignores else made.json()["id"])
    source = call("GET", f"/v4/sources/{shop.pk}").json()
    assert source["mapped_destination_ids"] == ([] if ignores else [made.json()["id"]])
    assert source["system_paused_at"] is not None  # a person or a program lets it go on


def test_a_new_destination_beside_another_takes_nothing_from_it(call, account):
    shop = make_integration(account)
    main = main_destination(account=account)
    call("POST", "/v4/destinations", {"type": "postgres", "properties": properties()})
    shop.refresh_from_db()
    assert destination_of(integration=shop) == main


def test_deleting_pauses_its_sources_and_deletes_its_hooks(call, account):
    gone, stays = make_postgres_destination(account), make_postgres_destination(account)
    paused, other = make_integration(account, destination=gone), make_integration(account, destination=stays)
    make_hook(account, destination=gone)
    kept = make_hook(account, destination=stays)
    assert call("DELETE", f"/v4/destinations/{gone.pk}").content == b"{}"
    for integration in (paused, other):
        integration.refresh_from_db()
    assert (paused.system_paused_at is None, other.system_paused_at is None) == (False, True)
    assert list(account.hooks.all()) == [kept]
    assert gone.pk not in [each["id"] for each in call("GET", "/v4/destinations").json()]


def test_a_check_runs_in_the_background_and_tells_what_it_found(call, account, warehouse_server):
    reached = warehouse_server.make_database()
    given = {name: reached[name] for name in ("host", "port", "username", "password", "database")}
    made = call("POST", "/v4/destinations", {"type": "postgres", "properties": given | {"ssl": False}}).json()
    running = check_of(call, made)
    assert (running["status"], running["completion_time"], running["error"]) == ("running", None, False)
    drain()
    good = check_of(call, made)
    assert (good["status"], good["check_exit_status"], good["name"]) == (
        "succeeded",
        0,
        made["check_job_name"],
    )

    changed = call("PUT", f"/v4/destinations/{made['id']}", {"properties": {"database": "nothing"}}).json()
    assert changed["check_job_name"] != made["check_job_name"]
    drain()
    bad = check_of(call, changed)
    assert (bad["status"], bad["error"], bad["name"]) == ("failed", True, changed["check_job_name"])
    assert '"nothing"' in bad["discovery_error_message"]


def test_the_outcome_of_a_check_that_was_replaced_is_dropped(call, account, monkeypatch):
    made = call("POST", "/v4/destinations", {"type": "postgres", "properties": properties()}).json()
    path = f"/v4/destinations/{made['id']}"
    names = []
    real = destination_connections.steps_of

    def changed_meanwhile(connection):
        if not names:
            names.append(call("PUT", path, {"properties": {"database": "other"}}).json()["check_job_name"])
            assert check_of(call, made)["status"] == "running"
        return real(connection)

    monkeypatch.setattr(
        "integrations.services.destination_checks.check_connection", lambda c: list(changed_meanwhile(c))
    )
    drain()
    check = check_of(call, made)
    assert (check["name"], check["status"]) == (names[0], "failed")
    assert account.audit_events.filter(event="destination.checked").count() == 1


def test_a_removed_destination_is_not_tested(call, account, monkeypatch):
    made = call("POST", "/v4/destinations", {"type": "postgres", "properties": properties()}).json()
    call("DELETE", f"/v4/destinations/{made['id']}")
    monkeypatch.setattr("integrations.services.destination_checks.check_connection", pytest.fail)
    drain()
    assert not account.audit_events.filter(event="destination.checked").exists()


def test_P3_a_password_is_kept_sealed_and_never_answered(call, account):
    password = secrets.token_hex()
    body = {"type": "postgres", "properties": properties(password=password)}
    answers = [call("POST", "/v4/destinations", body), call("GET", "/v4/destinations")]
    stored = account.destinations.get(type="postgres")
    assert unseal(stored.sealed_password, account=account) == password
    assert all(password not in answer.content.decode() for answer in answers)
    assert password not in str(list(account.audit_events.values()))


def test_a_merged_change_keeps_the_stored_password(call, account):
    kept = secrets.token_hex()
    stored = make_postgres_destination(account, password=kept)
    assert (
        call("PUT", f"/v4/destinations/{stored.pk}", {"properties": {"database": "lake"}}).status_code == 200
    )
    stored.refresh_from_db()
    assert (stored.database, unseal(stored.sealed_password, account=account)) == ("lake", kept)


@pytest.mark.parametrize(("plan", "room"), [("free_trial", 1), ("advanced", 3), ("premium", 5)])
def test_D35_a_plan_has_room_for_so_many(call, account, plan, room):
    account.plan = Plan.objects.get(slug=plan)
    account.save(update_fields=["plan"])
    body = {"type": "postgres", "properties": properties()}
    answers = [call("POST", "/v4/destinations", body) for _ in range(room)]
    assert [answer.status_code for answer in answers] == [200] * (room - 1) + [400]  # the embedded one counts
    assert answers[-1].json() == "you are at your destination limit"


def test_the_list_costs_the_same_with_one_and_with_three(call, account):
    counts = []
    for number in (1, 3):
        while account.destinations.count() < number:
            make_postgres_destination(account)
        call("GET", "/v4/destinations")
        with CaptureQueriesContext(connection) as queries:
            assert len(call("GET", "/v4/destinations").json()) == number
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_where_the_embedded_one_is_switched_off_it_is_neither_offered_nor_made(call, settings):
    settings.EMBEDDED_WAREHOUSE = False
    assert call("GET", "/v4/destinations").json() == []
    assert call("GET", "/v4/destination-types/duckdb").json()["details"]["access"] is False
    assert call("POST", "/v4/destinations", {"type": "duckdb", "properties": {}}).status_code == 400
