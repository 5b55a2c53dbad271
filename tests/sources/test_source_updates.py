"""Creating and changing a source that a tap reads: saved as far as it goes, checked when its form is complete."""

import secrets

import pytest

from accounts.audit import Event
from accounts.errors import PlanRequired
from integrations.models import Integration, Job
from integrations.services.integration_updates import (
    SourceTypeUnavailable,
    UnknownSourceType,
    create_mapped_integration,
    update_integration,
)
from integrations.services.quartz import InvalidCron
from integrations.services.source_properties import BadProperties, tap_config
from tests.factories import make_account, make_member


@pytest.fixture
def account(db, synthetic_type):
    return make_account()


@pytest.fixture
def actor(account):
    return make_member(account)


def create(account, actor, **fields):
    fields = {
        "display_name": "Made up",
        "schema_name": None,
        "destination": None,
        "type": "platform.synthetic",
    } | fields
    return create_mapped_integration(account=account, actor=actor, **fields)


def update(source, actor, **properties):
    return update_integration(integration=source, actor=actor, changes={"properties": properties})


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", flat=True))


def test_is_saved_while_its_form_is_not_complete(account, actor):
    source = create(account, actor, properties={"rows": "5"})
    assert (source.step, source.status, source.properties) == ("form", "Not Configured", {"rows": "5"})
    assert not Job.objects.exists()
    source = update(source, actor, password=secrets.token_urlsafe())
    assert source.step == "discover_schema"
    assert Job.objects.get().mode == "check"
    assert events(account) == [Event.INTEGRATION_CREATED, Event.CONNECTION_CHANGED, Event.CHECK_STARTED]


def test_a_complete_form_is_checked_at_once_and_its_secret_stands_nowhere(account, actor):
    password = secrets.token_urlsafe()
    source = create(account, actor, properties={"password": password})
    assert Job.objects.get().trigger == "setup"
    assert tap_config(source)["password"] == password
    rows = [str(row) for model in (Integration, Job) for row in model.objects.values()]
    rows += [str(row) for row in account.audit_events.values()]
    assert not [row for row in rows if password in row]


def test_a_change_of_the_connection_is_checked_again_and_one_of_the_schedule_is_not(account, actor):
    source = create(account, actor, properties={"password": secrets.token_urlsafe()})
    first = Job.objects.get()
    update(source, actor, frequency_in_minutes="360")
    assert list(Job.objects.all()) == [first]
    assert events(account)[-1] == Event.SCHEDULE_CHANGED
    update(source, actor, rows="7")
    assert Job.objects.count() == 2
    first.refresh_from_db()
    assert first.outcome == "stopped"
    update(source, actor, rows="7")
    assert Job.objects.count() == 2


def test_a_bad_value_takes_everything_back(account, actor):
    with pytest.raises(BadProperties):
        create(account, actor, properties={"rows": ""})
    assert not Integration.objects.exists()
    source = create(account, actor)
    changes = {"display_name": "Other", "properties": {"unknown": "x"}}
    with pytest.raises(BadProperties):
        update_integration(integration=source, actor=actor, changes=changes)
    source.refresh_from_db()
    assert source.display_name == "Made up"


def test_a_type_that_is_unknown_or_not_installed_is_refused_with_the_way_out(
    account, actor, settings, tmp_path
):
    settings.TAPS_DIR = tmp_path / "none"
    with pytest.raises(UnknownSourceType):
        create(account, actor, type="platform.nothing")
    with pytest.raises(SourceTypeUnavailable) as refused:
        create(account, actor, type="platform.github")
    assert "manage.py install_source github" in refused.value.message
    assert not Integration.objects.exists()


def test_cron_needs_a_plan_with_it_and_an_expression_that_can_be_read(account, actor):
    source = create(account, actor, properties={"password": secrets.token_urlsafe()})
    with pytest.raises(InvalidCron):
        update(source, actor, cron_expression="* * * * * *")
    assert update(source, actor, cron_expression="0 0 * * * ?").properties["cron_expression"] == "0 0 * * * ?"
    small = make_account(plan="standard")
    with pytest.raises(PlanRequired):
        create(small, make_member(small), properties={"cron_expression": "0 0 * * * ?"})
    assert not small.integrations.exists()


def test_properties_of_an_import_api_integration_are_unknown(account, actor):
    source = create(account, actor, type="import_api")
    assert source.status == "Active"
    with pytest.raises(BadProperties):
        update(source, actor, rows="7")
