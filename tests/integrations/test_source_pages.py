"""Creating a source and its settings on the pages (app.md 9.7, 9.9), with a declared tap."""

import secrets
from ipaddress import ip_network

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Plan
from accounts.services import task_leases
from accounts.services.task_work import carry_out
from integrations.models import Integration, SetUpStep, SourceState
from integrations.services.source_properties import credentials_of
from tests.factories import make_account, make_job, make_member, make_source, make_stream
from tests.sources.declaring import TAP, declare, synthetic_declaration

pytestmark = pytest.mark.django_db
TYPE = "platform.people"


@pytest.fixture
def declared(settings, tmp_path):
    settings.SOURCES_DIR = tmp_path / "sources"
    return declare(
        f"""name = "{TYPE}"
label = "People"
category = "Tests"
[tap]
program = ["/usr/bin/env", "python3", "{TAP}"]
[defaults]
start_date = "-1 year"
frequency_in_minutes = 30
[[properties]]
name = "host"
label = "Host (Endpoint)"
required = true
address = "host"
hint = "Where it is."
[[properties]]
name = "password"
label = "Password"
required = true
credential = true
[[properties]]
name = "streams"
label = "Streams"
json_schema = "digits"
[[properties]]
name = "ssh"
label = "SSH Tunnel"
json_schema = "boolean"
[[properties]]
name = "ssh_host"
label = "SSH Host"
[[properties]]
name = "itersize"
label = "Rows per Read"
json_schema = "digits"
property_type = "user_provided_advanced"
""",
        name=TYPE,
        folder=settings.SOURCES_DIR,
    )


@pytest.fixture
def account(declared):
    return make_account()


@pytest.fixture
def member(client, account):
    member = make_member(account)
    client.force_login(member)
    return member


def networks(*ranges):
    return [ip_network(each) for each in ranges]


def create_url(account):
    return reverse("integrations:source-create", args=[account.client_id, TYPE])


def url(integration, name):
    return reverse(f"integrations:{name}", args=[integration.account.client_id, integration.pk])


def filled(**more):
    return {
        "display_name": "My People",
        "property_host": "db.example.com",
        "property_password": secrets.token_urlsafe(),
        "default_start": "on",
        "schedule-use_default": "on",
        "schedule-frequency": "30",
        "form_id": "5a1f3a3e-0d5c-4b0e-9d2e-2f3b1b6f7a10",
    } | more


def test_the_form_is_made_from_the_declaration(client, account, member):
    shown = client.get(create_url(account) + "?display_name=My+People").content.decode()
    for words in (
        "Configure your People Integration",
        "Will appear in your data warehouse as <strong>my_people</strong>",
        "Host (Endpoint)",
        "Where it is.",
        "SSH Tunnel",
        "SSH Host",
        "Rows per Read",
        "Sync Historical Data",
        "Use integration default (1 Year Ago)",
        "Use integration default <strong>(every half hour)</strong>",
        "Check and Save",
    ):
        assert words in shown
    assert (
        client.get(reverse("integrations:source-create", args=[account.client_id, "none"])).status_code == 404
    )
    with_own = client.post(create_url(account), filled(schema_choice="own", property_streams="3"))
    assert "Integration Schema Name" in with_own.content.decode()
    assert 'value="3"' in with_own.content.decode()
    assert filled()["property_password"] not in with_own.content.decode()


def test_create_check_choose_finalize(client, account, member):
    """The whole set-up, with the check carried out by a worker and a real tap."""
    response = client.post(create_url(account), filled(property_streams="2"))
    source = Integration.objects.get()
    assert response.url == url(source, "connection-check")
    assert (source.schema_name, source.step) == ("my_people", SetUpStep.DISCOVER_SCHEMA)
    assert source.properties["frequency_in_minutes"] == "30"
    assert source.properties["start_date"].endswith("T00:00:00Z")
    assert "Checking connection…" in client.get(response.url).content.decode()

    again = client.post(create_url(account), filled())  # the same form, sent twice
    assert again.status_code == 302
    assert Integration.objects.count() == 1

    task = task_leases.claim_next(now=timezone.now(), full=["extraction"])
    carry_out(task)
    checked = client.get(url(source, "connection-check")).content.decode()
    assert "Success!" in checked
    choice = client.get(url(source, "data-choice"))
    assert "Let Stitch know what data you want in your warehouse." in choice.content.decode()
    assert [row.name for row in choice.context["page"]] == ["stream_1", "stream_2"]
    client.post(url(source, "selection-track-all"))
    version = client.get(url(source, "data-choice")).context["draft"].version
    client.post(url(source, "selection-finalize"), {"version": version})
    source.refresh_from_db()
    assert source.step == SetUpStep.FULLY_CONFIGURED
    assert source.next_run_at is not None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"display_name": "####"}, "display_name"),
        ({"property_host": ""}, "property_host"),
        ({"property_password": ""}, "property_password"),
        ({"property_streams": "many"}, "property_streams"),
        ({"property_host": "a\0b"}, "property_host"),
        ({"default_start": "", "start_date": ""}, "start_date"),
        ({"default_start": "", "start_date": "soon"}, "start_date"),
    ],
    ids=str,
)
def test_what_is_wrong_stands_beside_its_field(client, account, member, changed, field):
    response = client.post(create_url(account), filled(**changed))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Integration.objects.exists()


