"""Activity: the account's audit trail, narrowed, paged and as CSV (A1 to A4)."""

import csv
import io
import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.audit import Event, record
from accounts.models import AppendOnly, AuditEvent, Role
from stitchapp.csv_files import harmless
from tests.factories import make_account, make_api_key, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


def add(account, actor, event=Event.API_KEY_CREATED, *, at=None, **fields):
    record(event, account=account, actor=actor, **fields)
    if at is not None:  # the trail refuses changes; a test sets the clock with SQL
        with connection.cursor() as cursor:
            newest = AuditEvent.objects.order_by("-pk").first().pk
            cursor.execute("UPDATE accounts_auditevent SET at = %s WHERE id = %s", [at, newest])


def rows(response):
    return [row for row in Page(response).rows if len(row) == 5][1:]


@pytest.fixture
def quiet(signed_in):
    """Signed in, with nothing in the trail yet."""
    assert not AuditEvent.objects.exists()
    return signed_in


def test_a_line_says_who_what_when_and_from_where(quiet, page, account, member):
    add(
        account,
        member,
        Event.API_KEY_DISABLED,
        at=datetime(2026, 3, 9, 8, 5, tzinfo=UTC),
        target_name="Nightly export",
        last_four="f332",
        reason="Seen in a public repository",
        by_staff=True,
    )
    assert rows(quiet.get(page("audit"))) == [
        [
            "Mar 9, 2026 08:05 (UTC)",
            "API access key disabled",
            f"Support {member.get_full_name()} {member.email}",
            "Nightly export (ending in f332) Reason: Seen in a public repository.",
            "",
        ]
    ]


def test_A2_a_change_through_the_api_names_its_key(quiet, page, account, member):
    key, _ = make_api_key(account)
    add(account, member, Event.INTEGRATION_CREATED, target_name="Shop", api_key=key)
    assert (
        rows(quiet.get(page("audit")))[0][3]
        == f"Shop Through the API, with the key ending in {key.last_four}."
    )


def test_A1_what_a_page_changes_is_there_at_once(quiet, page, account):
    quiet.post(page("company-update"), {"company_name": "Northwind"}, REMOTE_ADDR="192.0.2.7")
    line = rows(quiet.get(page("audit")))[0]
    assert line[1] == "Company information updated"
    assert line[3].endswith("to “Northwind”.")
    assert line[4] == "192.0.2.7"


def test_an_empty_trail_says_so(quiet, page):
    assert "Nothing has happened in this account yet." in Page(quiet.get(page("audit"))).words


def test_P11_another_account_s_events_are_not_there(quiet, page):
    other = make_account()
    add(other, make_member(other), target_name="Theirs")
    assert rows(quiet.get(page("audit"))) == []
    assert "Theirs" not in b"".join(quiet.get(page("audit-export"))).decode()


def test_filters_narrow_by_event_person_and_days(quiet, page, account, member):
    colleague = make_member(account)
    add(account, member, at=datetime(2026, 3, 9, 23, 59, tzinfo=UTC), target_name="One")
    add(account, colleague, Event.API_KEY_DELETED, at=datetime(2026, 3, 10, tzinfo=UTC), target_name="Two")
    add(account, member, at=datetime(2026, 3, 11, tzinfo=UTC), target_name="Three")

    def names(**query):
        return [row[3] for row in rows(quiet.get(page("audit"), query))]

    assert names() == ["Three", "Two", "One"]
    assert names(event="api_key.deleted") == ["Two"]
    assert names(person=member.pk) == ["Three", "One"]
    assert names(first_day="2026-03-10") == ["Three", "Two"]
    assert names(last_day="2026-03-10") == ["Two", "One"]
    assert names(first_day="2026-03-10", last_day="2026-03-10") == ["Two"]
    nothing = Page(quiet.get(page("audit"), {"first_day": "2027-01-01"}))
    assert "Nothing matches this filter." in nothing.words
    assert nothing.links["Show everything"] == page("audit")


@pytest.mark.parametrize(
    "query",
    [
        {"event": "no.such"},
        {"person": "0"},
        {"first_day": "yesterday"},
        {"first_day": "2026-03-10", "last_day": "2026-03-09"},
    ],
)
def test_a_filter_that_makes_no_sense_is_told(quiet, page, query):
    assert quiet.get(page("audit"), query).status_code == 422
    exported = quiet.get(page("audit-export"), query)
    assert exported.status_code == 302
    assert exported.url.startswith(f"{page('audit')}?")


