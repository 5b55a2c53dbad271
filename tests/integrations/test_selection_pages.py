"""Tables to Replicate of a source: levels, search, pending choices, finalizing, conflicts (app.md 10.2)."""

import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import SchemaChange, SelectionDraft, SetUpStep
from tests.factories import make_account, make_job, make_member, make_source, make_stream

pytestmark = pytest.mark.django_db
WARNING = (
    "The database containing these tables is set to sync, but you have not chosen any tables to replicate. "
    "Please sync some tables to continue."
)
PARENT_MISSING = (
    "The table containing these columns is not set to sync. Please sync the parent table to ensure replication of "
    "columns selected on this screen."
)


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def member(account):
    return make_member(account)


@pytest.fixture
def source(account, member):
    return make_source(account, step=SetUpStep.FIELD_SELECTION)


@pytest.fixture
def page(client, account, member, source):
    client.force_login(member)
    return Pages(client, account, source)


class Pages:
    """A member's browser on the pages of one source."""

    def __init__(self, client, account, source):
        self.client, self.account, self.source = client, account, source

    def url(self, name, **more):
        kwargs = {"client_id": self.account.client_id, "integration_id": self.source.pk} | more
        return reverse(f"integrations:{name}", kwargs=kwargs)

    def get(self, name="integration-tables", query="", **more):
        response = self.client.get(self.url(name, **more) + query)
        assert response.status_code == 200, response.status_code
        return response

    def post(self, name, **sent):
        """Send a form with what the list page shows as hidden fields, then follow to the next page."""
        context = self.get().context
        hidden = {"version": context["draft"].version, "seen_event": context["seen_event"]}
        return self.client.post(self.url(name), hidden | sent, follow=True)


def method_of(response, name):
    """Return what stands in the Method column of a row."""
    row = re.search(
        rf"<tr[^>]*>(?:(?!</tr>).)*>{re.escape(name)}</a>(?:(?!</tr>).)*</tr>",
        response.content.decode(),
        re.S,
    )
    return re.search(r'class="cell-method">(.*?)</td>', row[0], re.S)[1].strip()


def in_database(name, schema="public", database="shop", **more):
    return {"metadata": {"database-name": database, "schema-name": schema, **more}}


def test_a_tick_is_pending_until_it_is_finalized(page, source):
    orders, people = make_stream(source, "orders"), make_stream(source, "people")
    assert method_of(page.get(), "orders") == "Not Tracked"
    page.post("selection-choose", shown=[orders.pk, people.pk], ticked=[orders.pk])
    assert method_of(page.get(), "orders") == "Tracked"
    orders.refresh_from_db()
    assert orders.is_selected is None  # nothing is final yet
    assert not AuditEvent.objects.filter(event="integration.selection_changed").exists()

    response = page.post("selection-finalize")
    assert "Your selections are final." in response.content.decode()
    orders.refresh_from_db()
    source.refresh_from_db()
    assert (orders.is_selected, source.step) == (True, SetUpStep.FULLY_CONFIGURED)
    assert not SelectionDraft.objects.get().is_pending
    assert "Nothing is pending" in page.post("selection-finalize").content.decode()


def test_without_scripts_finalize_takes_the_ticks_of_the_page_along(page, source):
    orders = make_stream(source, "orders")
    page.post("selection-finalize", shown=[orders.pk], ticked=[orders.pk])
    orders.refresh_from_db()
    assert orders.is_selected is True


def test_cancel_restores_what_was_final(page, source):
    orders = make_stream(source, "orders", is_selected=True, chosen={"[]": {"selected": True}})
    page.post("selection-choose", shown=[orders.pk])
    assert method_of(page.get(), "orders") == "Not Tracked"
    page.post("selection-cancel")
    assert method_of(page.get(), "orders") == "Tracked"


def test_databases_schemas_and_tables_are_levels(page, source):
    make_stream(source, "orders", tap_stream_id="a", **in_database("orders"))
    make_stream(source, "people", tap_stream_id="b", **in_database("people", schema="crm"))
    make_stream(source, "logs", tap_stream_id="c", **in_database("logs", database="archive"))
    assert [row.name for row in page.get().context["page"]] == ["archive", "shop"]
    assert [row.name for row in page.get(query="?database=shop").context["page"]] == ["crm", "public"]
    tables = page.get(query="?database=shop&schema=public")
    assert [row.name for row in tables.context["page"]] == ["orders"]
    assert [crumb["label"] for crumb in tables.context["crumbs"]] == [source.display_name, "shop", "public"]
    # A search finds tables on every level below.
    assert [row.name for row in page.get(query="?q=O").context["page"]] == ["logs", "orders", "people"]
    assert [row.name for row in page.get(query="?q=o&database=shop").context["page"]] == ["orders", "people"]
    assert "Stitch cannot detect any objects (databases, tables, etc.) at or below this level." in (
        page.get(query="?database=nowhere").content.decode()
    )


