"""Rejected records in the browser: by reason, each whole, replayed, dismissed, and nobody else's."""

import json
import uuid

import pytest
from django.utils import timezone

from accounts.audit import Event
from accounts.models import AuditEvent
from integrations.loading.reading import table_batch
from integrations.models import Batch, RejectedCut, RejectedRecord
from integrations.services.destinations import destination_of
from integrations.services.engines import engine_of
from integrations.services.rejected_records import tell_rejected
from tests.factories import make_batch, make_integration, make_member, make_rejected
from tests.integrations.conftest import page, queries_of, text_of


@pytest.fixture(autouse=True)
def queue(settings, tmp_path):
    """Give the test a queue of its own."""
    settings.DATA_DIR = tmp_path


@pytest.fixture
def open_page(browser, integration):
    return lambda name="rejected", /, **query: browser.get(page(integration, name), query)


def group_page(rejected, then=""):
    return f"rejected/{rejected.group}{then}"


def states():
    return list(RejectedRecord.objects.order_by("pk").values_list("state", flat=True))


def load_bikes(integration, record, *, key, sequence):
    """Load one record of the table bikes into the embedded warehouse, as the loader does."""
    destination = destination_of(integration=integration)
    destination.file_path.parent.mkdir(parents=True)
    content = {
        "table_name": "bikes",
        "schema": {"properties": {}},
        "key_names": [key],
        "messages": [{"action": "upsert", "sequence": sequence, "data": record}],
    }
    engine_of(destination).load(
        schema_name=integration.schema_name,
        table_name="bikes",
        batches=[table_batch(content, batch_id=str(uuid.uuid4()), received_at=timezone.now())],
        batched_at=timezone.now(),
    )


def test_no_rejected_record(open_page):
    text = text_of(open_page())
    assert "No rejected record is open." in text
    assert "Open 0 Replayed 0 Dismissed 0" in text


def test_records_are_grouped_by_reason_and_field(open_page, integration):
    for _ in range(3):
        make_rejected(integration)
    make_rejected(integration, reason="Field collision on a", reason_group="Field collision on a", field="a")
    make_rejected(integration, state="pending")
    text = text_of(open_page())
    assert "integer out of range for DuckDB on […] n bikes Today at" in text
    assert "(UTC) 3 " in text
    assert "Field collision on a a bikes Today at" in text
    assert "Open 4 Replayed 0 Dismissed 0" in text


def test_the_reason_is_told_with_each_record_only_where_it_says_more(open_page, integration):
    collision = {"reason": "Field collision on a", "reason_group": "Field collision on a", "field": "a"}
    alike = make_rejected(integration, **collision)
    differing = make_rejected(integration)
    assert open_page(f"rejected/{alike.group}").content.decode().count("Field collision on a") == 1
    assert f"on {2**63}" in text_of(open_page(f"rejected/{differing.group}"))


def test_a_record_is_shown_whole_and_safely(open_page, integration):
    data = {"id": 1, "n": 2**63, "price": 1.10, "words": "<script>alert(1)</script>", "deep": {"a": [1, {}]}}
    rejected = make_rejected(integration, data)
    response = open_page(group_page(rejected))
    assert "<script>alert" not in response.content.decode()
    shown = response.context["rows"][0]["text"]
    assert json.loads(shown) == data
    assert '"n": 9223372036854775808,\n' in shown
    assert f'href="{page(integration, f"batches/{rejected.receipt}")}"' in response.content.decode()
    assert "sequence 1" in text_of(response)


def test_a_long_record_is_cut_in_the_list_and_whole_as_a_file(open_page, integration):
    data = {"id": 1, "text": "ü" * 30_000}
    rejected = make_rejected(integration, data)
    assert "It is longer than this page shows." in text_of(open_page(group_page(rejected)))
    response = open_page(f"rejected/records/{rejected.pk}")
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].startswith("attachment")
    assert json.loads(response.content) == data


def test_320_records_are_paged_with_the_same_queries_as_one(browser, open_page, integration):
    batch = make_batch(integration, "bikes")
    rejected = make_rejected(integration, batch=batch)
    url = page(integration, group_page(rejected))
    queries_of(browser, url)
    one = queries_of(browser, url)
    for number in range(319):
        make_rejected(integration, {"id": number}, batch=batch)
    assert queries_of(browser, url) == one
    assert "1–50 of 320" in text_of(open_page(group_page(rejected)))
    assert len(open_page(group_page(rejected), page=7).context["rows"]) == 20
    assert queries_of(browser, page(integration, "rejected")) <= one


def test_D32_a_cut_is_shown(open_page, integration):
    RejectedCut.objects.create(integration_id=integration.pk, records=1_234, cut_at=timezone.now())
    assert "1,234 more records were rejected than are kept here" in text_of(open_page())


