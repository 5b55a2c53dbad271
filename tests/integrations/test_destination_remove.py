"""Remove a destination, and go back to the embedded one: what is said happens, and nothing else (app.md 11)."""

import threading

import pytest
from django.db import connections

from accounts.models import AuditEvent
from integrations.models import BatchTable
from integrations.services.destination_changes import (
    DestinationGone,
    DestinationLimitReached,
    add_embedded_destination,
    add_postgres_destination,
    remove_destination,
)
from integrations.services.destination_connections import Connection
from integrations.services.destinations import destination_of, main_destination
from tests.factories import make_account, make_integration, make_member, make_postgres_destination
from tests.integrations.conftest import make_waiting, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def embedded(account):
    return main_destination(account=account)


def address(destination, page):
    return f"/client/{destination.account.client_id}/destinations/{destination.pk}/{page}"


def test_the_only_one_is_confirmed_by_its_name(browser, account, integration, embedded):
    make_waiting(integration, "orders", 3)
    url = address(embedded, "remove")
    text = text_of(browser.get(url))
    assert "Remove DuckDB" in text
    assert "Connected Source Integrations 1 integration is paused: Customer Records." in text
    assert "3 accepted records that wait stay on this server until there is another destination." in text
    assert "nothing is moved or deleted, and the file stays on this server" in text
    assert "Type DuckDB to confirm." in text
    for wrong in ("", "duckdb", "DELETE"):
        refused = browser.get(url, {"confirmation": wrong})
        assert refused.status_code == 422
        assert browser.post(url, {"confirmation": wrong}).status_code == 422
    assert browser.post(url).status_code == 422
    assert account.destinations.live().exists()
    asked = browser.get(url, {"confirmation": "DuckDB"})
    assert asked.status_code == 200
    assert "Remove DuckDB?" in text_of(asked)
    assert asked.context["hidden"] == [
        {"name": "confirmation", "value": "DuckDB"},
        {"name": "connected", "value": "pause"},
    ]
    done = browser.post(url, {"confirmation": "DuckDB", "connected": "pause"}, follow=True)
    text = text_of(done)
    assert "DuckDB was removed. What was loaded into it stays there." in text
    assert "Select a destination for your data" in text
    integration.refresh_from_db()
    assert integration.system_paused_at is not None
    assert destination_of(integration=integration) is None
    assert BatchTable.objects.waiting().count() == 1
    events = AuditEvent.objects.filter(account=account).order_by("pk").values_list("event", flat=True)
    assert list(events) == ["integration.paused", "destination.removed"]


def test_of_several_the_word_is_DELETE_and_the_integrations_may_go_too(
    browser, account, integration, embedded
):
    other = make_postgres_destination(account)
    stays = make_integration(account, destination=other)
    url = address(embedded, "remove")
    asked = text_of(browser.get(url))
    assert (
        "What happens 1 integration loads into DuckDB: Customer Records. Paused or deleted, it accepts"
        in asked
    )
    assert "choose another Target Destination in its settings and resume it" in asked
    assert "Connected Source Integrations Pause the integrations Delete the integrations" in asked
    assert "is paused" not in asked.replace("One that is paused", "")
    assert browser.get(url, {"confirmation": "DuckDB"}).status_code == 422
    text = text_of(browser.get(url, {"confirmation": "DELETE", "connected": "delete"}))
    assert "1 integration is deleted: Customer Records." in text
    assert "You cannot undo this." in text
    assert "Replicate new data only" not in text
    browser.post(url, {"confirmation": "DELETE", "connected": "delete"})
    integration.refresh_from_db()
    stays.refresh_from_db()
    assert integration.deleted_at is not None
    assert not stays.is_paused
    assert destination_of(integration=integration) is None  # not silently the other one


def test_with_pause_they_are_paused_and_load_into_none_of_the_others(browser, account, integration, embedded):
    make_postgres_destination(account)
    browser.post(address(embedded, "remove"), {"confirmation": "DELETE", "connected": "pause"})
    integration.refresh_from_db()
    assert integration.is_paused
    assert integration.deleted_at is None
    assert destination_of(integration=integration) is None


def test_an_unknown_choice_is_refused(browser, account, embedded):
    make_postgres_destination(account)
    response = browser.post(address(embedded, "remove"), {"confirmation": "DELETE", "connected": "x"})
    assert response.status_code == 422
    assert account.destinations.live().count() == 2


