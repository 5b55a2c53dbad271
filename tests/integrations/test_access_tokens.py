"""Generating and revoking Import API access tokens."""

import threading
import uuid

import pytest
from django.db import connections

from accounts import secrets
from accounts.models import AuditEvent
from integrations.models import AccessToken
from integrations.services.access_tokens import (
    TokenAlreadyGenerated,
    TokenAlreadyRevoked,
    TokenLimitReached,
    create_access_token,
    revoke_access_token,
)
from integrations.services.integrations import delete_integration
from integrations.services.locking import IntegrationDeleted
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member


@pytest.fixture
def account(db):
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


@pytest.fixture
def integration(account, member):
    return make_integration(account)


def test_T02_T06_a_token_is_generated_and_only_its_digest_is_kept(integration, member):
    token, secret = create_access_token(integration=integration, actor=member)
    assert bytes(token.digest) == secrets.digest(secret)
    assert (token.integration, token.account, token.created_by) == (integration, integration.account, member)
    before = integration.updated_at
    integration.refresh_from_db()
    assert integration.updated_at > before
    assert AuditEvent.objects.get().event == "access_token.created"


def test_T31_a_third_active_token_is_refused(integration, member):
    create_access_token(integration=integration, actor=member)
    second, _ = create_access_token(integration=integration, actor=member)
    with pytest.raises(TokenLimitReached):
        create_access_token(integration=integration, actor=member)
    revoke_access_token(token=second, actor=member)
    create_access_token(integration=integration, actor=member)
    assert integration.access_tokens.active().count() == 2


def test_a_form_sent_twice_generates_one_token(integration, member):
    form_id = uuid.uuid4()
    create_access_token(integration=integration, actor=member, form_id=form_id)
    with pytest.raises(TokenAlreadyGenerated):
        create_access_token(integration=integration, actor=member, form_id=form_id)
    assert integration.access_tokens.count() == 1


def test_T07_revoking_is_final_and_keeps_the_row(integration, member):
    key, _ = make_api_key(integration.account, member)
    token, _ = make_access_token(integration)
    revoked = revoke_access_token(token=token, actor=member, api_key=key)
    assert (revoked.is_active, revoked.revoked_by) == (False, member)
    event = AuditEvent.objects.get()
    assert (event.event, event.api_key_last_four, event.object_id) == (
        "access_token.revoked",
        key.last_four,
        token.pk,
    )
    with pytest.raises(TokenAlreadyRevoked):
        revoke_access_token(token=token, actor=member)


def test_support_revokes_with_a_reason_that_the_members_can_read(integration, member):
    token, _ = make_access_token(integration)
    revoke_access_token(token=token, actor=member, by_staff=True, reason="Found in a public place")
    event = AuditEvent.objects.get()
    assert (event.by_staff, event.detail["reason"]) == (True, "Found in a public place")


def test_a_deleted_integration_gets_no_token_but_its_tokens_can_be_revoked(integration, member):
    token, _ = make_access_token(integration)
    delete_integration(integration=integration, actor=member)
    with pytest.raises(IntegrationDeleted):
        create_access_token(integration=integration, actor=member)
    assert not revoke_access_token(token=token, actor=member).is_active


@pytest.mark.django_db(transaction=True)
def test_P6_fifty_generations_at_once_leave_two_tokens():
    integration = make_integration(make_member().memberships.get().account)
    make_access_token(integration)
    start, outcomes = threading.Barrier(50), []

    def generate():
        start.wait()
        try:
            create_access_token(integration=integration, actor=integration.created_by)
        except TokenLimitReached:
            outcomes.append("refused")
        else:
            outcomes.append("generated")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=generate) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["generated"] + ["refused"] * 49
    assert AccessToken.objects.filter(integration=integration).count() == 2