def test_the_first_and_last_days_of_the_calendar_are_days(quiet, page, account, member):
    add(account, member)
    ends = {"first_day": "0001-01-01", "last_day": "9999-12-31"}
    assert len(rows(quiet.get(page("audit"), ends))) == 1


def test_pages_of_fifty_keep_the_filter(quiet, page, account, member):
    for number in range(51):
        add(account, member, target_name=f"Number {number}")
    first = quiet.get(page("audit"), {"event": "api_key.created"})
    assert len(rows(first)) == 50
    assert Page(first).links["Next"] == "?event=api_key.created&page=2"
    second = quiet.get(page("audit"), {"event": "api_key.created", "page": 2})
    assert [row[3] for row in rows(second)] == ["Number 0"]


def test_one_and_three_events_cost_the_same_queries(quiet, page, account, member):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            quiet.get(page("audit"))
        return len(captured)

    add(account, member)
    quiet.get(page("audit"))
    with_one = queries()
    for _ in range(2):
        add(account, make_member(account))
    assert queries() == with_one


def test_the_csv_file_has_the_same_events(quiet, page, account, member):
    add(account, member, target_name="One", last_four="f332")
    add(account, None, Event.SIGN_IN_FAILED)
    response = quiet.get(page("audit-export"), {"event": "api_key.created"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="activity-{account.client_id}.csv"'
    assert "no-store" in response["Cache-Control"]
    head, line = csv.reader(io.StringIO(b"".join(response).decode()))
    exported = dict(zip(head, line, strict=True))
    assert exported["event"] == "api_key.created"
    assert exported["what_happened"] == "API access key created"
    assert exported["email"] == member.email
    assert exported["object_name"] == "One"
    assert exported["detail"] == '{"last_four": "f332"}'
    assert exported["time_utc"].endswith("+00:00")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_file_starts_a_formula(start):
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    assert harmless("1+1") == "1+1"


def test_a_formula_as_a_name_is_harmless_in_the_csv_file(quiet, page, account, member):
    add(account, member, target_name='=HYPERLINK("http://198.51.100.1")')
    text = b"".join(quiet.get(page("audit-export"))).decode()
    assert "\"'=HYPERLINK(" in text


def test_every_role_may_read(client, account, page):
    client.force_login(make_member(account, role=Role.GENERAL_USER))
    assert client.get(page("audit")).status_code == 200


def test_A3_events_are_never_changed_or_removed(account, member):
    event = record(Event.API_KEY_CREATED, account=account, actor=member)
    for attempt in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(event="x"),
    ):
        with pytest.raises(AppendOnly):
            attempt()


def test_A4_no_name_can_forge_a_line(account, member):
    event = record(
        Event.API_KEY_CREATED, account=account, actor=member, target_name="a\r\nb\x1b[2K", reason="c\nd"
    )
    assert event.object_name == "a\ufffd\ufffdb\ufffd[2K"
    assert event.detail == {"reason": "c\ufffdd"}
    assert audit.one_line("Überschuß") == "Überschuß"


@pytest.mark.parametrize("written", ["می\u200cخواهم", "👩\u200d💻 laptop", "a\u00a0b"])
def test_A4_the_trail_names_a_key_as_its_creator_did(quiet, page, account, written):
    quiet.post(page("api-key-create"), {"description": written, "form_id": uuid.uuid4()})
    assert account.api_keys.get().description == written
    assert AuditEvent.objects.get(event=Event.API_KEY_CREATED).object_name == written


def test_P3_A4_deleting_a_key_leaves_its_trail(quiet, page, account):
    key, secret = make_api_key(account, description="Gone")
    quiet.post(page("api-key-delete", api_key_id=key.pk))
    response = quiet.get(page("audit"))
    assert rows(response)[0][3] == f"Gone (ending in {key.last_four})"
    assert secret not in response.content.decode()


def test_panel_alone_for_htmx(quiet, page):
    content = quiet.get(page("audit"), headers={"HX-Request": "true"}).content.decode()
    assert content.strip().startswith('<section class="section" id="activity"')