def test_records_are_shown_for_the_report_days_of_the_plan(open_page, integration):
    plan = integration.account.plan
    old = timezone.now() - timezone.timedelta(days=plan.report_days + 1)
    rejected = make_rejected(integration, rejected_at=old)
    assert "No rejected record is open." in text_of(open_page())
    assert open_page(group_page(rejected)).status_code == 404
    assert open_page(f"rejected/records/{rejected.pk}").status_code == 404


def test_the_loads_tab_the_receipt_and_the_notifications_lead_to_them(browser, open_page, integration):
    rejected = make_rejected(integration)
    tell_rejected(integration=integration, now=timezone.now())
    url = page(integration, "rejected")
    assert "Rejected records (1 open)" in text_of(open_page("loads"))
    assert f'href="{url}"' in open_page("loads").content.decode()
    receipt = open_page(f"batches/{rejected.receipt}")
    assert "See the 1 rejected record of this batch" in text_of(receipt)
    assert f'href="{url}?batch={rejected.receipt}"' in receipt.content.decode()
    notifications = browser.get(f"/client/{integration.account.client_id}/notifications")
    assert "Some records of Customer Records could not be loaded; the rest was." in text_of(notifications)
    assert "1 record waits for you" in text_of(notifications)
    assert f'href="{url}"' in notifications.content.decode()


def test_one_batchs_records(open_page, integration):
    one, other = make_rejected(integration), make_rejected(integration)
    assert one.group == other.group
    assert "Open 1 Replayed" in text_of(open_page(batch=one.receipt))
    assert len(open_page(group_page(one), batch=one.receipt).context["rows"]) == 1
    assert "Open 0" in text_of(open_page(batch=uuid.uuid4()))
    assert "Open 2" in text_of(open_page(batch="nonsense"))


def test_a_remedy_is_previewed_before_anything_is_sent(open_page, integration):
    rejected = make_rejected(integration)
    opening = open_page(group_page(rejected, "/replay"), all="yes")
    assert "It would be rejected again: integer out of range for DuckDB" in text_of(opening)
    assert opening.context["form"]["field"].value() == '["n"]'
    cast = {"all": "yes", "remedy": "cast", "field": '["n"]', "type": "string"}
    response = open_page(group_page(rejected, "/replay"), **cast)
    text = text_of(response)
    assert "It would be loaded. New or changed columns: bikes.id (BIGINT), bikes.n (VARCHAR)." in text
    assert '"n": "9223372036854775808"' in response.context["after"]
    assert Batch.objects.count() == 1
    assert states() == ["open"]


@pytest.mark.parametrize(
    ("remedy", "words"),
    [
        ({"remedy": "cast", "field": '["n"]', "type": "boolean"}, "cannot be cast to boolean."),
        ({"remedy": "rename", "field": '["id"]', "name": "x"}, "id is a key of the table"),
        ({"remedy": "rename", "field": '["n"]', "name": ""}, "Give the new name."),
        ({"remedy": "rename", "field": '["n"]', "name": "x\0y"}, "Null characters are not allowed."),
        ({"remedy": "drop", "field": ""}, "Choose the field."),
        ({"remedy": "drop", "field": '["no"]'}, "Select a valid choice."),
        ({"remedy": "explode"}, "Select a valid choice."),
    ],
)
def test_what_does_not_fit_is_told_in_the_preview(open_page, integration, remedy, words):
    rejected = make_rejected(integration)
    assert words in text_of(open_page(group_page(rejected, "/replay"), all="yes", **remedy))


def test_a_record_that_is_older_than_its_row_is_told_to_change_nothing(browser, integration, settings):
    load_bikes(integration, {"id": 1, "n": "new"}, key="id", sequence=2)
    rejected = make_rejected(integration)
    query = {"all": "yes", "remedy": "drop", "field": '["n"]', "type": "string"}
    text = text_of(browser.get(page(integration, group_page(rejected, "/replay")), query))
    assert (
        "It would change nothing. The table has a newer row of its key, or the record brings nothing." in text
    )
    assert "It would be loaded." not in text


def test_chosen_records_are_replayed(browser, open_page, integration):
    one, two = make_rejected(integration), make_rejected(integration)
    url = page(integration, group_page(one, "/replay"))
    sent = {"record": [one.pk], "remedy": "drop", "field": '["n"]', "type": "string", "name": ""}
    response = browser.post(url, sent, follow=True)
    assert states() == ["replayed", "open"]
    one.refresh_from_db()
    text = text_of(response)
    assert "1 record sent again." in text
    assert "Sent again Today at" in text
    assert (
        f"by {integration.created_by.get_full_name()} ({integration.created_by.email}). Receipt : Accepted"
        in text
    )
    receipt = page(integration, f"batches/{one.replay_receipt}")
    assert f'href="{receipt}"' in response.content.decode()
    assert "This batch sends 1 rejected record again." in text_of(browser.get(receipt))

    again = text_of(browser.post(url, sent, follow=True))
    assert "None of these records is open any more." in again
    assert Batch.objects.count() == 3
    assert two.group == one.group


