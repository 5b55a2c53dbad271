"""The schedule's form: default, interval, anchor and cron, the plan's gate, and the next three starts (app.md 10.5)."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from accounts.models import Plan
from integrations.forms.schedules import ScheduleForm
from integrations.services.schedules import replan
from integrations.services.source_properties import store_properties
from tests.factories import make_account, make_integration, make_job, make_member, make_source, make_stream
from tests.integrations.conftest import page, text_of
from tests.pages import Page

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 3, 5, 20, 41, 10, tzinfo=UTC)
AUTOMATIC = "2024-03-05T20:41:10.250Z"
CRON = {
    "schedule-advanced": "on",
    "schedule-minutes": "0",
    "schedule-hours": "12",
    "schedule-day_of_month": "?",
    "schedule-month": "*",
    "schedule-day_of_week": "MON-FRI",
}
HTMX = {"HX-Request": "true"}


def form(data=None, *, with_cron=True, stored=None):
    account = make_account(plan="premium" if with_cron else "standard")
    return ScheduleForm(
        data, account=account, type_name="platform.hp-postgres", now=NOW, stored=stored, created_at=NOW
    )


def asked(data, **more):
    filled = form(data, **more)
    assert filled.is_valid(), filled.errors
    return filled.properties()


def interval(minutes, anchor=""):
    return {"schedule-frequency": str(minutes), "schedule-anchor": anchor}


def test_the_default_of_the_type_is_one_tick(settings):
    default = form().default
    assert asked({"schedule-use_default": "on", **interval(1440, "19:30")}) == {
        "frequency_in_minutes": str(default),
        "anchor_time": None,
        "cron_expression": None,
    }
    assert form().initial["use_default"] is True


def test_an_anchor_is_a_time_of_day_in_utc():
    properties = asked(interval(720, "19:30"))
    assert properties["anchor_time"] == "2024-03-05T19:30:00.000Z"
    again = form(interval(720, "19:30"), stored={**properties, "anchor_time": "2023-01-01T19:30:00.000Z"})
    assert again.is_valid()
    assert again.properties()["anchor_time"] == "2023-01-01T19:30:00.000Z"
    assert (again.initial["frequency"], again.initial["anchor"]) == ("720", "19:30")
    assert again.initial["use_default"] is False


def test_below_an_hour_no_anchor_is_stored():
    assert asked(interval(30, "19:30"))["anchor_time"] is None


def test_an_anchor_that_was_filled_in_is_kept_and_one_that_was_chosen_is_given_up():
    assert asked(interval(720), stored={"anchor_time": AUTOMATIC})["anchor_time"] == AUTOMATIC
    assert asked(interval(720), stored={"anchor_time": "2024-03-01T19:30:00Z"})["anchor_time"] is None
    assert form(stored={"anchor_time": AUTOMATIC}).initial["anchor"] == ""


def test_an_anchor_between_half_hours_that_a_program_chose_is_offered_too():
    shown = form(stored={"frequency_in_minutes": "60", "anchor_time": "2024-03-01T19:47:00Z"})
    assert ("19:47", "UTC 19:47") in shown.fields["anchor"].choices
    assert shown.initial["anchor"] == "19:47"


def test_cron_fields_become_an_expression_and_come_back():
    properties = asked(CRON)
    assert properties["cron_expression"] == "0 0 12 ? * MON-FRI"
    back = form(stored=properties)
    assert back.initial["advanced"] is True
    assert [back.initial[name] for name in ("minutes", "hours", "day_of_month", "month", "day_of_week")] == [
        "0",
        "12",
        "?",
        "*",
        "MON-FRI",
    ]


def test_seconds_and_year_that_a_program_set_are_kept():
    kept = asked(CRON, stored={"cron_expression": "15 30 6 ? * SUN 2024-2030"})
    assert kept["cron_expression"] == "15 0 12 ? * MON-FRI 2024-2030"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"schedule-hours": ""}, "hours", "This field is required"),
        ({"schedule-hours": "1 2"}, "hours", "Write it without spaces."),
        ({"schedule-hours": "25"}, "advanced", "“25” in the hour field is none of 0 to 23."),
        (
            {"schedule-day_of_month": "*"},
            "advanced",
            "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented.",
        ),
    ],
)
def test_a_wrong_cron_field_is_named(change, field, words):
    wrong = form(CRON | change)
    assert not wrong.is_valid()
    assert words in wrong.errors[field][0]
    assert wrong.sample() is None


def test_an_interval_asks_for_no_cron_field_and_names_what_is_missing():
    assert not form({}).is_valid()
    assert form({}).errors == {"frequency": ["Choose how often a replication job starts."]}
    assert "frequency" in form(interval(45)).errors


def test_without_the_plan_cron_is_locked_and_says_which_plans_have_it():
    locked = form(CRON | interval(60), with_cron=False)
    assert locked.is_valid()
    assert locked.properties()["cron_expression"] is None
    assert "Advanced and Premium" in locked.locked_words
    assert form().locked_words == ""


def test_the_sample_shows_the_next_three_starts():
    sample = form(interval(720, "19:30")).sample()
    assert [f"{run:%d %H:%M}" for run in sample["runs"]] == ["06 07:30", "06 19:30", "07 07:30"]
    assert sample["every"] == "12 hours"
    cron = form(CRON).sample()
    assert [f"{run:%a %H:%M}" for run in cron["runs"]] == ["Wed 12:00", "Thu 12:00", "Fri 12:00"]


@pytest.fixture
def source(account, member):
    source = make_source(account, display_name="Shop", created_at=timezone.now())
    connection = {"host": "db.example.com", "port": "5432", "user": "reader", "dbname": "shop"}
    store_properties(integration=source, given=connection | {"password": secrets.token_urlsafe()})
    make_stream(source, is_selected=True)
    for mode in ("check", "sync"):
        make_job(source, mode=mode)
    replan(integration=source, now=timezone.now())
    return source


@pytest.fixture
def url(source):
    return page(source, "schedule")


def test_the_page_saves_a_schedule_and_shows_when_it_starts_next(browser, account, source, url):
    text = text_of(browser.get(url))
    assert "Replication Frequency" in text
    assert "Use integration default" in text
    fields = interval(1440, "19:30")
    saved = text_of(browser.post(url, fields, follow=True))
    assert "The schedule was saved." in saved
    assert "starts every 24 hours" in saved
    source.refresh_from_db()
    assert source.properties["frequency_in_minutes"] == "1440"
    assert source.next_run_at.strftime("%H:%M:%S") == "19:30:00"
    assert account.audit_events.filter(event="integration.schedule_changed").count() == 1
    wrong = browser.post(url, CRON | {"schedule-hours": "99"})
    assert wrong.status_code == 422
    assert "“99” in the hour field is none of 0 to 23." in text_of(wrong)


def test_the_page_saves_cron_only_on_a_plan_with_it(browser, account, source, url):
    assert "The schedule was saved." in text_of(browser.post(url, CRON, follow=True))
    source.refresh_from_db()
    assert source.properties["cron_expression"] == "0 0 12 ? * MON-FRI"
    assert source.next_run_at.hour == 12
    account.plan = Plan.objects.filter(advanced_scheduling=False).first()
    account.save(update_fields=["plan"])
    markup = browser.get(url).content.decode()
    assert re.search(r'name="schedule-hours"[^>]*disabled', markup)
    assert "Advanced scheduling comes with the Advanced and Premium plans" in markup


def test_the_settings_show_the_schedule_and_lead_to_it(browser, source, url):
    response = browser.get(page(source, "settings"))
    text = text_of(response)
    assert "Replication Frequency A new replication job from PostgreSQL starts every half hour" in text
    assert "Sample schedule:" in text
    assert f'href="{url}"' in response.content.decode()


def test_what_is_pushed_has_no_schedule_page(browser, account):
    assert browser.get(page(make_integration(account), "schedule")).status_code == 404


def test_the_sample_follows_the_form_by_itself_and_is_a_page_without_scripts(browser, account, source, url):
    address = re.search(
        r'hx-get="([^"]*/pipeline/schedule\?[^"]+)"', browser.get(url).content.decode()
    ).group(1)
    panel = browser.get(f"{address}&{urlencode(interval(360, '03:00'))}", headers=HTMX)
    assert panel.content.decode().lstrip().startswith("<div")
    assert len(re.findall("<time", panel.content.decode())) == 3
    whole = Page(browser.get(f"{address}&{urlencode(CRON)}"))
    assert "start when the cron expression 0 0 12 ? * MON-FRI says" in whole.words
    wrong = browser.get(f"{address}&{urlencode(CRON | {'schedule-month': '13'})}", headers=HTMX)
    assert wrong.status_code == 422
    assert "“13” in the month field" in text_of(wrong)


def test_the_sample_of_a_new_source_needs_only_its_type(browser, account, member):
    address = f"/client/{account.client_id}/pipeline/schedule"
    new = browser.get(address, {"type": "platform.hp-postgres", "schedule-use_default": "on"})
    assert "The first one starts as soon as the integration is set up." in text_of(new)
    for query in ({}, {"type": "platform.nothing"}, {"integration": "1x"}, {"integration": "999999"}):
        assert browser.get(address, query).status_code == 404
    push = make_integration(account)
    assert browser.get(address, {"integration": push.pk}).status_code == 404
    rival = make_account()
    make_member(rival)
    foreign = make_source(rival)
    assert browser.get(address, {"integration": foreign.pk}).status_code == 404
    assert timedelta(0) < timezone.now() - push.created_at