def test_a_removed_one_is_gone_and_its_password_with_it(browser, account):
    destination = make_postgres_destination(account, display_name="Reporting", password="made up")
    browser.post(address(destination, "remove"), {"confirmation": "Reporting"})
    destination.refresh_from_db()
    assert destination.sealed_password == ""
    for page in ("edit", "remove"):
        assert browser.get(address(destination, page)).status_code == 404
    with pytest.raises(DestinationGone):
        remove_destination(destination=destination, actor=account.memberships.get().user)


def test_the_embedded_one_comes_back_with_its_file_and_takes_its_integrations(
    browser, account, integration, embedded
):
    browser.post(address(embedded, "remove"), {"confirmation": "DuckDB"})
    url = f"/client/{account.client_id}/destinations/embedded"
    text = text_of(browser.get(url))
    assert "Use DuckDB?" in text
    assert "its rows are still there" in text
    assert "Success! DuckDB is your destination." in text_of(browser.post(url, follow=True))
    back = account.destinations.live().get()
    assert back.file_path == embedded.file_path
    integration.refresh_from_db()
    assert destination_of(integration=integration) == back
    assert integration.is_paused  # until a person resumes it
    again = browser.post(url, follow=True)
    assert "The embedded warehouse is already in use" in text_of(again)
    assert account.destinations.live().count() == 1


def test_it_takes_the_place_of_a_PostgreSQL_one(browser, account, integration, settings):
    settings.EMBEDDED_WAREHOUSE = False
    postgres = make_postgres_destination(account, display_name="Reporting")
    settings.EMBEDDED_WAREHOUSE = True
    url = f"/client/{account.client_id}/destinations/embedded"
    text = text_of(browser.get(url, {"instead_of": postgres.pk}))
    assert "Reporting is removed from this account:" in text
    assert "1 integration is paused: Customer Records." in text
    done = text_of(browser.post(url, {"instead_of": postgres.pk}, follow=True))
    assert "Success! DuckDB is your destination. 1 integration is paused: resume it on the dashboard." in done
    assert account.destinations.live().get().is_embedded
    integration.refresh_from_db()
    assert destination_of(integration=integration).is_embedded


def test_where_the_operator_switched_it_off_it_is_not_offered(browser, account, settings):
    settings.EMBEDDED_WAREHOUSE = False
    url = f"/client/{account.client_id}/destinations"
    assert "DuckDB" not in text_of(browser.get(url))
    assert "switched off on this server" in text_of(browser.post(f"{url}/embedded", follow=True))
    assert not account.destinations.exists()


NOWHERE = Connection(host="127.0.0.1", port=1, database="d", username="u", password="p")


@pytest.mark.django_db(transaction=True)
def test_P6_of_many_at_once_no_more_than_the_plan_allows_are_added():
    account = make_account(plan="standard")
    actor = make_member(account)
    made, refused = [], []

    def add(number: int) -> None:
        names = {"display_name": f"Warehouse {number}", "description": ""}
        try:
            made.append(
                add_postgres_destination(
                    account=account, actor=actor, names=names, connection=NOWHERE, steps=[]
                )
            )
        except DestinationLimitReached:
            refused.append(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 7)
    assert account.destinations.live().count() == 1


@pytest.mark.django_db(transaction=True)
def test_P6_of_two_replacements_at_once_one_is_told_that_it_came_too_late():
    account = make_account(plan="standard")
    actor = make_member(account)
    replaced = main_destination(account=account)
    told = []

    def replace(number: int) -> None:
        names = {"display_name": f"Warehouse {number}", "description": ""}
        try:
            add_postgres_destination(
                account=account, actor=actor, names=names, connection=NOWHERE, steps=[], replaces=replaced
            )
        except DestinationGone:
            told.append(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=replace, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    assert account.destinations.live().count() == 1


def test_A1_a_change_that_fails_half_way_leaves_neither_half(account, integration, embedded, monkeypatch):
    def break_down(*arguments, **options):
        raise RuntimeError

    monkeypatch.setattr("integrations.services.destination_changes.settle_in", break_down)
    with pytest.raises(RuntimeError):
        add_embedded_destination_over(account)
    integration.refresh_from_db()
    assert not integration.is_paused
    assert not AuditEvent.objects.filter(account=account).exists()
    assert account.destinations.live().count() == 2


def add_embedded_destination_over(account):
    postgres = make_postgres_destination(account)
    account.destinations.filter(type="duckdb").update(display_name="File")
    actor = account.memberships.get().user
    add_postgres_destination(
        account=account,
        actor=actor,
        names={"display_name": "New", "description": ""},
        connection=NOWHERE,
        steps=[],
        replaces=postgres,
    )


def test_the_embedded_one_is_added_once(account, embedded):
    actor = account.memberships.first() and account.memberships.first().user
    assert add_embedded_destination(account=account, actor=actor) == embedded
