"""Check and Save: a PostgreSQL destination is tested for real, and only a good one is saved (app.md 11)."""

import uuid

import pytest
from django.test import Client

from accounts.models import AuditEvent, Plan
from accounts.sign_in_age import SIGNED_IN_AT
from integrations.models import Destination, LoadedTable, QueuedTable
from integrations.services import destination_connections
from integrations.services.credentials import unseal
from integrations.services.destinations import destination_of, main_destination
from tests.factories import make_integration, make_loaded_table, make_member, make_postgres_destination
from tests.integrations.conftest import make_waiting, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/destinations/postgresql"


@pytest.fixture(scope="module")
def database(warehouse_server):
    return warehouse_server.make_database()


@pytest.fixture
def typed(database):
    """What a person types who makes no mistake; the test server offers no SSL."""
    return database | {
        "display_name": "Reporting",
        "description": "For the analysts",
        "form_id": str(uuid.uuid4()),
    }


def set_plan(account, slug):
    account.plan = Plan.objects.get(slug=slug)
    account.save(update_fields=["plan"])


def events(account):
    return list(AuditEvent.objects.filter(account=account).order_by("pk").values_list("event", flat=True))


def test_the_form_asks_for_what_app_md_names_with_its_defaults(browser, url):
    response = browser.get(url)
    text = text_of(response)
    for label in (
        "Configure your PostgreSQL Destination",
        "Display Name",
        "Description (optional)",
        "Host (Endpoint)",
        "Port",
        "Username",
        "Password",
        "Database",
        "Connect using SSL",
        "Check and Save Your Settings",
        "Check and Save",
    ):
        assert label in text, label
    form = response.context["form"]
    assert (form["port"].value(), form["ssl"].value()) == (5432, True)


def test_a_good_one_is_saved_beside_the_embedded_one_and_moves_nothing(
    browser, account, integration, url, typed
):
    embedded = main_destination(account=account)
    response = browser.post(url, typed, follow=True)
    assert response.redirect_chain == [(f"/client/{account.client_id}/destinations", 302)]
    assert "Success! Reporting is connected." in text_of(response)
    saved = account.destinations.get(type="postgres")
    assert (saved.display_name, saved.description) == ("Reporting", "For the analysts")
    assert [getattr(saved, name) for name in ("host", "port", "database", "username", "ssl")] == [
        typed["host"],
        typed["port"],
        typed["database"],
        typed["username"],
        False,
    ]
    assert unseal(saved.sealed_password, account=account) == typed["password"]
    assert saved.check_passed
    assert destination_of(integration=integration) == embedded
    integration.refresh_from_db()
    assert not integration.is_paused
    assert events(account)[-1] == "destination.added"
    assert typed["password"] not in text_of(browser.get(f"/client/{account.client_id}/destinations"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "wrong"}, "FATAL: password authentication failed for user"),
        ({"database": "nowhere"}, 'FATAL: database "nowhere" does not exist.'),
        ({"port": "1"}, "Connection refused. Check that the hostname and port are correct"),
        ({"ssl": "on"}, "server does not support SSL, but SSL was required."),
        ({"host": "nowhere.invalid"}, "The host name nowhere.invalid is not known."),
    ],
)
def test_a_test_that_fails_saves_nothing_keeps_what_was_typed_and_shows_its_log(
    browser, account, url, typed, wrong, words
):
    response = browser.post(url, typed | wrong)
    text = text_of(response)
    assert response.status_code == 422
    assert not account.destinations.filter(type="postgres").exists()
    assert text.count(words) == 2  # over the form, and in the log
    assert "View connection test logs Checking connection…" in text
    assert "FAILED" in text
    page = response.content.decode()
    for name in ("display_name", "description", "database", "username", "host", "port"):
        assert f'value="{(typed | wrong)[name]}"' in page, name
    assert typed["password"] not in page
    assert "Nothing was saved. Type the password again" in text
    assert events(account) == []


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"host": "db.example.com:5432"}, "host", "Use a host name, for example"),
        ({"host": "/var/run/postgresql"}, "host", "Use a host name, for example"),
        ({"host": "a.example,b.example"}, "host", "Use a host name, for example"),
        ({"host": ""}, "host", "This field is required"),
        ({"port": "0"}, "port", "greater than or equal to 1"),
        ({"port": "65536"}, "port", "less than or equal to 65535"),
        ({"port": "x"}, "port", "Use a whole number from 1 to 65535."),
        ({"username": "é" * 32}, "username", "Use at most 63 bytes. This name has 64."),
        ({"database": "d" * 64}, "database", "Use at most 63 bytes. This name has 64."),
        ({"database": "a\0b"}, "database", "Null characters are not allowed"),
        ({"password": ""}, "password", "This field is required"),
        ({"display_name": " "}, "display_name", "This field is required"),
        ({"display_name": "a\nb"}, "display_name", "Use one line of text"),
        ({"display_name": "x" * 101}, "display_name", "Use at most 100 characters"),
        ({"ssl_root_certificate": "hello"}, "ssl_root_certificate", "This is no certificate in PEM form"),
        (
            {"ssl_root_certificate": "-----BEGIN PRIVATE KEY-----"},
            "ssl_root_certificate",
            "Leave the private key out",
        ),
        ({"form_id": "x"}, "__all__", "This form was not complete. Open it again."),
    ],
)
def test_bad_input_is_refused_beside_its_field_before_anything_is_connected_to(
    browser, url, typed, monkeypatch, wrong, field, words
):
    monkeypatch.setattr("integrations.views.destinations.check_connection", lambda connection: pytest.fail())
    response = browser.post(url, typed | wrong)
    assert response.status_code == 422
    assert words in " ".join(response.context["form"].errors[field])


