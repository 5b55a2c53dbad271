"""A destination that is replaced while data waits for it, or is on its way into it (loading.md 12)."""

import duckdb
import pytest
from django.utils import timezone

from integrations.models import Load, LoadedTable, QueuedTable
from integrations.queue import loader
from integrations.queue.loader import load_next
from integrations.services.destination_changes import add_embedded_destination, remove_destination
from integrations.services.destinations import destination_of, main_destination
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


def drain():
    QueuedTable.objects.update(not_before=timezone.now())
    while load_next():
        pass


def ids(token):
    path = main_destination(account=token.account).file_path
    with duckdb.connect(str(path), read_only=True) as file:
        return [
            row[0]
            for row in file.execute(
                f'SELECT id FROM "{token.integration.schema_name}".bikes ORDER BY id'
            ).fetchall()
        ]


def remove(token):
    token.integration.refresh_from_db()
    remove_destination(destination=main_destination(account=token.account), actor=token.created_by)


def test_what_waits_for_a_removed_destination_is_loaded_into_the_next_one(
    token, queue, django_capture_on_commit_callbacks
):
    send(token, rows=[{"id": 1, "dock": "Quay"}])
    drain()
    send(token, rows=[{"id": 2, "dock": "Pier"}])
    remove(token)
    drain()
    waiting = QueuedTable.objects.get()
    assert waiting.error == "This integration has no destination: its data waits until it has one."
    assert waiting.not_before > timezone.now()
    with django_capture_on_commit_callbacks(execute=True):
        add_embedded_destination(account=token.account, actor=token.created_by)
    while load_next():  # at once: the pause between tries is over
        pass
    assert ids(token) == [1, 2]
    token.integration.refresh_from_db()
    assert token.integration.is_paused  # what was accepted is loaded all the same


def test_a_load_that_ends_after_the_switch_counts_and_claims_no_table_of_the_new_destination(
    token, queue, monkeypatch
):
    real = loader.load_into

    def load_and_switch(loads, target, batches, **options):
        outcome = real(loads, target, batches, **options)
        remove(token)
        return outcome

    monkeypatch.setattr(loader, "load_into", load_and_switch)
    send(token)
    assert load_next()
    assert Load.objects.get().rows == 1
    assert not LoadedTable.objects.exists()
    token.integration.refresh_from_db()
    assert destination_of(integration=token.integration) is None
