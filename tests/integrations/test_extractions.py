"""The Extractions tab: jobs by day, run now, stop, errors and the raw log, live while it runs (app.md 10.3)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Plan
from integrations.models import SetUpStep
from integrations.services.jobs import log_path, start_job
from integrations.views import log_pieces
from tests.factories import make_job, make_source
from tests.integrations.conftest import page, queries_of, text_of
from tests.pages import Page

MINUTE = timedelta(minutes=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def source(account, member):
    return make_source(account, display_name="Shop")


@pytest.fixture
def url(source):
    return page(source, "extractions")


@pytest.fixture(autouse=True)
def logs(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def ran(source, *, ago=timedelta(hours=1), lasted=6 * MINUTE, **fields):
    """An extraction that began so long ago and lasted so long."""
    began = timezone.now() - ago
    times = {"created_at": began, "started_at": began, "completed_at": began + lasted}
    return make_job(source, **times | fields)


def put_on_plan(account, days):
    """Give the account a plan that keeps extractions for so many days."""
    account.plan = Plan.objects.filter(extraction_log_days=days).first()
    account.save(update_fields=["plan"])


def write_log(job, text):
    log_path(job).parent.mkdir(parents=True, exist_ok=True)
    log_path(job).write_text(text)


def noon(days_ago=1):
    """A moment from which nothing nearby is another day."""
    return datetime.now(UTC).replace(hour=12, minute=50, second=0) - timedelta(days=days_ago)


def test_without_extractions_it_says_so_and_offers_one(browser, url, source):
    text = text_of(browser.get(url))
    assert "Your Extraction Jobs Run Extraction Now" in text
    assert "No extraction ran on" in text
    assert "Run one now, or wait for the schedule." in text
    assert "Extractions and their logs are kept for 60 days on your plan." in text


def test_each_outcome_has_its_word(browser, url, source, member):
    ran(source, ago=5 * MINUTE, lasted=MINUTE)
    ran(source, ago=9 * MINUTE, lasted=MINUTE, tap_exit_status=1, tap_description="No route to host")
    ran(source, ago=12 * MINUTE, lasted=MINUTE, tap_exit_status=-15, stop_asked_at=timezone.now())
    ran(
        source,
        ago=20 * MINUTE,
        lasted=MINUTE,
        **dict.fromkeys(("discovery_exit_status", "tap_exit_status", "target_exit_status")),
    )
    ran(source, ago=2 * MINUTE, completed_at=None, started_by=member, trigger="page", records=1200)
    text = text_of(browser.get(url))
    words = re.findall(r"\d [ap]m \(UTC\) • (In Progress|Timed out|\w+)", text)
    assert words == ["In Progress", "Succeeded", "Error", "Stopped", "Timed out"]
    assert "Encountered an error while attempting to replicate data from" in text
    assert "The message was: No route to host" in text
    assert f"Started by {member.get_full_name()} ({member.email})" in text
    assert "Rows extracted 1,200" in text


def test_one_that_no_worker_has_begun_is_pending_and_looked_at_again(browser, url, source):
    make_job(source, started_at=None, completed_at=None)
    response = browser.get(url, headers=HTMX)
    assert "Pending" in text_of(response)
    assert f'hx-get="{url}" hx-trigger="load delay:4s"' in response.content.decode()
    source.jobs.update(completed_at=timezone.now())
    assert "hx-trigger" not in browser.get(url, headers=HTMX).content.decode()


def test_the_graph_has_a_bar_for_each_at_its_time_and_width(browser, source, url):
    began = noon()
    job = make_job(source, created_at=began, started_at=began, completed_at=began + 6 * MINUTE)
    markup = browser.get(url, {"day": f"{began:%Y-%m-%d}"}).content.decode()
    bar = re.search(r'data-state="(.+?)" x="(.+?)%" y="1" width="(.+?)%".+?<title>(.+?)</title>', markup)
    state, x, width, words = bar.groups()
    assert state == "succeeded"
    assert float(x) == pytest.approx(100 * (12 * 60 + 50) / 1440, abs=0.1)
    assert float(width) == pytest.approx(100 * 6 / 1440, abs=0.01)
    assert words == "12:50 PM (UTC). Succeeded. This extraction ran for 6 minutes. View logs."
    assert page(source, f"extractions/{job.pk}") in markup
    assert "Times in UTC. Each bar is an extraction: 1. The list below has each of them." in markup


def test_an_extraction_over_midnight_stands_on_both_days(browser, source, url):
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    make_job(
        source,
        created_at=midnight - 30 * MINUTE,
        started_at=midnight - 30 * MINUTE,
        completed_at=midnight + 30 * MINUTE,
    )
    bars = {}
    for day in (midnight - timedelta(days=1), midnight, midnight + timedelta(days=1)):
        markup = browser.get(url, {"day": f"{day:%Y-%m-%d}"}).content.decode()
        bars[day] = re.findall(r'x="([\d.]+)%" y="1" width="([\d.]+)%"', markup)
    assert list(bars.values()) == [[("97.917", "2.083")], [("0.000", "2.083")], []]


def test_a_plan_shows_so_many_days(browser, account, source, url):
    put_on_plan(account, 1)
    job = ran(source, ago=timedelta(days=3))
    older = page(source, f"extractions/{job.pk}")
    day = f"{timezone.now() - timedelta(days=3):%Y-%m-%d}"
    assert "Your plan shows the extractions of the last 1 day." in text_of(browser.get(url, {"day": day}))
    assert browser.get(older).status_code == 404
    put_on_plan(account, 7)
    assert "Succeeded" in text_of(browser.get(url, {"day": day}))
    assert browser.get(older).status_code == 200
    account.reports_begin_at = timezone.now()
    account.save(update_fields=["reports_begin_at"])
    assert browser.get(older).status_code == 404


def test_run_extraction_now_starts_one_and_says_so(browser, url, source, member):
    form = Page(browser.get(url)).form(f"{url}/start")
    response = browser.post(form.action, form.fields, follow=True)
    assert "Extraction starting now. This page will update shortly with your new logs." in text_of(response)
    job = source.jobs.get()
    assert (job.trigger, job.started_by) == ("page", member)
    again = text_of(browser.post(form.action, form.fields, follow=True))
    assert "No extraction was started, because one already exists." in again
    assert source.jobs.count() == 1


def test_a_paused_source_runs_by_hand_and_stays_paused(browser, url, source):
    source.paused_at = timezone.now()
    source.save(update_fields=["paused_at"])
    browser.post(f"{url}/start")
    assert source.jobs.open().count() == 1
    source.refresh_from_db()
    assert source.paused_at is not None


def test_what_is_not_set_up_cannot_be_started(browser, url, source):
    source.step = SetUpStep.FIELD_SELECTION
    source.save(update_fields=["step"])
    text = text_of(browser.get(url))
    assert "Run Extraction Now" not in text
    assert "This integration is not fully configured, so nothing is extracted yet." in text
    refused = text_of(browser.post(f"{url}/start", follow=True))
    assert "This integration is not fully configured. Finish its set-up, then start it." in refused
    assert not source.jobs.exists()


def test_stopping_asks_first_and_names_what_it_ends(browser, url, source, member):
    job = start_job(integration=source, actor=member, trigger="page")
    source.jobs.update(records=41, started_at=timezone.now())
    asked = browser.get(f"{url}/stop", headers=HTMX)
    text = text_of(asked)
    assert "Stop Extraction?" in text
    assert "The 41 rows it has extracted so far are loaded all the same." in text
    response = browser.post(f"{url}/stop", follow=True)
    assert "The extraction is being stopped. What it has extracted is loaded." in text_of(response)
    job.refresh_from_db()
    assert (job.stop_asked_at is not None, job.stopped_by) == (True, member)
    assert "(being stopped)" in text_of(browser.get(url))
    source.jobs.update(completed_at=timezone.now())
    assert "No extraction is running." in text_of(browser.post(f"{url}/stop", follow=True))


def test_the_log_is_shown_and_downloaded(browser, source):
    job = ran(source)
    line = "2024-03-05 21:00:03,159Z    tap - INFO <b>100</b> rows\n"
    write_log(job, line)
    detail = page(source, f"extractions/{job.pk}")
    response = browser.get(detail)
    assert (
        line.strip() in " ".join(Page(response).pieces).replace("  ", " ")
        or "&lt;b&gt;" in response.content.decode()
    )
    assert "hx-trigger" not in response.content.decode()
    download = browser.get(f"{detail}/log")
    assert b"".join(download.streaming_content).decode() == line
    assert download["Content-Disposition"] == f'attachment; filename="{job.name}.log"'
    assert download["Content-Type"] == "text/plain; charset=utf-8"


def test_while_it_runs_new_lines_follow_by_offset(browser, source):
    job = ran(source, completed_at=None)
    write_log(job, "one\ntw")
    detail = page(source, f"extractions/{job.pk}")
    markup = browser.get(detail).content.decode()
    assert f'one\n<span hx-get="{detail}?offset=4" hx-trigger="load delay:1s" hx-swap="outerHTML">' in markup
    write_log(job, "one\ntwo\nthree\n")
    piece = browser.get(detail, {"offset": 4}, headers=HTMX)
    assert piece.content.decode().startswith(f'two\nthree\n<span hx-get="{detail}?offset=14"')
    assert "HX-Trigger" not in piece
    source.jobs.update(completed_at=timezone.now())
    write_log(job, "one\ntwo\nthree\nExit status is: good.")
    last = browser.get(detail, {"offset": 14}, headers=HTMX)
    assert last.content.decode() == "Exit status is: good."
    assert last["HX-Trigger"] == "extraction-ended"
    whole = browser.get(detail, {"offset": 14})  # without scripts an offset is a page as well
    assert "Raw extraction logs" in text_of(whole)


def test_a_long_log_shows_its_end(browser, source, monkeypatch):
    monkeypatch.setattr(log_pieces, "SHOWN_AT_ONCE", 10)
    job = ran(source)
    write_log(job, "first line\nsecond line\nlast\n")
    text = text_of(browser.get(page(source, f"extractions/{job.pk}")))
    assert "last" in text
    assert "second line" not in text
    assert "The first 23 bytes are left out here; the download has all of it." in text


@pytest.mark.parametrize("offset", ["-1", "x", "9" * 30, "٣", ""])
def test_a_senseless_offset_gives_the_log(browser, source, offset):
    job = ran(source)
    write_log(job, "a line\n")
    response = browser.get(page(source, f"extractions/{job.pk}"), {"offset": offset}, headers=HTMX)
    assert response.content.decode() == "a line\n"


def test_a_purged_log_is_told_and_not_served(browser, source):
    job = ran(source, log_purged_at=timezone.now())
    detail = page(source, f"extractions/{job.pk}")
    assert "The log of this extraction is not kept any more" in text_of(browser.get(detail))
    assert browser.get(f"{detail}/log").status_code == 404
    job = ran(source)  # no worker has written a line
    assert browser.get(page(source, f"extractions/{job.pk}/log")).status_code == 404


def test_a_connection_check_is_no_extraction(browser, url, source):
    job = make_job(source, mode="check")
    assert "No extraction ran on" in text_of(browser.get(url))
    assert browser.get(f"{url}/{job.pk}").status_code == 404


def test_the_list_is_paged_and_costs_the_same_for_one_and_for_many(browser, url, source, member):
    ran(source, ago=3 * MINUTE, started_by=member)
    one = queries_of(browser, url)
    for number in range(60):
        ran(source, ago=(4 + number) * timedelta(seconds=1), lasted=timedelta(0), started_by=member)
    assert queries_of(browser, url) <= one + 1
    markup = browser.get(url).content.decode()
    assert markup.count('<details class="extraction"') == 50
    assert 'aria-label="Pages of extractions"' in markup
