"""Checks and extractions that fail are told of once, as the kind that fits, and good ones end it (app.md 12.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import JobMode, Kind
from integrations.services.extraction_notices import tell_of_job
from tests.factories import make_account, make_job, make_member, make_source, make_stream
from tests.pages import Page

pytestmark = pytest.mark.django_db
FAILED = {"tap_exit_status": 1, "tap_description": "No route to host"}
UNREACHABLE = {
    "discovery_exit_status": 1,
    "discovery_description": "Connection refused",
    "tap_exit_status": None,
    "target_exit_status": None,
}
TIMED_OUT = dict.fromkeys(("discovery_exit_status", "tap_exit_status", "target_exit_status"))


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


@pytest.fixture
def source(account):
    return make_source(account, display_name="Shop")


def run(source, **fields):
    job = make_job(source, **fields)
    tell_of_job(job, now=timezone.now())
    return job


def told(account):
    return [(each.kind, each.details, each.occurrences) for each in account.notifications.open()]


def test_failures_are_counted_on_one_notification_and_a_good_run_ends_it(account, source):
    run(source, **FAILED)
    run(source, **FAILED)
    assert told(account) == [("extraction_exit_status", "No route to host", 2)]
    note = account.notifications.get()
    assert note.message == "Encountered error while attempting to replicate data from Shop."
    assert note.mail_due_at - note.began_at == timedelta(minutes=60)
    run(source)
    assert told(account) == []


def test_a_database_that_cannot_be_looked_at_is_told_as_such(account, source):
    run(source, **UNREACHABLE)
    assert told(account) == [("database_integration_error", "Connection refused", 1)]
    run(source, **FAILED)
    assert told(account) == [("extraction_exit_status", "No route to host", 1)]
    csv = make_source(account, type="platform.csv-files", display_name="Files")
    run(csv, **UNREACHABLE)
    assert account.notifications.open().get(integration=csv).kind == Kind.EXTRACTION_EXIT_STATUS.stored


def test_one_out_of_time_is_told_and_a_stopped_one_changes_nothing(account, source):
    run(source, **TIMED_OUT)
    assert "time limit of 23.5 hours" in told(account)[0][1]
    run(source, tap_exit_status=-15, stop_asked_at=timezone.now())
    assert len(told(account)) == 1


def test_a_deleted_source_tells_nothing(account, source):
    source.deleted_at = timezone.now()
    source.save()
    run(source, **FAILED)
    assert told(account) == []


def test_the_notification_leads_to_the_logs(client, account, source):
    run(source, **FAILED)
    client.force_login(account.memberships.get().user)
    shown = Page(client.get(f"/client/{account.client_id}/notifications"))
    assert "No route to host" in shown.words
    address = f"/client/{account.client_id}/pipeline/connections/{source.pk}/extractions"
    assert shown.links["the full extraction logs"] == address


def failing(message, *, in_discovery=False):
    return (
        {**UNREACHABLE, "discovery_description": message}
        if in_discovery
        else {**FAILED, "tap_description": message}
    )


@pytest.mark.parametrize("in_discovery", [True, False])
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("401 Client Error: Unauthorized for url: https://api.example.com/user", "saas_authentication_error"),
        ("HTTP-error-code: 403, Error: Forbidden", "saas_authentication_error"),
        ("Bad credentials", "saas_authentication_error"),
        ("The token has expired", "saas_authentication_error"),
        ("429 Client Error: Too Many Requests", "api_rate_limit"),
        ("API rate limit exceeded, please try again after 3000 seconds.", "api_rate_limit"),
        ("Quota exceeded", "api_rate_limit"),
        ("replicated 401 records, then the connection broke", "extraction_exit_status"),
        ("Connection refused", "extraction_exit_status"),
        ("", "extraction_exit_status"),
    ],
)
def test_what_a_service_says_decides_what_it_is_told_as(account, in_discovery, message, kind):
    source = make_source(account, type="platform.github", display_name="Code")
    run(source, **failing(message, in_discovery=in_discovery))
    assert [each.kind for each in account.notifications.open()] == [kind]
    delay = timedelta(minutes=60 if kind == "extraction_exit_status" else 20)
    note = account.notifications.get()
    assert note.mail_due_at - note.began_at == delay
    run(source)
    assert told(account) == []


CHECK = {"mode": JobMode.CHECK, "tap_exit_status": None, "target_exit_status": None}
BAD_CHECK = CHECK | UNREACHABLE
GOOD_CHECK = CHECK | {"discovery_exit_status": 0, "check_exit_status": 0}


def test_a_failed_check_of_a_source_that_was_read_is_told_and_a_good_one_ends_it(account, source):
    run(source)
    run(source, **BAD_CHECK)
    assert told(account) == [("database_integration_error", "Connection refused", 1)]
    assert account.notifications.get().message == "Encountered error while checking the connection of Shop."
    run(source, **GOOD_CHECK)
    assert told(account) == []


def test_a_failed_check_while_a_source_is_set_up_is_shown_on_its_page_alone(account, source):
    run(source, **BAD_CHECK)
    assert told(account) == []


def test_a_good_check_does_not_end_what_only_an_extraction_can(account, source):
    run(source, **FAILED)
    run(source, **GOOD_CHECK)
    assert told(account) == [("extraction_exit_status", "No route to host", 1)]


def track_by(source, key, **fields):
    chosen = {"[]": {"selected": True, "replication-method": "INCREMENTAL", "replication-key": key}}
    return make_stream(source, chosen=chosen, is_selected=True, **fields)


def test_a_replication_key_that_is_gone_is_told_until_another_is_chosen(client, account, source):
    lost = track_by(source, "updated_at")
    track_by(source, "id", name="people")
    track_by(source, "gone too", name="untracked").delete()
    run(source)
    run(source, **GOOD_CHECK)
    assert told(account) == [("missing_replication_key", "orders: there is no field updated_at.", 2)]
    note = account.notifications.get()
    assert (note.table_name, note.facts.level.value) == ("orders", "Warning")
    assert note.mail_due_at - note.began_at == timedelta(minutes=20)
    run(source, **UNREACHABLE)  # it found nothing out about the columns
    assert "missing_replication_key" in [kind for kind, *_ in told(account)]
    client.force_login(account.memberships.get().user)
    shown = Page(client.get(f"/client/{account.client_id}/notifications"))
    assert shown.links["the tables to replicate"].endswith(f"/connections/{source.pk}/tables")

    lost.chosen["[]"]["replication-key"] = "id"
    lost.save()
    run(source)
    assert told(account) == []


def test_a_table_that_is_read_whole_or_not_at_all_needs_no_replication_key(account, source):
    for name, choice in (
        ("whole", {"selected": True, "replication-method": "FULL_TABLE", "replication-key": "updated_at"}),
        (
            "not tracked",
            {"selected": False, "replication-method": "INCREMENTAL", "replication-key": "updated_at"},
        ),
    ):
        make_stream(source, name, chosen={"[]": choice}, is_selected=choice["selected"])
    run(source)
    assert told(account) == []
