"""Edit a destination: its names, where it is, and a password that never comes back (app.md 11, P3, D33)."""

import secrets

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import QueuedTable
from integrations.services.credentials import unseal
from integrations.services.destinations import main_destination
from integrations.services.engines import capabilities_of
from tests.accounts.test_secrets_never_stored import everything_stored
from tests.factories import make_member, make_postgres_destination
from tests.integrations.conftest import make_waiting, text_of

pytestmark = pytest.mark.django_db
FIELDS = ("host", "port", "database", "username")


@pytest.fixture(scope="module")
def database(warehouse_server):
    return warehouse_server.make_database()


@pytest.fixture
def destination(account, database):
    return make_postgres_destination(account, display_name="Reporting", **database)


@pytest.fixture
def url(destination):
    return f"/client/{destination.account.client_id}/destinations/{destination.pk}/edit"


def typed(destination, **changes):
    """Return the form as it opens, with what a person changes."""
    return {
        "display_name": destination.display_name,
        "description": destination.description,
        "revision": destination.revision,
        "password": "",
        **{name: getattr(destination, name) for name in FIELDS},
        **changes,
    }


def test_the_form_opens_filled_in_without_the_password(browser, destination, url, database):
    response = browser.get(url)
    text = text_of(response)
    page = response.content.decode()
    assert "Update PostgreSQL Settings" in text
    assert "It is never shown. Leave the field empty to keep it." in text
    assert 'placeholder="A password is stored"' in page
    for name in FIELDS:
        assert f'value="{database[name]}"' in page
    assert database["password"] not in page
    assert destination.sealed_password not in page


def test_an_empty_password_keeps_the_stored_one(browser, destination, url, database):
    response = browser.post(url, typed(destination, display_name="Analysts", description="All of it"))
    assert response.status_code == 302, text_of(response)
    sealed = destination.sealed_password
    destination.refresh_from_db()
    assert (destination.display_name, destination.description) == ("Analysts", "All of it")
    assert destination.sealed_password == sealed
    event = AuditEvent.objects.get(event="destination.updated")
    assert event.detail == {
        "before": {"display_name": "Reporting", "description": ""},
        "after": {"display_name": "Analysts", "description": "All of it"},
        "password_changed": False,
        "certificate_changed": False,
    }


def test_a_new_password_is_tested_and_sealed(browser, account, warehouse_server):
    destination = make_postgres_destination(account, **warehouse_server.make_database())
    url = f"/client/{account.client_id}/destinations/{destination.pk}/edit"
    new = secrets.token_urlsafe(16)
    refused = browser.post(url, typed(destination, password=new))
    assert refused.status_code == 422
    assert "password authentication failed" in text_of(refused)
    warehouse_server.run(f"ALTER ROLE {destination.username} PASSWORD '{new}'")
    assert browser.post(url, typed(destination, password=new)).status_code == 302
    destination.refresh_from_db()
    assert unseal(destination.sealed_password, account=destination.account) == new
    assert AuditEvent.objects.get(event="destination.updated").detail["password_changed"] is True


@pytest.mark.parametrize("changes", [{"host": "attacker.example"}, {"port": 6543}, {"username": "postgres"}])
def test_the_stored_password_is_sent_to_no_other_server_and_as_nobody_else(
    browser, destination, url, monkeypatch, changes
):
    monkeypatch.setattr("integrations.views.destinations.check_connection", lambda connection: pytest.fail())
    response = browser.post(url, typed(destination, **changes))
    assert response.status_code == 422
    assert "Type the password again: the stored one is for" in text_of(response)


def test_the_stored_password_is_not_sent_without_SSL_where_it_was_with(
    browser, destination, url, monkeypatch
):
    monkeypatch.setattr("integrations.views.destinations.check_connection", lambda connection: pytest.fail())
    destination.ssl = True
    destination.save()
    response = browser.post(url, typed(destination))
    assert response.status_code == 422
    assert "Type the password again to send it without SSL" in text_of(response)


def test_a_typed_password_that_a_refusal_dropped_is_not_silently_the_old_one(browser, destination, url):
    refused = browser.post(url, typed(destination, password="new", display_name=""))
    assert 'name="left_out" value="password"' in refused.content.decode()
    response = browser.post(url, typed(destination, left_out="password"))
    assert response.status_code == 422
    assert "Type the password again" in text_of(response)


def test_a_changed_setting_lets_what_waits_be_tried_at_once(
    browser, destination, url, integration, django_capture_on_commit_callbacks
):
    """loading.md 7.5: the pauses between tries begin anew when settings change."""
    integration.destination = destination
    integration.save()
    waiting = make_waiting(integration, "orders", 3, error="Connection refused.", scope="destination")
    QueuedTable.objects.filter(pk=waiting.pk).update(attempts=9)
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(url, typed(destination, description="new disk")).status_code == 302
    waiting.refresh_from_db()
    assert waiting.not_before <= timezone.now()
    assert waiting.attempts == 0