def test_in_the_place_of_another_it_says_what_happens_and_wants_it_understood(
    browser, account, integration, url, typed
):
    embedded = main_destination(account=account)
    make_waiting(integration, "orders", 3)
    instead = {"instead_of": str(embedded.pk)}
    text = text_of(browser.get(url, instead))
    assert "DuckDB is removed from this account: 1 integration is paused: Customer Records." in text
    assert "3 accepted records that wait will be loaded into the new destination." in text
    assert "What was loaded stays in DuckDB: nothing is moved or deleted" in text
    assert "Replicate new data only" in text
    refused = browser.post(url, typed | instead)
    assert refused.status_code == 422
    box = browser.get(url, instead).context["form"]["understood"].as_widget()
    assert 'autocomplete="off"' in box  # or the browser ticks it by itself when one goes back
    assert "Tick this box to go on" in text_of(refused)
    assert account.destinations.get() == embedded


def test_replacing_pauses_moves_and_forgets_no_more_than_it_says(browser, account, integration, url, typed):
    embedded = main_destination(account=account)
    make_loaded_table(integration, name="orders")
    waiting = make_waiting(integration, "orders", 3, error="The file is held", scope="destination")
    QueuedTable.objects.filter(pk=waiting.pk).update(attempts=7)
    paused_by_hand = make_integration(account, paused_at=integration.created_at)
    gone = make_integration(account, deleted_at=integration.created_at)
    with_others = {"instead_of": str(embedded.pk), "understood": "on"}
    response = browser.post(url, typed | with_others)
    assert response.status_code == 302, text_of(response)
    new = account.destinations.live().get()
    embedded.refresh_from_db()
    assert embedded.deleted_at is not None
    for each in (integration, paused_by_hand, gone):
        each.refresh_from_db()
        assert each.destination == new
    assert integration.system_paused_at is not None
    assert paused_by_hand.system_paused_at is None
    assert gone.system_paused_at is None
    assert not LoadedTable.objects.exists()
    assert events(account) == [
        "integration.paused",
        "destination.removed",
        "destination.added",
        "integration.mapped",
        "integration.mapped",
    ]


