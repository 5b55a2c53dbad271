"""Clone Integration: another integration like one that is there, without its secrets (app.md 9.7)."""

import secrets
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import Integration, SetUpStep, SourceState
from integrations.services.cloning import clone_integration
from integrations.services.source_properties import credentials_of, store_properties
from tests.factories import (
    make_access_token,
    make_account,
    make_integration,
    make_member,
    make_postgres_destination,
    make_source,
    make_stream,
)
from tests.sources.declaring import declare_synthetic

pytestmark = pytest.mark.django_db
SYNTHETIC = "platform.synthetic"


@pytest.fixture
def account(settings, tmp_path):
    settings.SOURCES_DIR = tmp_path / "sources"
    declare_synthetic(settings.SOURCES_DIR)
    return make_account()


@pytest.fixture
def member(client, account):
    member = make_member(account)
    client.force_login(member)
    return member


@pytest.fixture
def source(account, member):
    """A source that replicates a field of one of its two tables, with a bookmark."""
    source = make_source(account, type=SYNTHETIC, display_name="People", schema_name="people")
    given = {"rows": "7", "frequency_in_minutes": "720", "password": secrets.token_urlsafe()}
    store_properties(integration=source, given=given)
    chosen = {"[]": {"selected": True}, '["properties", "name"]': {"selected": False}}
    make_stream(source, tap_stream_id="people", stream_name="people", is_selected=True, chosen=chosen)
    make_stream(source, tap_stream_id="orders", stream_name="orders")
    make_stream(source, tap_stream_id="gone", stream_name="gone", vanished_at=timezone.now())
    SourceState.objects.create(
        integration=source, state={"bookmarks": {"people": 1}}, updated_at=timezone.now()
    )
    return source


def url(integration, name="integration-clone"):
    return reverse(f"integrations:{name}", args=[integration.account.client_id, integration.pk])


def filled(**more):
    return {
        "display_name": "People Copy",
        "property_password": secrets.token_urlsafe(),
        "keep_selection": "on",
        "form_id": str(uuid.uuid4()),
    } | more


def clone_of(source):
    return Integration.objects.exclude(pk=source.pk).get()


def test_settings_lead_to_the_form_which_says_what_is_not_copied(client, source):
    assert url(source) in client.get(url(source, "integration-settings")).content.decode()
    shown = client.get(url(source)).content.decode()
    for words in (
        "Clone Integration",
        "People Copy",
        "people_copy",
        "Secrets are not copied.",
        "It starts paused.",
    ):
        assert words in shown
    assert credentials_of(source)["password"] not in shown


def test_a_clone_has_the_settings_and_the_selection_and_nothing_secret(client, source, member):
    form = filled()
    response = client.post(url(source), form)
    clone = clone_of(source)
    assert response.url == url(clone, "connection-check")
    assert (clone.display_name, clone.schema_name, clone.type) == ("People Copy", "people_copy", SYNTHETIC)
    assert clone.properties == source.properties
    assert credentials_of(clone) == {"password": form["property_password"]} != credentials_of(source)
    assert clone.paused_at is not None
    assert clone.next_run_at is None
    assert clone.step == SetUpStep.DISCOVER_SCHEMA
    assert clone.jobs.checks().count() == 1
    assert not SourceState.objects.filter(integration=clone).exists()
    copied = {stream.tap_stream_id: (stream.is_selected, stream.chosen) for stream in clone.streams.all()}
    original = source.streams.get(tap_stream_id="people")
    assert copied == {"people": (True, original.chosen), "orders": (None, {})}
    event = AuditEvent.objects.get(event="integration.cloned")
    assert (event.actor, event.object_id, event.object_name) == (member, clone.pk, "People Copy")
    assert event.detail == {"clone_of": "People", "selection": True}


def test_without_the_selection_it_is_chosen_anew(client, source):
    client.post(url(source), filled(keep_selection=""))
    assert not clone_of(source).streams.exists()
    assert AuditEvent.objects.get(event="integration.cloned").detail["selection"] is False


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"display_name": "People"}, "display_name", "non-unique name"),
        ({"display_name": "####"}, "display_name", "invalid name"),
        ({"schema": "own", "schema_name": "people"}, "schema_name", "non-unique name (people)"),
        ({"property_password": ""}, "property_password", "required"),
    ],
    ids=["name taken", "no name left", "schema taken", "no credential"],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(client, source, changed, field, words):
    response = client.post(url(source), filled(**changed))
    assert response.status_code == 422
    assert words in response.context["form"].errors[field][0]
    assert Integration.objects.count() == 1
    assert not AuditEvent.objects.filter(event="integration.cloned").exists()


def test_a_form_sent_twice_makes_one_clone(client, source):
    form = filled()
    client.post(url(source), form)
    again = client.post(url(source), form)
    assert again.url == url(clone_of(source), "integration-settings")


def test_another_schema_name_and_destination(client, source, account):
    make_postgres_destination(account)
    other = make_postgres_destination(account)
    shown = client.post(url(source), filled(schema_choice="own"))
    assert shown.context["form"]["schema_name"].value() == "people_copy"
    client.post(url(source), filled(schema="own", schema_name="elsewhere", destination=other.pk))
    clone = clone_of(source)
    assert (clone.schema_name, clone.destination) == ("elsewhere", other)


def test_an_import_api_clone_has_no_token_and_is_paused(client, account, member):
    original = make_integration(account, display_name="Fleet")
    make_access_token(original)
    response = client.post(
        url(original), {"display_name": "Fleet Copy", "form_id": str(uuid.uuid4())}, follow=True
    )
    clone = clone_of(original)
    assert clone.access_tokens.count() == 0
    assert clone.paused_at is not None
    assert clone.step == SetUpStep.FULLY_CONFIGURED
    assert "The clone is paused and has no token." in response.content.decode()


def test_a_type_that_is_gone_has_no_clone(client, account, member):
    source = make_source(account, type="platform.gone")
    assert client.get(url(source)).status_code == 404
    assert url(source) not in client.get(url(source, "integration-settings")).content.decode()


def test_streams_are_copied_many_at_a_time(source, member, django_assert_max_num_queries):
    for number in range(45):
        make_stream(source, tap_stream_id=f"table {number}", stream_name=f"table_{number}")
    given = {"display_name": "Second", "credentials": {"password": "made up"}}
    with django_assert_max_num_queries(85):  # with one for each stream it would be more
        clone = clone_integration(integration=source, actor=member, **given)
    assert clone.streams.count() == 47