def test_two_people_who_edit_at_once_are_told(browser, destination, url):
    first = typed(destination, description="mine")
    browser.post(url, typed(destination, description="theirs"))
    refused = browser.post(url, first)
    assert refused.status_code == 422
    assert "Somebody else changed these settings while you were editing them." in text_of(refused)
    assert 'value="mine"' in refused.content.decode()
    destination.refresh_from_db()
    assert destination.description == "theirs"
    assert f'name="revision" value="{destination.revision}"' in refused.content.decode()
    assert browser.post(url, first | {"revision": destination.revision}).status_code == 302
    destination.refresh_from_db()
    assert destination.description == "mine"


def test_without_the_CREDENTIAL_KEY_it_asks_for_the_password_and_nothing_breaks(
    browser, destination, url, database, settings
):
    settings.CREDENTIAL_KEY = secrets.token_urlsafe(50)
    assert browser.get(url).status_code == 200
    response = browser.post(url, typed(destination))
    assert response.status_code == 422
    assert "it was stored under another CREDENTIAL_KEY" in " ".join(
        response.context["form"].errors["password"]
    )


def test_the_embedded_one_has_names_only(browser, account):
    embedded = main_destination(account=account)
    url = f"/client/{account.client_id}/destinations/{embedded.pk}/edit"
    text = text_of(browser.get(url))
    assert "Update DuckDB Settings" in text
    assert "Password" not in text
    names = {
        "display_name": "The file",
        "description": "",
        "revision": embedded.revision,
        "host": "db.example.com",
    }
    assert browser.post(url, names).status_code == 302
    embedded.refresh_from_db()
    assert (embedded.display_name, embedded.host) == ("The file", "")


def test_P11_another_accounts_destination_is_not_found(browser, account):
    theirs = make_postgres_destination(make_member().memberships.get().account)
    for page in ("edit", "remove"):
        assert browser.get(f"/client/{account.client_id}/destinations/{theirs.pk}/{page}").status_code == 404
    assert browser.post(f"/client/{account.client_id}/destinations/{theirs.pk}/check").status_code == 404


def test_P3_D33_the_password_is_stored_logged_and_shown_nowhere_in_clear(
    browser, member, account, warehouse_server, caplog, settings
):
    caplog.set_level("DEBUG")
    made = warehouse_server.make_database()
    list_url = f"/client/{account.client_id}/destinations"
    names = {"display_name": "Reporting", "description": ""}
    pages = [browser.post(f"{list_url}/postgresql", made | names | {"port": 1})]
    pages.append(browser.post(f"{list_url}/postgresql", made | names, follow=True))
    destination = account.destinations.get(type="postgres")
    address = f"{list_url}/{destination.pk}"
    pages += [browser.get(f"{address}/{page}") for page in ("edit", "remove")]
    pages.append(browser.post(f"{address}/check", follow=True))
    settings.CREDENTIAL_KEY, real = secrets.token_urlsafe(50), settings.CREDENTIAL_KEY
    pages.append(browser.post(f"{address}/check", follow=True))
    settings.CREDENTIAL_KEY = real
    member.is_staff = member.is_superuser = True
    member.save()
    admin = "/admin/integrations/destination/"
    pages += [browser.get(admin), browser.get(f"{admin}{destination.pk}/change/")]
    pages += [browser.get(f"/client/{account.client_id}/account/{page}") for page in ("audit", "audit.csv")]

    stored = list(everything_stored())
    assert "integrations_destination" in {table for table, _ in stored}
    assert [table for table, value in stored if made["password"] in value] == []
    assert [record for record in caplog.records if made["password"] in str(vars(record))] == []
    for shown in pages:
        content = b"".join(shown) if shown.streaming else shown.content
        assert made["password"] not in content.decode()
        assert destination.sealed_password not in content.decode()
    assert made["password"] not in repr(destination) + str(destination)


def test_how_data_is_loaded_is_chosen_and_the_trail_tells(browser, account):
    destination = main_destination(account=account)
    url = f"/client/{account.client_id}/destinations/{destination.pk}/edit"
    page = text_of(browser.get(url))
    assert "Keep a column's name when a second type appears in it" in page
    sent = {"display_name": destination.display_name, "description": "", "revision": destination.revision}
    browser.post(url, sent | {"keep_name_on_split": "on", "prunes_sub_rows": "on"})
    destination.refresh_from_db()
    chosen = capabilities_of(destination)
    assert (chosen.rename_original_on_split, chosen.keep_leading_digits, chosen.prunes_sub_rows) == (
        False,
        False,
        True,
    )
    event = AuditEvent.objects.get(event="destination.updated")
    assert event.detail["after"] == {"keep_name_on_split": True, "prunes_sub_rows": True}
    browser.post(url, sent | {"revision": destination.revision})
    destination.refresh_from_db()
    assert capabilities_of(destination).rename_original_on_split
