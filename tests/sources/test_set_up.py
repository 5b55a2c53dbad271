"""The step that a source's set-up is at (connect-api.md 3.4)."""

import secrets

import pytest
from django.utils import timezone

from integrations.models import Integration, JobMode
from integrations.services.set_up import refresh_step, set_up_step
from integrations.services.source_properties import store_properties
from tests.factories import make_account, make_integration, make_job, make_member, make_stream
from tests.sources.declaring import declare_synthetic


@pytest.fixture
def integration(db, synthetic_type):
    account = make_account()
    make_member(account)
    return make_integration(account, type=synthetic_type.name, step="form", properties={})


def checked(integration, status):
    moment = timezone.now()
    return make_job(
        integration,
        mode=JobMode.CHECK,
        completed_at=moment,
        check_exit_status=status,
        discovery_exit_status=status,
    )


def test_walks_from_the_form_to_the_end_and_back(integration):
    assert set_up_step(integration) == "form"
    store_properties(integration=integration, given={"password": secrets.token_urlsafe()})
    assert set_up_step(integration) == "discover_schema"
    checked(integration, 1)
    assert set_up_step(integration) == "discover_schema"
    checked(integration, 0)
    assert set_up_step(integration) == "field_selection"
    stream = make_stream(integration, is_selected=True, field_metadata={'["properties", "a"]': {}}, chosen={})
    assert set_up_step(integration) == "field_selection"
    stream.field_metadata['["properties", "id"]'] = {"inclusion": "automatic"}
    stream.save()
    assert set_up_step(integration) == "fully_configured"
    make_job(integration, mode=JobMode.CHECK, completed_at=None)  # one that runs changes nothing yet
    assert set_up_step(integration) == "fully_configured"
    stream.vanished_at = timezone.now()
    stream.save()
    assert set_up_step(integration) == "field_selection"


def test_the_step_is_stored_and_the_schedule_follows(integration):
    store_properties(integration=integration, given={"password": secrets.token_urlsafe()})
    checked(integration, 0)
    make_stream(
        integration, is_selected=True, field_metadata={'["properties", "id"]': {"inclusion": "automatic"}}
    )
    refresh_step(integration=integration)
    stored = Integration.objects.get(pk=integration.pk)
    assert stored.step == integration.step == "fully_configured"
    assert stored.next_run_at is not None


def test_a_tap_without_discovery_needs_its_form_alone(settings, integration):
    declare_synthetic(settings.SOURCES_DIR, capabilities="discovery = false")
    assert set_up_step(integration) == "form"
    store_properties(integration=integration, given={"password": secrets.token_urlsafe()})
    assert set_up_step(integration) == "fully_configured"


def test_an_import_api_source_is_configured_and_an_unknown_type_stays_where_it_was(integration):
    pushed = make_integration(integration.account)
    assert set_up_step(pushed) == "fully_configured"
    gone = make_integration(integration.account, type="platform.gone", step="field_selection")
    assert set_up_step(gone) == "field_selection"