CRON = {
    "schedule-use_default": "",
    "schedule-advanced": "on",
    "schedule-minutes": "0",
    "schedule-hours": "12",
    "schedule-day_of_month": "?",
    "schedule-month": "*",
    "schedule-day_of_week": "MON-FRI",
}


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ({}, {"frequency_in_minutes": "30"}),
        (
            {"schedule-use_default": "", "schedule-frequency": "720", "schedule-anchor": "19:30"},
            {"frequency_in_minutes": "720", "anchor_time": "T19:30:00.000Z"},
        ),
        (CRON, {"frequency_in_minutes": "30", "cron_expression": "0 0 12 ? * MON-FRI"}),
    ],
    ids=["default", "anchor", "cron"],
)
def test_the_create_form_asks_for_the_whole_schedule(client, account, member, typed, stored):
    assert client.post(create_url(account), filled(**typed)).status_code == 302
    properties = Integration.objects.get().properties
    names = ("frequency_in_minutes", "anchor_time", "cron_expression")
    kept = {name: properties[name] for name in names if name in properties}
    if "anchor_time" in stored:
        kept["anchor_time"] = kept["anchor_time"][10:]  # the day is today's
    assert kept == stored


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        (
            {"schedule-use_default": "", "schedule-frequency": "7"},
            "frequency",
            "7 is not one of the available",
        ),
        ({**CRON, "schedule-hours": ""}, "hours", "This field is required"),
        ({**CRON, "schedule-hours": "25"}, "advanced", "is none of 0 to 23"),
    ],
)
def test_a_wrong_schedule_is_told_with_all_else_that_is_wrong(client, account, member, typed, field, words):
    wrong = filled(property_host="", property_streams="many", **typed)
    response = client.post(create_url(account), wrong)
    assert response.status_code == 422
    assert sorted(response.context["form"].errors) == ["property_host", "property_streams"]
    assert list(response.context["schedule"].errors) == [field]
    assert words in response.content.decode()
    assert not Integration.objects.exists()


def test_a_plan_without_cron_creates_with_the_frequency_and_says_which_plans_have_it(client, member, account):
    account.plan = Plan.objects.get(slug="standard")
    account.save()
    assert "Advanced and Premium" in client.get(create_url(account)).content.decode()
    client.post(create_url(account), filled(**CRON))
    assert "cron_expression" not in Integration.objects.get().properties


def test_the_schedule_survives_the_choice_of_a_schema_name(client, account, member):
    shown = client.post(create_url(account), filled(**CRON, schema_choice="own"))
    assert shown.status_code == 200
    assert shown.context["schedule"]["day_of_week"].value() == "MON-FRI"
    assert shown.context["schedule"]["advanced"].value() is True


def test_the_form_of_files_names_the_folder_that_they_are_read_from(
    client, settings, tmp_path, account, member
):
    settings.SOURCE_FILES_DIR = tmp_path
    text = synthetic_declaration("platform.made-files", capabilities="files_folder = true")
    declare(text, name="platform.made-files", folder=settings.SOURCES_DIR)
    address = create_url(account).replace(TYPE, "platform.made-files")
    assert (
        f"<strong>{account.client_id}</strong> in the folder for files"
        in client.get(address).content.decode()
    )
    assert "in the folder for files" not in client.get(create_url(account)).content.decode()


@pytest.fixture
def source(client, account, member):
    client.post(create_url(account), filled())
    source = Integration.objects.get()
    source.jobs.update(completed_at=timezone.now(), discovery_exit_status=0, check_exit_status=0)
    return source


def test_settings_keep_a_credential_that_is_not_typed_and_check_what_changed(client, source):
    before = credentials_of(source)
    shown = client.get(url(source, "integration-settings")).content.decode()
    assert "Provided. Leave empty to keep it; what is typed replaces it." in shown
    assert before["password"] not in shown
    same = {"display_name": "Renamed", "property_host": "db.example.com"}
    assert client.post(url(source, "integration-settings"), same).url == url(source, "integration-settings")
    assert source.jobs.count() == 1  # a name needs no check

    changed = same | {"property_streams": "3"}
    assert client.post(url(source, "integration-settings"), changed).url == url(source, "connection-check")
    source.refresh_from_db()
    assert (source.display_name, source.properties["streams"]) == ("Renamed", "3")
    assert credentials_of(source) == before
    replaced = changed | {"property_password": secrets.token_urlsafe()}
    client.post(url(source, "integration-settings"), replaced)
    source.refresh_from_db()
    assert credentials_of(source) == {"password": replaced["property_password"]}


