"""Creating, renaming, pausing, resuming and deleting integrations."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction

from accounts import secrets
from accounts.models import AuditEvent
from integrations.models import AccessToken, Integration
from integrations.services.integrations import (
    AlreadyCreated,
    create_import_api_integration_with_token,
    create_integration,
    delete_integration,
    pause_integration,
    rename_integration,
    resume_integration,
)
from integrations.services.locking import IntegrationDeleted
from integrations.services.schema_names import NameTaken
from tests.factories import make_account, make_api_key, make_integration, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


def events(account):
    return [
        (event.event, event.object_name, event.api_key_last_four)
        for event in AuditEvent.objects.filter(account=account).order_by("pk")
    ]


def test_T09_T15_T19_an_integration_is_made_with_its_first_token(account, member):
    integration, secret = create_import_api_integration_with_token(
        account=account, actor=member, display_name=" Customer Records "
    )
    stored = Integration.objects.get(account=account)
    assert (stored.display_name, stored.schema_name, stored.status, stored.created_by) == (
        "Customer Records",
        "customer_records",
        "Active",
        member,
    )
    assert secrets.is_well_formed(secret, secrets.ACCESS_TOKEN_PREFIX)
    token = AccessToken.objects.get(integration=integration)
    assert bytes(token.digest) == secrets.digest(secret)
    assert (token.account, token.created_by, token.is_active) == (account, member, True)
    assert events(account) == [
        ("integration.created", "Customer Records", ""),
        ("access_token.created", "Customer Records", ""),
    ]


def test_T04_the_connect_api_makes_one_without_a_token_and_leaves_its_key_in_the_trail(account, member):
    key, _ = make_api_key(account, member)
    integration = create_integration(
        account=account, actor=member, display_name="Orders", schema_name="sales", api_key=key
    )
    assert (integration.schema_name, integration.access_tokens.count()) == ("sales", 0)
    assert events(account) == [("integration.created", "Orders", key.last_four)]


def test_neither_half_stays_when_the_token_cannot_be_made(account, member, monkeypatch):
    def fail(prefix):
        raise RuntimeError

    monkeypatch.setattr("integrations.services.access_tokens.secrets.generate", fail)
    with pytest.raises(RuntimeError):
        create_import_api_integration_with_token(account=account, actor=member, display_name="Orders")
    assert (Integration.objects.count(), AccessToken.objects.count(), events(account)) == (0, 0, [])


def test_a_form_sent_twice_makes_one_integration_and_one_token(account, member):
    form_id = uuid.uuid4()
    first, _ = create_import_api_integration_with_token(
        account=account, actor=member, display_name="Orders", form_id=form_id
    )
    with pytest.raises(AlreadyCreated) as refusal:
        create_import_api_integration_with_token(
            account=account, actor=member, display_name="Orders", form_id=form_id
        )
    assert refusal.value.integration == first
    assert (Integration.objects.count(), AccessToken.objects.count()) == (1, 1)


def test_T18_renaming_leaves_the_schema_name_and_the_database_refuses_to_change_it(account, member):
    integration = make_integration(account, display_name="Orders", schema_name="orders")
    rename_integration(integration=integration, actor=member, display_name="Sales")
    integration.refresh_from_db()
    assert (integration.display_name, integration.schema_name) == ("Sales", "orders")
    assert integration.updated_at > integration.created_at
    assert events(account) == [("integration.renamed", "Sales", "")]
    integration.schema_name = "sales"
    with pytest.raises(DatabaseError), transaction.atomic():
        integration.save(update_fields=["schema_name"])


def test_renaming_to_a_name_in_use_is_refused_and_to_its_own_changes_nothing(account, member):
    make_integration(account, display_name="Orders")
    integration = make_integration(account, display_name="Sales")
    with pytest.raises(NameTaken):
        rename_integration(integration=integration, actor=member, display_name="orders")
    rename_integration(integration=integration, actor=member, display_name="Sales")
    assert events(account) == []


def test_P7_pausing_and_resuming(account, member):
    integration = make_integration(account)
    assert not pause_integration(integration=integration, actor=member).accepts_data
    pause_integration(integration=integration, actor=member)
    assert resume_integration(integration=integration, actor=member).accepts_data
    resume_integration(integration=integration, actor=member)
    assert [name for name, *_ in events(account)] == ["integration.paused", "integration.resumed"]


def test_the_connect_api_keeps_the_time_it_was_sent(account, member):
    sent = datetime(2019, 6, 1, tzinfo=UTC)
    integration = make_integration(account)
    assert pause_integration(integration=integration, actor=member, paused_at=sent).paused_at == sent


def test_resuming_ends_a_pause_by_the_system_too(account, member):
    integration = make_integration(account, system_paused_at=datetime(2024, 1, 1, tzinfo=UTC))
    assert resume_integration(integration=integration, actor=member).accepts_data


def test_deleting_frees_the_names_keeps_the_tokens_on_record_and_is_final(account, member):
    integration, _ = create_import_api_integration_with_token(
        account=account, actor=member, display_name="Orders"
    )
    assert not delete_integration(integration=integration, actor=member).accepts_data
    assert AccessToken.objects.get(integration=integration).is_active
    again = create_integration(account=account, actor=member, display_name="Orders")
    assert again.schema_name == "orders"
    for change in (delete_integration, pause_integration, resume_integration):
        with pytest.raises(IntegrationDeleted):
            change(integration=integration, actor=member)
    with pytest.raises(IntegrationDeleted):
        rename_integration(integration=integration, actor=member, display_name="Other")
