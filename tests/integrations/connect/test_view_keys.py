"""A view's key decides which rows are one: choosing another reads all of its rows again (connect-api.md 4.3)."""

import pytest
from django.utils import timezone

from accounts.audit import Event
from accounts.models import AuditEvent
from integrations.models import Job, SourceState
from tests.factories import make_job, make_source, make_stream

BOOKMARKS = {"shop-public-totals": {"id": 7}, "shop-public-orders": {"id": 9}}


@pytest.fixture
def source(account):
    source = make_source(account)
    make_stream(source, "orders", is_selected=True, chosen={"[]": {"selected": True}})
    chosen = {"[]": {"selected": True, "view-key-properties": ["id"]}}
    make_stream(source, "totals", metadata={"is-view": True}, is_selected=True, chosen=chosen)
    SourceState.objects.create(
        integration=source, state={"bookmarks": dict(BOOKMARKS)}, updated_at=timezone.now()
    )
    return source


@pytest.fixture
def choose(call, source):
    def put(**metadata):
        entry = {"breadcrumb": [], "metadata": metadata}
        body = {"streams": [{"tap_stream_id": "shop-public-totals", "metadata": [entry]}]}
        return call("PUT", f"/v4/sources/{source.pk}/streams/metadata", body)

    return put


def bookmarks():
    return SourceState.objects.get().state["bookmarks"]


@pytest.mark.parametrize("key", [["title"], []])
def test_another_key_of_a_view_forgets_its_bookmark_alone(choose, key):
    assert choose(**{"view-key-properties": key}).status_code == 200
    assert bookmarks() == {"shop-public-orders": {"id": 9}}
    assert AuditEvent.objects.filter(event=Event.BOOKMARKS_RESET).count() == 1


def test_the_same_key_and_other_choices_leave_the_bookmark(choose):
    assert choose(**{"view-key-properties": ["id"], "replication-method": "FULL_TABLE"}).status_code == 200
    assert bookmarks() == BOOKMARKS


def test_while_an_extraction_runs_the_key_stays_and_the_answer_says_why(choose, source):
    """Its own bookmark would be stored over the reset."""
    make_job(source, completed_at=None)
    answer = choose(**{"view-key-properties": ["title"]})
    words = "An extraction is running. Stop it, or wait until it has ended, then reset."
    assert (answer.status_code, answer.json()) == (400, {"invalid_fields": words})
    assert answer["X-Error-Code"] == "extraction_runs"
    assert bookmarks() == BOOKMARKS
    totals = source.streams.get(stream_name="totals")
    assert totals.chosen["[]"]["view-key-properties"] == ["id"]
    Job.objects.update(completed_at=timezone.now())
    assert choose(**{"view-key-properties": ["title"]}).status_code == 200
    assert bookmarks() == {"shop-public-orders": {"id": 9}}