def test_a_plan_with_room_for_one_replaces_that_one(browser, account, integration, url, typed):
    set_plan(account, "standard")
    embedded = main_destination(account=account)
    assert "1 integration is paused: Customer Records." in text_of(browser.get(url))
    done = browser.post(url, typed | {"understood": "on"}, follow=True)
    assert "Success! Reporting is connected. 1 integration is paused: resume it on the dashboard." in text_of(
        done
    )
    assert account.destinations.live().get() != embedded
    again = {"instead_of": str(account.destinations.live().get().pk)}
    assert "Reporting is removed from this account, with its stored password:" in text_of(
        browser.get(url, again)
    )


def test_beyond_the_plans_limit_it_is_refused(browser, account, url, typed):
    for _ in range(3):
        make_postgres_destination(account)
    assert account.plan.max_destinations == 3
    for response in (browser.get(url), browser.post(url, typed)):
        assert response.status_code == 409
        assert "you are at your destination limit" in text_of(response)
    assert account.destinations.count() == 3


def test_a_form_that_is_sent_twice_adds_once(browser, account, url, typed):
    browser.post(url, typed)
    again = browser.post(url, typed, follow=True)
    assert "This form was sent twice. The destination was added once." in text_of(again)
    assert account.destinations.filter(type="postgres").count() == 1


def test_a_name_is_used_once(browser, account, url, typed):
    make_postgres_destination(account, display_name="reporting")
    response = browser.post(url, typed)
    assert response.status_code == 422
    assert "Another destination of this account has this name." in " ".join(
        response.context["form"].errors["display_name"]
    )


@pytest.mark.parametrize("named", ["987654321", "x", "9" * 30, "-1"])
def test_in_the_place_of_none_of_ours_is_refused(browser, account, url, typed, named):
    rival = make_postgres_destination(make_member().memberships.get().account)
    for value in (named, str(rival.pk)):
        response = browser.post(url, typed | {"instead_of": value})
        assert response.status_code == 409
        assert "This destination was removed meanwhile." in text_of(response)
    assert not account.destinations.filter(type="postgres").exists()


def test_while_other_tests_keep_the_server_busy_it_says_so(browser, url, typed):
    for _ in range(destination_connections.CHECKS_AT_ONCE):
        destination_connections.slots.acquire()
    try:
        response = browser.post(url, typed)
    finally:
        for _ in range(destination_connections.CHECKS_AT_ONCE):
            destination_connections.slots.release()
    assert response.status_code == 422
    assert "Other connection tests are running on this server." in text_of(response)


def test_D40_what_was_typed_survives_the_question_for_the_password_and_the_secret_is_asked_for_again(
    browser, member, account, url, typed
):
    session = browser.session
    session[SIGNED_IN_AT] = 0
    session.save()
    asked = browser.post(url, typed)
    assert asked.status_code == 422
    assert typed["password"] not in asked.content.decode()
    carried = dict(asked.context["carried"])
    assert carried["host"] == typed["host"]
    assert carried["left_out"] == "password"
    again = browser.post(url, carried | {"password_again": "correct horse battery staple"})
    assert again.status_code == 422
    assert "it was not kept while you confirmed it is you" in text_of(again)
    assert f'value="{typed["database"]}"' in again.content.decode()
    assert browser.post(url, carried | {"password": typed["password"]}).status_code == 302
    assert account.destinations.filter(type="postgres").exists()


def test_D36_a_forbidden_address_is_refused_at_save(browser, account, url, typed, settings):
    from ipaddress import ip_network

    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    response = browser.post(url, typed)
    assert response.status_code == 422
    assert "127.0.0.1 is in a range of addresses that the people who run this server do not allow" in text_of(
        response
    )
    assert not Destination.objects.filter(account=account, type="postgres").exists()


def test_S4_it_wants_a_token_of_the_form(member, url, typed):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post(url, typed).status_code == 403
