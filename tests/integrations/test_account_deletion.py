"""What is deleted with a closed account, and what stays (issue 4 B; decision D38)."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.utils import timezone

from accounts.models import Account, AuditEvent, Membership, User
from accounts.services.closing import close_account
from accounts.services.staff_rights import change_staff_rights
from accounts.services.tasks import TaskFailed
from integrations.models import Batch, IdempotencyKey, QueuedTable, RejectedFormat, RejectedRecord
from integrations.services.account_deletion import (
    QUEUE_BY_ACCOUNT,
    QUEUE_BY_INTEGRATION,
    delete_closed_accounts,
    owned_models,
)
from tests.accounts.second_factors import with_app
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_batch,
    make_integration,
    make_loaded_table,
    make_member,
    make_postgres_destination,
    make_rejected,
    make_user,
)

pytestmark = pytest.mark.django_db
SERVER = "http://testserver"


def furnish(account):
    """Give the account one of each thing."""
    member = account.memberships.first().user
    integration = make_integration(account, created_by=member)
    make_access_token(integration)
    make_api_key(account, member)
    make_postgres_destination(account)
    make_loaded_table(integration)
    make_batch(integration)
    make_rejected(integration)
    IdempotencyKey.objects.create(
        integration_id=integration.pk,
        key_digest="k" * 64,
        request_digest="r" * 64,
        receipt=make_batch(integration, "others").receipt,
        created_at=timezone.now(),
    )
    return integration


@pytest.fixture
def warehouse(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    folder = tmp_path / "warehouse"
    folder.mkdir()
    return folder


@pytest.fixture
def doomed(warehouse):
    account = make_account(company_name="Wool and Sons")
    person = make_member(account, email="ann@example.com", first_name="Ann", last_name="Bell")
    with_app(person)
    furnish(account)
    for name in (f"{account.client_id}.duckdb", f"{account.client_id}.duckdb.wal"):
        (warehouse / name).write_bytes(b"rows")
    close_account(account=account, actor=person, server=SERVER)
    return account


def later():
    return timezone.now() + timedelta(days=31)


def rows_of(account):
    """Return how many rows of each model belong to the account."""
    numbers = list(account.integrations.values_list("pk", flat=True))
    counts = {model.__name__: model._base_manager.filter(account=account).count() for model in owned_models()}
    counts |= {
        model.__name__: model.objects.filter(account_id=account.pk).count() for model in QUEUE_BY_ACCOUNT
    }
    return counts | {
        model.__name__: model.objects.filter(integration_id__in=numbers).count()
        for model in QUEUE_BY_INTEGRATION
    }


def test_nothing_is_deleted_before_its_day(doomed, warehouse):
    before = rows_of(doomed)
    delete_closed_accounts(timezone.now() + timedelta(days=29))
    assert rows_of(doomed) == before
    assert (warehouse / f"{doomed.client_id}.duckdb").exists()


def test_then_everything_is_deleted_but_a_trail_without_names(doomed, warehouse):
    integrations = list(doomed.integrations.values_list("pk", flat=True))
    ann = User.objects.get(email="ann@example.com")
    events = AuditEvent.objects.filter(account=doomed).count()
    delete_closed_accounts(later())
    assert set(rows_of(doomed).values()) == {0}
    assert not RejectedFormat.objects.filter(integration_id__in=integrations).exists()
    assert list(warehouse.iterdir()) == []
    doomed.refresh_from_db()
    assert (doomed.company_name, doomed.deleted_at is not None) == ("Deleted account", True)
    ann.refresh_from_db()
    assert (ann.get_full_name(), ann.is_active) == ("Deleted person", False)
    assert ann.email.startswith("person-")
    assert ann.email.endswith("@deleted.invalid")
    trail = AuditEvent.objects.filter(account=doomed)
    assert trail.count() == events + 1
    assert trail.first().event == "account.deleted"
    told = trail.exclude(event="account.deleted").values_list("object_name", "detail", "address")
    assert set(map(str, told)) == {"('', {}, None)"}
    assert {event.actor_id for event in trail} == {ann.pk, None}


def test_the_name_is_nowhere_any_more(doomed):
    from tests.accounts.test_secrets_never_stored import everything_stored

    ann, operator = User.objects.get(email="ann@example.com"), make_user()
    for is_staff in (True, False):
        change_staff_rights(person=ann, actor=operator, is_staff=is_staff, groups=[])
    for changed in (ann, doomed):
        LogEntry.objects.log_actions(operator.pk, [changed], CHANGE, "Changed", single_object=True)
    Account.objects.filter(pk=doomed.pk).update(staff_hold_reason="Ann Bell asked for it")
    delete_closed_accounts(later())
    left = [
        (table, value)
        for table, value in everything_stored()
        for name in ("ann@example.com", "Wool and Sons", "Bell")
        if name in value
    ]
    assert left == []


def test_another_account_and_its_people_are_untouched(doomed, warehouse):
    other = make_account(company_name="Other")
    make_member(other)
    furnish(other)
    ann = User.objects.get(email="ann@example.com")
    Membership.objects.create(account=other, user=ann)
    (warehouse / f"{other.client_id}.duckdb").write_bytes(b"rows")
    before = rows_of(other)
    delete_closed_accounts(later())
    assert rows_of(other) == before
    assert (warehouse / f"{other.client_id}.duckdb").exists()
    ann.refresh_from_db()
    assert (ann.email, ann.is_active) == ("ann@example.com", True)
    assert Batch.objects.exists()
    assert QueuedTable.objects.exists()
    assert RejectedRecord.objects.exists()


def test_staff_are_not_forgotten(doomed):
    User.objects.filter(email="ann@example.com").update(is_staff=True)
    delete_closed_accounts(later())
    assert User.objects.filter(email="ann@example.com", is_active=True).exists()


def test_a_run_that_was_cut_short_is_done_again(doomed, monkeypatch):
    def crash(*args):
        raise RuntimeError("cut short")

    with monkeypatch.context() as patch:
        patch.setattr("integrations.services.account_deletion.forget_names_in_trail", crash)
        with pytest.raises(TaskFailed):
            delete_closed_accounts(later())
    doomed.refresh_from_db()
    assert doomed.deleted_at is None
    delete_closed_accounts(later())
    delete_closed_accounts(later())
    doomed.refresh_from_db()
    assert doomed.deleted_at is not None
    assert AuditEvent.objects.filter(account=doomed, event="account.deleted").count() == 1


def test_nobody_holds_a_deletion_up_with_the_address_that_a_forgotten_person_gets(doomed):
    make_user(email=f"person-{User.objects.get(email='ann@example.com').pk}@deleted.invalid")
    delete_closed_accounts(later())
    assert not User.objects.filter(email="ann@example.com").exists()


def test_an_account_that_cannot_be_deleted_keeps_no_other(doomed, monkeypatch):
    other = make_account(company_name="Other")
    close_account(account=other, actor=make_member(other), server=SERVER)

    def crash(account):
        if account == doomed:
            raise RuntimeError("cut short")

    monkeypatch.setattr("integrations.services.account_deletion.delete_warehouse", crash)
    with pytest.raises(TaskFailed, match=str(doomed.client_id)):
        delete_closed_accounts(later())
    other.refresh_from_db()
    assert other.deleted_at is not None


def test_a_reopened_account_is_not_deleted(doomed):
    from accounts.services.closing import reopen_account

    reopen_account(account=doomed, actor=doomed.memberships.first().user, server=SERVER)
    delete_closed_accounts(later())
    assert Account.objects.get(pk=doomed.pk).company_name == "Wool and Sons"


def test_no_model_with_an_account_is_forgotten():
    """A model that carries an account is deleted with it, or is named as staying."""
    carrying = {
        model
        for app in ("accounts", "integrations")
        for model in apps.get_app_config(app).get_models()
        if any(field.name in ("account", "account_id") for field in model._meta.get_fields())
    }
    assert carrying - set(owned_models()) - set(QUEUE_BY_ACCOUNT) == {AuditEvent}
    by_integration = {
        model
        for model in apps.get_app_config("integrations").get_models()
        if model not in carrying and any(field.name == "integration_id" for field in model._meta.get_fields())
    }
    assert by_integration == set(QUEUE_BY_INTEGRATION)