def test_all_records_of_one_batch_are_all_that_are_sent(browser, open_page, integration):
    one, two = make_rejected(integration), make_rejected(integration)
    listed = open_page(group_page(one), batch=two.receipt).content.decode()
    assert f"/replay?all=yes&amp;batch={two.receipt}" in listed
    preview = open_page(group_page(one, "/replay"), all="yes", batch=two.receipt)
    assert f'name="batch" value="{two.receipt}"' in preview.content.decode()
    browser.post(
        page(integration, group_page(one, "/replay")),
        {"all": "yes", "batch": two.receipt, "remedy": "drop", "field": '["n"]'},
    )
    assert states() == ["open", "replayed"]


def test_what_would_stop_the_whole_table_is_not_sent(browser, integration, settings):
    load_bikes(integration, {"code": "a"}, key="code", sequence=1)
    rejected = make_rejected(integration)
    response = browser.post(
        page(integration, group_page(rejected, "/replay")),
        {"all": "yes", "remedy": "drop", "field": '["n"]', "type": "string"},
    )
    assert response.status_code == 422
    assert "It is not sent, for it would stop the whole table: Primary Keys for table" in text_of(response)
    assert states() == ["open"]
    assert 'id="replay-button"' not in response.content.decode()


def test_an_invalid_remedy_sends_nothing(browser, integration):
    rejected = make_rejected(integration)
    response = browser.post(
        page(integration, group_page(rejected, "/replay")), {"all": "yes", "remedy": "cast", "field": '["n"]'}
    )
    assert response.status_code == 422
    assert "Choose the type." in text_of(response)
    assert states() == ["open"]


def test_a_paused_integration_says_so(browser, integration):
    rejected = make_rejected(integration)
    integration.paused_at = timezone.now()
    integration.save()
    response = browser.post(
        page(integration, group_page(rejected, "/replay")), {"all": "yes", "remedy": "as-it-is"}
    )
    assert response.status_code == 422
    assert "This integration is paused: it takes no data. Resume it, then replay the records." in text_of(
        response
    )
    assert states() == ["open"]


def test_records_are_dismissed_and_opened_again(browser, open_page, integration):
    one, two = make_rejected(integration), make_rejected(integration)
    asked = open_page(group_page(one, "/dismiss"), record=one.pk)
    assert "Dismiss 1 record?" in text_of(asked)
    browser.post(page(integration, group_page(one, "/dismiss")), {"record": one.pk})
    assert states() == ["dismissed", "open"]
    text = text_of(open_page(group_page(one), state="dismissed"))
    assert "Dismissed Today at" in text
    browser.post(page(integration, group_page(two, "/reopen")), {"all": "yes"})
    assert states() == ["open", "open"]
    events = AuditEvent.objects.filter(event__startswith="integration.rejected")
    assert [(event.event, event.detail) for event in events.order_by("pk")] == [
        (Event.REJECTED_DISMISSED, {"records": 1}),
        (Event.REJECTED_REOPENED, {"records": 1}),
    ]


@pytest.mark.parametrize("then", ["/replay", "/dismiss"])
def test_choosing_nothing_changes_nothing(browser, integration, then):
    rejected = make_rejected(integration)
    for send in (browser.get, browser.post):
        response = send(page(integration, group_page(rejected, then)), follow=True)
        assert "Choose at least one record." in text_of(response)
    browser.post(page(integration, group_page(rejected, then)), {"record": ["x", "-1", "9" * 30, ""]})
    assert states() == ["open"]


def test_P11_another_integrations_records_cannot_be_chosen(browser, integration):
    own = make_rejected(integration)
    stranger = make_integration(make_member().memberships.get().account)
    foreign, sibling = make_rejected(stranger), make_rejected(make_integration(integration.account))
    assert own.group == foreign.group == sibling.group
    for then in ("/replay", "/dismiss"):
        browser.post(
            page(integration, group_page(own, then)),
            {"record": [foreign.pk, sibling.pk], "remedy": "as-it-is"},
        )
    assert states() == ["open"] * 3
    browser.post(page(integration, group_page(own, "/dismiss")), {"all": "yes"})
    assert states() == ["dismissed", "open", "open"]
    assert browser.get(page(integration, f"rejected/records/{foreign.pk}")).status_code == 404


@pytest.mark.parametrize("then", ["", "/replay", "/dismiss"])
def test_a_group_of_nothing_is_not_found(open_page, integration, then):
    make_rejected(make_integration(integration.account))
    assert open_page(f"rejected/{'0' * 32}{then}", all="yes").status_code == 404


def test_a_deleted_integration_has_no_such_page(open_page, integration):
    rejected = make_rejected(integration)
    integration.deleted_at = timezone.now()
    integration.save()
    assert open_page(group_page(rejected)).status_code == 404


def test_the_panel_alone_for_htmx(browser, integration):
    rejected = make_rejected(integration)
    response = browser.get(
        page(integration, group_page(rejected, "/replay")), {"all": "yes"}, headers={"HX-Request": "true"}
    )
    assert response.content.decode().lstrip().startswith('<div id="replay-panel"')
