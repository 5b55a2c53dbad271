"""What loading tells people, and when it stops: by what really happens (app.md 12, loading.md 7.6, I11, I12)."""

from datetime import timedelta

import duckdb
import pytest
from django.utils import timezone

from integrations.loading.errors import LoadError, NoDestination
from integrations.models import Kind, Notification, QueuedTable
from integrations.queue import bodies, claiming, loader, telling
from integrations.queue.loader import load_next
from integrations.services.destination_changes import (
    add_embedded_destination,
    record_check,
    remove_destination,
)
from integrations.services.destination_connections import Step
from integrations.services.integrations import delete_integration
from integrations.services.rejected_records import dismiss_rejected, rejected_records, reopen_rejected
from tests.queue.sending import send
from tests.queue.test_loader import drain

pytestmark = pytest.mark.django_db
WEIGHTY = {"transient": False}


def fail(monkeypatch, *errors):
    """Let the next loads fail so; those after them are as usual."""
    left, real = list(errors), loader.load_into

    def load_into(loads, target, batches, **options):
        if left:
            raise left.pop(0)
        return real(loads, target, batches, **options)

    monkeypatch.setattr(loader, "load_into", load_into)


def try_again():
    QueuedTable.objects.update(not_before=timezone.now())
    while load_next():
        pass


def told():
    return [(each.kind, each.occurrences) for each in Notification.objects.open().order_by("pk")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LoadError("Key mismatch"), Kind.ERROR_PERSISTING_TABLE),
        (LoadError("A view depends on it", fault="warehouse"), Kind.DATA_LOADING_ERROR),
        (LoadError("locked", transient=True, fault="warehouse"), Kind.DATA_LOADING_ERROR),
        (LoadError("ERROR: this cannot be stored", fault="data"), Kind.UNABLE_TO_LOAD),
        (LoadError("Internal error", fault="own"), Kind.INTERNAL_LOADING),
        (LoadError("wrong password", scope="destination"), Kind.DATA_WAREHOUSE_ERROR),
        (LoadError("refused", scope="destination", transient=True), Kind.DATA_LOADING_ERROR),
        (NoDestination(), Kind.DATA_LOADING_ERROR),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_an_error_is_told_as_what_it_is(error, kind):
    assert telling.kind_of(error) is kind


def test_a_table_that_cannot_be_loaded_is_told_once_until_it_is_loaded(token, queue, monkeypatch):
    error = LoadError("Key mismatch: id")
    fail(monkeypatch, error, error, error)
    send(token)
    drain()
    for _ in range(2):
        try_again()
    note = Notification.objects.open().get()
    assert (note.kind, note.occurrences) == (Kind.ERROR_PERSISTING_TABLE.stored, 3)
    assert (note.integration, note.table_name, note.details) == (
        token.integration,
        "bikes",
        "Key mismatch: id",
    )
    assert note.message == (
        f"Encountered an error while loading the table bikes of {token.integration.display_name}."
    )
    try_again()
    assert told() == []
    note.refresh_from_db()
    assert note.cleared_at is not None