def test_a_database_tracks_its_tables_but_no_views_and_warns_without_any(page, source):
    orders = make_stream(source, "orders", tap_stream_id="a", **in_database("orders"))
    view = make_stream(source, "totals", tap_stream_id="b", **in_database("totals", **{"is-view": True}))
    shop = json.dumps(["shop"])
    page.post("selection-choose", shown_parent=[shop], parent=[shop])
    assert method_of(page.get(query="?database=shop&schema=public"), "orders") == "Tracked"
    assert method_of(page.get(query="?database=shop&schema=public"), "totals") == "Not Tracked"
    assert WARNING not in page.get(query="?database=shop").content.decode()
    page.post("selection-choose", shown=[orders.pk, view.pk])
    assert WARNING in page.get(query="?database=shop").content.decode()


def test_track_all_takes_every_table_and_field_but_views(page, source):
    """A field that is not replicated by default is chosen; what was ticked before is overwritten."""
    fields = {
        json.dumps(["properties", "id"]): {"inclusion": "automatic"},
        json.dumps(["properties", "title"]): {"inclusion": "available"},
        json.dumps(["properties", "place"]): {"inclusion": "unsupported"},
    }
    orders = make_stream(source, "orders", field_metadata=fields)
    view = make_stream(source, "totals", metadata={"is-view": True, "database-name": "shop"})
    assert "Track All Tables and Fields (Except Views)" in page.get().content.decode()
    page.post("selection-track-all")
    page.post("selection-finalize")
    orders.refresh_from_db()
    view.refresh_from_db()
    assert orders.chosen == {"[]": {"selected": True}, '["properties", "title"]': {"selected": True}}
    assert view.is_selected is None

    page.post("selection-stop-all")
    response = page.post("selection-finalize")
    assert "nothing replicates yet" in response.content.decode()
    orders.refresh_from_db()
    assert orders.is_selected is False


def test_fields_show_type_and_method_and_automatic_ones_are_locked(page, source):
    fields = {
        json.dumps(["properties", "id"]): {"inclusion": "automatic", "sql-datatype": "bigint"},
        json.dumps(["properties", "title"]): {"inclusion": "available", "selected-by-default": True},
        json.dumps(["properties", "shape"]): {
            "inclusion": "unsupported",
            "unsupported-description": "A polygon",
        },
    }
    orders = make_stream(source, "orders", field_metadata=fields)
    response = page.get("stream-fields", stream_id=orders.pk)
    assert PARENT_MISSING in response.content.decode()
    rows = {row.name: (row.type, row.method, row.locked) for row in response.context["page"]}
    assert rows == {
        "id": ("bigint", "Tracked", "Always replicated: part of the primary key"),
        "title": ("string", "Tracked", ""),
        "shape": ("any", "Not Supported", "A polygon"),
    }
    sent = {"stream": orders.pk, "shown": orders.pk, "ticked": orders.pk, "field": ["shape", "nothing"]}
    page.post("selection-finalize", **sent, shown_field=["id", "title", "shape", "nothing"])
    orders.refresh_from_db()
    # The key stays, the unsupported field stays out, an unknown one is nothing.
    assert orders.chosen == {"[]": {"selected": True}, '["properties", "title"]': {"selected": False}}


def test_another_tab_and_another_member_are_told_of(page, account, source, client):
    orders, people = make_stream(source, "orders"), make_stream(source, "people")
    page.post("selection-choose", shown=[orders.pk], ticked=[orders.pk])
    old = SelectionDraft.objects.get().version
    page.post("selection-choose", shown=[people.pk], ticked=[people.pk])
    refused = page.post("selection-finalize", version=old)
    assert "changed in another tab" in refused.content.decode()

    colleague = make_member(account, first_name="Bea", last_name="Other")
    other = Pages(type(client)(), account, source)
    other.client.force_login(colleague)
    other.post("selection-finalize", shown=[people.pk], ticked=[people.pk])
    refused = page.post("selection-finalize", seen_event=0)
    assert "changed by somebody else meanwhile" in refused.content.decode()
    shown = page.get().content.decode()
    assert "Bea Other" in shown
    orders.refresh_from_db()
    assert orders.is_selected is None
    page.post("selection-finalize")
    orders.refresh_from_db()
    assert orders.is_selected is True


