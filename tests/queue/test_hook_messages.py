"""What post-load hooks are told, by real loads and in the transaction that records them (connect-api.md appendix C)."""

import json
import re

import pytest
from django.utils import timezone

from accounts.models import Plan, Task
from integrations.loading.errors import LoadError
from integrations.models import Delivery, Destination, Kind, Load, QueuedTable
from integrations.queue import claiming, loader, recording
from integrations.queue.loader import load_next
from integrations.services import hook_messages
from integrations.services.hook_messages import body_of_load
from integrations.services.hooks import disable_hook
from tests.factories import make_hook, make_postgres_destination
from tests.queue.sending import send

pytestmark = pytest.mark.django_db
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture
def hook(token, queue):
    return make_hook(token.account)


def drain():
    """Load all that waits, pauses and leases being over."""
    QueuedTable.objects.update(not_before=timezone.now(), lease=None, leased_until=None)
    while load_next():
        pass


def to_send():
    """Return the work of sending messages; loads ask for other work too."""
    return Task.objects.filter(kind="hook")


def bodies():
    return [json.loads(body) for body in Delivery.objects.order_by("pk").values_list("body", flat=True)]


def test_one_message_for_each_table_of_a_load_with_the_documented_body(token, hook):
    send(
        token,
        rows=[{"id": 1, "dock": "Quay"}, {"id": 2, "dock": None}],
        bookmark_names=["id"],
    )
    send(token, table="docks", rows=[{"id": 1}])
    drain()

    first, second = bodies()
    assert TIME.fullmatch(first.pop("minimum_sdc_batched_at"))
    assert first == {
        "version": "1.0",
        "integration_name": token.integration.schema_name,
        "new_version": False,
        "source_root_table_name": "bikes",
        "destination_root_table_name": "bikes",
        "table_version": 0,
        "tables": [
            {
                "source_table_name": "bikes",
                "destination_table_name": "bikes",
                "num_rows": 2,
                "num_rows_rejected": 0,
                "bookmark_metadata": [{"key": "id", "min_value": "1", "max_value": "2"}],
                "max_time_extracted": None,
            }
        ],
    }
    assert second["source_root_table_name"] == "docks"
    assert sorted(task.facts["delivery"] for task in to_send()) == sorted(
        Delivery.objects.values_list("pk", flat=True)
    )
    assert set(Delivery.objects.values_list("event", "state", "table_name")) == {
        ("load", "waiting", "bikes"),
        ("load", "waiting", "docks"),
    }


def test_subtables_follow_their_root_under_the_arrays_key(token, hook):
    schema = {
        "properties": {
            "id": {"type": "integer"},
            "tags": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        }
    }
    send(token, rows=[{"id": 1, "tags": [{"name": "red"}, {"name": "new"}]}], schema=schema)
    drain()
    [body] = bodies()
    assert [
        (table["source_table_name"], table["destination_table_name"], table["num_rows"])
        for table in body["tables"]
    ] == [("bikes", "bikes", 1), ("tags", "bikes__tags", 2)]


def test_rejected_rows_are_told_too_and_alone(token, hook):
    send(token, rows=[{"id": 1, "_sdc_mine": 1}])
    drain()
    [body] = bodies()
    assert body["tables"][0]["num_rows"] == 0
    assert body["tables"][0]["num_rows_rejected"] == 1
    assert body["tables"][0]["bookmark_metadata"] is None


def test_a_load_that_changed_nothing_sends_nothing(token, hook):
    send(token, rows=[{"id": 1, "dock": "Quay"}], sequence=2)
    drain()
    send(token, rows=[{"id": 1, "dock": "Pier"}], sequence=1)
    drain()
    assert Load.objects.count() == 2
    assert Delivery.objects.count() == 1


def test_J3_a_table_that_cannot_be_loaded_is_told_once_with_its_reason(token, hook, monkeypatch):
    send(token)

    def refuse(*_, **__):
        raise LoadError("The disk of the warehouse is full.")

    with monkeypatch.context() as patch:
        patch.setattr(loader, "load_into", refuse)
        for _ in range(3):
            QueuedTable.objects.update(not_before=timezone.now())
            load_next()
    [body] = bodies()
    assert body["error"] == {"message": "The disk of the warehouse is full."}
    assert body["tables"][0]["num_rows"] == 0
    drain()
    assert [delivery.event for delivery in Delivery.objects.order_by("pk")] == ["load_failed", "load"]


@pytest.mark.parametrize(
    ("module", "step"),
    [(recording, "record_loads"), (claiming, "mark_loaded"), (recording, "settle"), (claiming, "release")],
)
def test_a_loader_killed_at_any_step_leaves_one_message(token, hook, monkeypatch, module, step):
    send(token, rows=[{"id": 1}, {"id": 2}])

    def kill(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, step, kill)
        load_next()
    drain()
    [body] = bodies()
    assert body["tables"][0]["num_rows"] == 2
    assert to_send().count() == 1


@pytest.mark.django_db(transaction=True)
def test_no_load_is_recorded_without_its_message(token, hook, monkeypatch):
    """Both are written together: a message that cannot be written undoes the record, and the load is told again."""
    send(token)
    with monkeypatch.context() as patch, pytest.raises(Killed):

        def kill(delivery):
            raise Killed

        patch.setattr(hook_messages, "enqueue", kill)
        load_next()
    assert (Load.objects.count(), Delivery.objects.count()) == (0, 0)
    drain()
    assert (Load.objects.count(), Delivery.objects.count(), to_send().count()) == (1, 1, 1)


def test_only_enabled_hooks_of_the_destination_that_was_loaded_are_told(token, hook):
    other = make_postgres_destination(token.account)
    elsewhere, off = make_hook(token.account, destination=other), make_hook(token.account)
    disable_hook(hook=off, actor=off.created_by)
    send(token)
    drain()
    assert Delivery.objects.get().hook == hook
    assert elsewhere.deliveries.count() == 0


def test_a_plan_without_hooks_tells_nobody(token, hook):
    token.account.plan = Plan.objects.get(slug="standard")
    token.account.save(update_fields=["plan"])
    send(token)
    drain()
    assert Load.objects.count() == 1
    assert not Delivery.objects.exists()


def test_a_closed_account_is_told_of_nothing(token, hook):
    token.account.closed_at = timezone.now()
    token.account.save(update_fields=["closed_at"])
    send(token)
    drain()
    assert not Delivery.objects.exists()


def test_one_message_too_many_is_kept_unsent_and_told(token, hook, monkeypatch):
    monkeypatch.setattr(hook_messages, "MOST_WAITING", 2)
    for number in range(3):
        send(token, rows=[{"id": number}])
        drain()
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == [
        "waiting",
        "waiting",
        "dropped",
    ]
    assert to_send().count() == 2
    assert token.account.notifications.open().get().kind == Kind.UNDELIVERABLE_HOOK.stored


def test_P3_no_secret_stands_in_a_message(token, hook, monkeypatch):
    told = []
    monkeypatch.setattr(
        hook_messages, "body_of_load", lambda *given: told.append(body_of_load(*given)) or told[-1]
    )
    send(token)
    drain()
    assert set(told[0]) == {
        "version",
        "minimum_sdc_batched_at",
        "integration_name",
        "new_version",
        "source_root_table_name",
        "destination_root_table_name",
        "table_version",
        "tables",
    }
    assert Destination.objects.count() == 1
