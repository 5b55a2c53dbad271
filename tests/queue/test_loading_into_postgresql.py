"""From an accepted batch to rows in a PostgreSQL destination, and what a fault there does (loading.md 7.3–7.5, D36)."""

import secrets
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from integrations.models import ErrorScope, Kind, LoadedTable, Notification, QueuedTable
from integrations.queue.loader import load_next
from integrations.services.destination_changes import update_destination
from integrations.services.destination_connections import check_connection, connection_of, passed
from integrations.services.warehouses import preview_rows
from tests.factories import make_postgres_destination
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(warehouse_server):
    return warehouse_server.make_database()


@pytest.fixture
def destination(token, made):
    """Let the token's integration load into a PostgreSQL database."""
    return into(token, made)


def into(token, made, **changes):
    destination = make_postgres_destination(token.account, **(made | changes))
    token.integration.destination = destination
    token.integration.save()
    return destination


def drain():
    """Load all that waits, pauses being over."""
    QueuedTable.objects.update(not_before=timezone.now())
    while load_next():
        pass


@pytest.fixture
def rows(token, made, warehouse_server):
    def read(table="bikes"):
        schema = token.integration.schema_name
        query = f'SELECT id, dock FROM "{schema}"."{table}" ORDER BY id'
        return warehouse_server.run(query, database=made["database"])

    return read


def test_records_become_rows_and_pages_show_them(token, queue, destination, rows):
    send(token, rows=[{"id": 2, "dock": "Quay"}, {"id": 1, "dock": "Pier"}])
    send(token, rows=[{"id": 2, "dock": "Lock"}], sequence=2)
    drain()
    assert rows() == [(1, "Pier"), (2, "Lock")]
    table = LoadedTable.objects.get(name="bikes")
    assert table.row_count == 2
    preview = preview_rows(table=table)
    shown = [name for name, _ in preview.columns]
    assert sorted(row[shown.index("dock")] for row in preview.rows) == ["Lock", "Pier"]


def test_I12_a_wrong_password_holds_everything_up_is_told_and_a_right_one_lets_it_go_on_at_once(
    token, queue, destination, made, rows, warehouse_server, django_capture_on_commit_callbacks
):
    new = secrets.token_urlsafe(16)
    warehouse_server.run(f"ALTER ROLE {made['username']} PASSWORD '{new}'")
    send(token, table="bikes")
    send(token, table="docks")
    drain()
    told = Notification.objects.open().get()  # one, for both tables
    assert told.kind == Kind.DATA_WAREHOUSE_ERROR.stored
    assert told.destination == destination
    assert "password authentication failed for user" in told.details
    assert made["password"] not in told.details
    QueuedTable.objects.update(attempts=9, not_before=timezone.now() + timedelta(minutes=5))

    connection = connection_of(destination)
    right = type(connection)(**{**made, "password": new, "ssl": False})
    steps = check_connection(right)
    assert passed(steps)
    with django_capture_on_commit_callbacks(execute=True):
        update_destination(
            destination=destination,
            actor=token.created_by,
            believed_revision=destination.revision,
            names={"display_name": destination.display_name, "description": ""},
            connection=right,
            password_changed=True,
            steps=steps,
        )
    while load_next():  # without waiting for the pause to be over
        pass
    assert len(rows("bikes")) == len(rows("docks")) == 1
    assert not Notification.objects.open().exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"port": 1}, "Connection refused. Check that the hostname and port are correct"),
        ({"host": "nowhere.invalid"}, "The host name nowhere.invalid is not known."),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
    ],
)
def test_one_that_cannot_be_reached_keeps_everything_waiting(token, queue, made, changes, words):
    into(token, made, **changes)
    send(token)
    drain()
    waiting = QueuedTable.objects.get()
    assert words in waiting.error
    assert waiting.error_scope == ErrorScope.DESTINATION


def test_D36_an_address_that_was_forbidden_later_is_refused_at_use(token, queue, destination, rows, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    send(token)
    drain()
    waiting = QueuedTable.objects.get()
    assert "127.0.0.1 is in a range of addresses" in waiting.error
    assert waiting.error_scope == ErrorScope.DESTINATION
    settings.DESTINATION_FORBIDDEN_ADDRESSES = []
    drain()
    assert len(rows()) == 1


def test_another_CREDENTIAL_KEY_is_told_and_loses_nothing(token, queue, destination, rows, settings):
    right, settings.CREDENTIAL_KEY = settings.CREDENTIAL_KEY, secrets.token_urlsafe(50)
    send(token)
    drain()
    waiting = QueuedTable.objects.get()
    assert "another CREDENTIAL_KEY" in waiting.error
    assert waiting.error_scope == ErrorScope.DESTINATION
    settings.CREDENTIAL_KEY = right
    drain()
    assert len(rows()) == 1