def test_schema_changes_are_shown_until_the_member_has_seen_them(page, source):
    make_stream(source, "orders")
    change = SchemaChange.objects.create(
        integration=source,
        found_at=timezone.now(),
        kind="type changed",
        table_name="orders",
        field_name="total",
        before="integer",
        after="number",
    )
    assert "The source changed since you last looked" in page.get().content.decode()
    page.post("schema-changes-seen", last=change.pk)
    assert "The source changed since you last looked" not in page.get().content.decode()
    assert "integer" in page.get("schema-changes").content.decode()


def test_before_a_good_check_nothing_is_listed_and_nothing_kept(page, source):
    stream = make_stream(source)
    source.step = SetUpStep.DISCOVER_SCHEMA
    source.save()
    assert "Tables are listed here after a connection check that went well." in page.get().content.decode()
    page.client.post(page.url("selection-choose"), {"shown": stream.pk, "ticked": stream.pk})
    assert not SelectionDraft.objects.exists()
    assert page.client.get(page.url("data-choice")).url == page.url("connection-check")


@pytest.mark.parametrize(
    "sent",
    [
        {"shown": ["x", "-1", "9" * 30]},
        {"shown_parent": ["x", "[1]", "[]", "[" * 5000, '["\\u0000"]', '["\\ud800"]']},
        {"stream": "9" * 30},
        {"version": "x", "seen_event": "9" * 40},
    ],
    ids=["rows", "parents", "stream", "counters"],
)
def test_I13_nonsense_changes_nothing(page, source, sent):
    make_stream(source)
    page.post("selection-choose", **sent)
    page.post("selection-finalize", **sent)
    assert source.streams.get().chosen == {}


def test_table_settings_choose_method_and_keys(page, source):
    schema = {"properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}}
    orders = make_stream(source, "orders", schema=json.dumps(schema), **in_database("orders"))
    form = page.get("table-settings", stream_id=orders.pk).context["form"]
    assert form.initial["method"] == "FULL_TABLE"
    assert [value for value, _ in form.fields["method"].choices] == ["INCREMENTAL", "FULL_TABLE"]
    url = page.url("table-settings", stream_id=orders.pk)
    refused = page.client.post(url, {"method": "INCREMENTAL"})
    assert refused.status_code == 422
    assert "needs a replication key" in refused.content.decode()
    page.client.post(url, {"method": "INCREMENTAL", "replication_key": "at"})
    orders.refresh_from_db()
    assert orders.chosen == {"[]": {"replication-method": "INCREMENTAL", "replication-key": "at"}}
    assert page.client.post(url, {"method": "LOG_BASED"}).status_code == 422  # not set up in the connection
    source.properties = {"use_log_based_replication": "true"}
    source.save()
    page.client.post(url, {"method": "LOG_BASED"})
    orders.refresh_from_db()
    assert orders.chosen == {"[]": {"replication-method": "LOG_BASED", "replication-key": None}}


def test_a_view_has_no_key_or_a_custom_one(page, source):
    view = make_stream(
        source, "totals", metadata={"is-view": True, "forced-replication-method": "FULL_TABLE"}
    )
    url = page.url("table-settings", stream_id=view.pk)
    assert "Full Table Replication" in page.get("table-settings", stream_id=view.pk).content.decode()
    assert page.client.post(url, {"primary_key": "custom"}).status_code == 422
    page.client.post(url, {"primary_key": "custom", "view_keys": ["id", "title"]})
    view.refresh_from_db()
    assert view.chosen == {"[]": {"view-key-properties": ["id", "title"]}}


@pytest.mark.parametrize("rows", [3, 60])
def test_a_list_costs_the_same_queries_however_long(page, source, rows, django_assert_num_queries):
    for number in range(rows):
        make_stream(source, f"t{number:03}")
    page.get()
    with django_assert_num_queries(8):
        page.get()


def test_a_check_tells_how_it_went_and_what_to_do(page, source):
    source.step = SetUpStep.DISCOVER_SCHEMA
    source.save()
    assert "was not checked yet" in page.get("connection-check").content.decode()
    job = make_job(source, mode="check", completed_at=None, discovery_exit_status=None)
    running = page.get("connection-check").content.decode()
    assert 'hx-trigger="load delay:2s"' in running
    job.completed_at, job.discovery_exit_status = timezone.now(), 1
    job.discovery_description = "FATAL: password authentication failed for user ann <b>"
    job.save()
    failed = page.get("connection-check").content.decode()
    assert "FATAL: password authentication failed for user ann &lt;b&gt;" in failed
    assert "Check the user name, the password" in failed
    assert "hx-trigger" not in failed.split('id="connection-check"')[1].split(">")[0]
    make_job(source, mode="check")
    assert "Success!" in page.get("connection-check").content.decode()