@pytest.mark.parametrize("change", [{"property_host": "other.example.com"}, {"property_ssh": "on"}], ids=str)
def test_another_receiver_needs_the_credential_again(client, source, change):
    before = source.properties
    form = {"display_name": "My People", "property_host": "db.example.com"} | change
    refused = client.post(url(source, "integration-settings"), form)
    assert refused.status_code == 422
    assert refused.context["form"].errors["property_password"][0].startswith("Type it again:")
    source.refresh_from_db()
    assert source.properties == before
    form["property_password"] = secrets.token_urlsafe()
    assert client.post(url(source, "integration-settings"), form).url == url(source, "connection-check")
    source.refresh_from_db()
    assert credentials_of(source) == {"password": form["property_password"]}


def test_a_forbidden_address_is_refused_beside_its_field(client, account, member, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = networks("127.0.0.0/8")
    refused = client.post(create_url(account), filled(property_host="127.0.0.1"))
    assert refused.status_code == 422
    told = refused.context["form"].errors["property_host"][0]
    assert told.startswith(
        "127.0.0.1 is in a range of addresses that the people who run this server do not allow"
    )
    assert not Integration.objects.exists()
    assert client.post(create_url(account), filled(property_host="192.0.2.7")).status_code == 302
    source = Integration.objects.get()
    moved = {"display_name": "My People", "property_host": "127.0.0.2", "property_password": "made up"}
    assert "property_host" in client.post(url(source, "integration-settings"), moved).context["form"].errors
    source.refresh_from_db()
    assert source.properties["host"] == "192.0.2.7"


def test_another_start_date_forgets_the_bookmarks_and_both_wait_for_a_running_job(client, source):
    SourceState.objects.create(
        integration=source, state={"bookmarks": {"a": 1}}, sequence=7, updated_at=timezone.now()
    )
    job = make_job(source, completed_at=None)
    refused = client.post(url(source, "start-date-change"), {"start_date": "2020-01-02"})
    assert refused.status_code == 422
    assert "An extraction is running." in refused.content.decode()
    job.completed_at = timezone.now()
    job.save()
    before = source.properties["start_date"]
    client.post(url(source, "start-date-change"), {"start_date": "2020-01-02"})
    source.refresh_from_db()
    assert source.properties["start_date"] == "2020-01-02T00:00:00Z" != before
    state = SourceState.objects.get()
    assert (state.state, state.sequence) == ({}, 7)  # sequences never go back
    assert AuditEvent.objects.get(event="integration.bookmarks_reset").detail == {"reason": "start date"}
    assert "01/02/2020" in client.get(url(source, "integration-settings")).content.decode()


def test_a_reset_forgets_all_bookmarks_or_those_of_a_table(client, source):
    stream = make_stream(source, tap_stream_id="a")
    bookmarks = {"bookmarks": {"a": {"id": 1}, "b": {"id": 2}}, "currently_syncing": "a"}
    state = SourceState.objects.create(integration=source, state=bookmarks, updated_at=timezone.now())
    table = reverse("integrations:table-reset", args=[source.account.client_id, source.pk, stream.pk])
    assert "cannot be undone" in client.get(table).content.decode()
    client.post(table)
    state.refresh_from_db()
    assert state.state == {"bookmarks": {"b": {"id": 2}}, "currently_syncing": None}
    make_job(source, completed_at=None)
    assert "An extraction is running." in client.post(table, follow=True).content.decode()
    client.post(url(source, "integration-reset"))
    state.refresh_from_db()
    assert state.state != {}
    source.jobs.update(completed_at=timezone.now())
    client.post(url(source, "integration-reset"))
    state.refresh_from_db()
    assert state.state == {}


def test_a_type_that_is_gone_says_so(client, account, member):
    source = make_source(account, type="platform.gone")
    assert "has no source type platform.gone any more" in (
        client.get(url(source, "integration-settings")).content.decode()
    )


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (SetUpStep.FORM, "integration-settings"),
        (SetUpStep.DISCOVER_SCHEMA, "connection-check"),
        (SetUpStep.FIELD_SELECTION, "data-choice"),
    ],
)
def test_the_header_leads_to_where_the_set_up_goes_on(client, account, member, step, name):
    source = make_source(account, step=step)
    shown = client.get(url(source, "integration-summary")).content.decode()
    assert f'<a href="{url(source, name)}">Complete setup</a>' in shown
    source.step = SetUpStep.FULLY_CONFIGURED
    source.save()
    assert "Complete setup" not in client.get(url(source, "integration-summary")).content.decode()