def test_one_cause_is_told_as_what_it_is_now(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"), LoadError("cannot be stored", fault="data"))
    send(token)
    drain()
    try_again()
    assert told() == [(Kind.UNABLE_TO_LOAD.stored, 1)]


def test_another_tables_good_load_ends_nothing_of_this_one(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"))
    send(token)
    drain()
    send(token, table="docks")
    load_next()
    assert told() == [(Kind.ERROR_PERSISTING_TABLE.stored, 1)]


def test_I12_a_destination_that_is_away_is_told_of_within_five_minutes(token, queue, monkeypatch):
    """However it is: pauses before the try that tells are far below five minutes, and nothing is told before."""
    away = LoadError("Connection refused.", scope="destination", transient=True)
    fail(monkeypatch, *[away] * 3)
    pauses = []
    monkeypatch.setattr(claiming, "pause_after", lambda tries: pauses.append(most(tries)) or timedelta(0))
    send(token)
    send(token, table="docks")
    drain()
    note = Notification.objects.get()
    assert note.began_at is not None
    assert sum(pauses[:2], timedelta(0)) < timedelta(minutes=1)
    assert note.cleared_at is not None  # the try after these went well


def most(tries):
    """Return the longest pause after so many tries: that of the rule, spread by a quarter."""
    return min(claiming.FIRST_PAUSE * 2 ** (tries - 1), claiming.LONGEST_PAUSE) * 1.25


def test_a_destination_is_told_of_once_however_many_tables_wait_for_it(token, queue, monkeypatch):
    fail(monkeypatch, *[LoadError("wrong password", scope="destination")] * 4)
    for table in ("bikes", "docks", "riders"):
        send(token, table=table)
    drain()
    note = Notification.objects.get()
    assert note.kind == Kind.DATA_WAREHOUSE_ERROR.stored
    assert note.destination == token.account.destinations.get()
    assert note.message == "Encountered an error while writing to DuckDB: all that is to go there waits."


def test_a_good_check_of_a_destination_ends_what_was_told_of_it(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("wrong password", scope="destination"))
    send(token)
    drain()
    destination = token.account.destinations.get()
    record_check(destination=destination, actor=token.created_by, steps=[Step("Connect", False, "no")])
    assert len(told()) == 1
    record_check(destination=destination, actor=token.created_by, steps=[Step("Connect", True, "")])
    assert told() == []


def test_a_destination_that_was_removed_is_told_of_no_more_and_what_waits_without_one_is(
    token, queue, monkeypatch, django_capture_on_commit_callbacks
):
    fail(monkeypatch, LoadError("wrong password", scope="destination"))
    send(token)
    drain()
    with django_capture_on_commit_callbacks(execute=True):
        remove_destination(destination=token.account.destinations.get(), actor=token.created_by)
    assert told() == []
    try_again()
    note = Notification.objects.open().get()
    assert (
        note.message
        == f"{token.integration.display_name} has no destination: its data waits until it has one."
    )
    with django_capture_on_commit_callbacks(execute=True):
        add_embedded_destination(account=token.account, actor=token.created_by)
    assert told() == []
    try_again()
    assert told() == []


def test_what_a_table_failed_with_is_over_when_its_destination_is_replaced(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"))
    send(token)
    drain()
    remove_destination(destination=token.account.destinations.get(), actor=token.created_by)
    assert told() == []


def test_a_deleted_integration_is_told_of_no_more(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"), LoadError("Key mismatch"))
    send(token)
    drain()
    delete_integration(integration=token.integration, actor=token.created_by)
    assert told() == []
    try_again()
    assert told() == []


def test_the_notice_and_the_load_are_written_together_or_not_at_all(token, queue, monkeypatch):
    class Torn(Exception):
        pass

    def torn(**options):
        raise Torn

    fail(monkeypatch, LoadError("Key mismatch"))
    send(token)
    monkeypatch.setattr(telling, "raise_notification", torn)
    with pytest.raises(Torn):
        load_next()
    assert not token.integration.loads.exists()


def test_rejected_records_are_told_until_they_are_dismissed_or_replayed(token, queue):
    send(token, rows=[{"id": 1}, {"id": 2, "n": 2**63}])
    send(token, rows=[{"id": 3, "n": 2**63}])
    drain()
    note = Notification.objects.open().get()
    assert note.kind == Kind.REJECTED_RECORDS.stored
    assert (
        note.message == f"Some records of {token.integration.display_name} could not be loaded; the rest was."
    )
    records = rejected_records(integration=token.integration, now=timezone.now())
    first, second = records.order_by("pk")
    dismiss_rejected(
        integration=token.integration, actor=token.created_by, chosen=records.filter(pk=first.pk)
    )
    assert len(told()) == 1
    dismiss_rejected(
        integration=token.integration, actor=token.created_by, chosen=records.filter(pk=second.pk)
    )
    assert told() == []
    reopen_rejected(
        integration=token.integration, actor=token.created_by, chosen=records.filter(pk=second.pk)
    )
    assert len(told()) == 1
    send(token)
    drain()  # a good load leaves them open
    assert len(told()) == 1


def test_replayed_records_wait_no_more(token, queue):
    from integrations.loading.remedies import Remedy, RemedyKind
    from integrations.queue.replaying import replay_rejected

    send(token, rows=[{"id": 2, "n": 2**63}])
    drain()
    replay_rejected(
        integration=token.integration,
        actor=token.created_by,
        chosen=rejected_records(integration=token.integration, now=timezone.now()),
        remedy=Remedy(RemedyKind.DROP, ("n",)),
    )
    assert told() == []


def test_what_cannot_be_read_back_is_told(token, queue, monkeypatch):
    from integrations.queue.segments import BodyMissing

    def missing(*where):
        raise BodyMissing("The segment is gone.")

    monkeypatch.setattr(bodies, "read_body", missing)
    send(token)
    drain()
    note = Notification.objects.open().get()
    assert note.kind == Kind.INTERNAL_LOADING.stored
    assert "The segment is gone." in note.details
    assert note.message.startswith("Some of the data accepted for the table bikes of ")


def test_a_real_key_mismatch_is_told_as_the_tables_fault(token, queue):
    send(token)
    drain()
    path = token.account.destinations.get().file_path
    with duckdb.connect(str(path)) as connection:
        connection.execute(f'USE "{token.integration.schema_name}"')
        connection.execute("DROP TABLE bikes")
        connection.execute("CREATE TABLE bikes (other BIGINT PRIMARY KEY)")
    send(token)
    drain()
    assert [kind for kind, _ in told()] == [Kind.ERROR_PERSISTING_TABLE.stored]
