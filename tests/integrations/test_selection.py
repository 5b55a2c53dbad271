"""Choosing streams and fields (connect-api.md 2.7, 4): what is stored, refused, and told to the tap."""

import copy
import json

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import SchemaChange, SetUpStep, Stream
from integrations.services.discovered_catalog import BadCatalog
from integrations.services.selection import (
    apply_metadata,
    catalog_for_run,
    merged_metadata,
    store_catalog,
)
from integrations.services.selection_refusals import FieldsRefused, MetadataBodyRefused, NotChoosable
from tests.factories import make_account, make_integration, make_member, make_source, make_stream

pytestmark = pytest.mark.django_db

ORDERS = {
    "tap_stream_id": "shop-public-orders",
    "stream": "orders",
    "schema": {
        "type": "object",
        "properties": {
            "id": {"type": ["null", "integer"]},
            "title": {"type": ["null", "string"]},
            "place": {},
            "secret": {"type": "string"},
        },
    },
    "metadata": [
        {
            "breadcrumb": [],
            "metadata": {"table-key-properties": ["id"], "database-name": "shop", "schema-name": "public"},
        },
        {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
        {
            "breadcrumb": ["properties", "title"],
            "metadata": {"inclusion": "available", "selected-by-default": True},
        },
        {"breadcrumb": ["properties", "place"], "metadata": {"inclusion": "unsupported"}},
        {"breadcrumb": ["properties", "secret"], "metadata": {"inclusion": "available"}},
    ],
}


@pytest.fixture
def source():
    account = make_account()
    make_member(account)
    return make_source(account, step=SetUpStep.FIELD_SELECTION)


def discover(source, *streams):
    store_catalog(integration=source, catalog={"streams": list(streams)}, now=timezone.now())


def put(source, *items, tap_stream_id="shop-public-orders"):
    """Choose as PUT /streams/metadata does; an item is (breadcrumb, values)."""
    metadata = [{"breadcrumb": breadcrumb, "metadata": values} for breadcrumb, values in items]
    return apply_metadata(
        integration=source,
        streams=[{"tap_stream_id": tap_stream_id, "metadata": metadata}],
        actor=source.created_by,
    )


def field(name):
    return ["properties", name]


def test_a_second_discovery_keeps_what_is_chosen_and_notes_what_changed(source):
    gone = ORDERS | {"tap_stream_id": "shop-public-old", "stream": "old"}
    discover(source, ORDERS, gone)
    assert not SchemaChange.objects.exists()  # all is new at first
    put(source, ([], {"selected": True}), (field("title"), {"selected": False}))
    number = source.streams.get(stream_name="orders").pk
    later = copy.deepcopy(ORDERS)
    later["schema"]["properties"]["id"] = {"type": "string"}
    later["schema"]["properties"]["added"] = {"type": "string", "format": "date-time"}
    del later["schema"]["properties"]["secret"], later["metadata"][4]

    discover(source, later, ORDERS | {"tap_stream_id": "shop-public-new", "stream": "new"})

    orders = source.streams.get(stream_name="orders")
    assert (orders.pk, orders.is_selected) == (number, True)
    assert orders.chosen == {"[]": {"selected": True}, '["properties", "title"]': {"selected": False}}
    assert source.streams.get(stream_name="old").vanished_at is not None
    assert set(SchemaChange.objects.values_list("kind", "table_name", "field_name", "before", "after")) == {
        ("table added", "new", "", "", ""),
        ("table gone", "old", "", "", ""),
        ("field added", "orders", "added", "", "string (date-time)"),
        ("field gone", "orders", "secret", "string", ""),
        ("type changed", "orders", "id", "integer", "string"),
    }
    discover(source, later, gone)
    assert source.streams.get(stream_name="old").vanished_at is None
    assert SchemaChange.objects.count() == 7


def test_the_same_discovery_again_writes_nothing(source, django_assert_max_num_queries):
    discover(source, *(ORDERS | {"tap_stream_id": f"s{number}"} for number in range(150)))
    with django_assert_max_num_queries(6):
        discover(source, *(ORDERS | {"tap_stream_id": f"s{number}"} for number in range(150)))
    assert Stream.objects.count() == 150


@pytest.mark.parametrize(
    "catalog",
    [
        [],
        {"streams": {}},
        {"streams": ["orders"]},
        {"streams": [{"schema": {}}]},
        {"streams": [ORDERS, ORDERS]},
        {"streams": [ORDERS | {"metadata": [{"breadcrumb": "x"}]}]},
        {"streams": [ORDERS | {"stream": "a\0b"}]},
        {"streams": [ORDERS | {"stream": "\ud800"}]},
        {"streams": [ORDERS | {"row_count": float("nan")}]},
    ],
    ids=range(1, 10),
)
def test_what_is_no_catalog_changes_nothing(source, catalog):
    discover(source, ORDERS | {"tap_stream_id": "kept"})
    with pytest.raises(BadCatalog):
        store_catalog(integration=source, catalog=catalog, now=timezone.now())
    assert source.streams.found().get().tap_stream_id == "kept"


def test_selecting_a_stream_completes_the_set_up_and_stopping_it_reopens_it(source):
    discover(source, ORDERS)
    assert put(source, ([], {"selected": True})) == 1
    source.refresh_from_db()
    assert source.step == SetUpStep.FULLY_CONFIGURED
    assert source.next_run_at is not None
    event = AuditEvent.objects.get(event="integration.selection_changed")
    assert event.detail == {"tables": 1, "tracked": "orders", "stopped": ""}

    assert put(source, ([], {"selected": True})) == 0  # nothing new: no event
    put(source, ([], {"selected": False}))
    source.refresh_from_db()
    assert (source.step, source.next_run_at) == (SetUpStep.FIELD_SELECTION, None)
    assert AuditEvent.objects.filter(event="integration.selection_changed").count() == 2


def test_the_catalog_of_a_run_says_outright_what_is_replicated(source):
    """connect-api.md 4.2, with 8.1 no. 6: an explicit false excludes."""
    discover(source, ORDERS, ORDERS | {"tap_stream_id": "other", "stream": "other"})
    put(source, ([], {"selected": True, "replication-method": "INCREMENTAL", "replication-key": "id"}))
    entry, other = catalog_for_run(source)["streams"]
    selected = {item["breadcrumb"][-1]: item["metadata"]["selected"] for item in entry["metadata"][1:]}
    assert selected == {"id": True, "title": True, "place": False, "secret": False}
    assert entry["metadata"][0]["metadata"]["replication-method"] == "INCREMENTAL"
    assert (entry["replication_key"], entry["key_properties"]) == ("id", ["id"])
    assert entry["schema"]["selected"] is True  # where taps of before 2018 look
    assert entry["schema"]["properties"]["title"]["selected"] is True
    assert other["metadata"][0]["metadata"]["selected"] is False
    assert other["replication_method"] == "FULL_TABLE"  # a database's table needs a method

    put(source, (field("title"), {"selected": False}), (field("secret"), {"selected": True}))
    entry, _ = catalog_for_run(source)["streams"]
    selected = {item["breadcrumb"][-1]: item["metadata"]["selected"] for item in entry["metadata"][1:]}
    assert selected == {"id": True, "title": False, "place": False, "secret": True}


def test_a_tap_without_metadata_replicates_every_field(source):
    old = {"stream": "people", "key_properties": ["id"], "schema": ORDERS["schema"]}
    discover(source, old)
    put(source, ([], {"selected": True}), tap_stream_id="people")
    (entry,) = catalog_for_run(source)["streams"]
    assert all(item["metadata"]["selected"] for item in entry["metadata"])
    assert entry["metadata"][0]["metadata"]["table-key-properties"] == ["id"]


def test_a_prescribed_method_is_not_told_and_a_view_has_the_chosen_key(source):
    forced = copy.deepcopy(ORDERS)
    forced["metadata"][0]["metadata"] |= {"forced-replication-method": "FULL_TABLE", "is-view": True}
    discover(source, forced)
    put(source, ([], {"replication-method": "LOG_BASED", "view-key-properties": ["title"]}))
    (entry,) = catalog_for_run(source)["streams"]
    assert "replication-method" not in entry["metadata"][0]["metadata"]
    assert (entry["replication_method"], entry["key_properties"]) == ("FULL_TABLE", ["title"])


def test_what_a_tap_says_of_selected_is_its_default_only(source):
    own = copy.deepcopy(ORDERS)
    own["metadata"][0]["metadata"]["selected"] = True
    own["metadata"][4]["metadata"]["selected"] = True
    discover(source, own)
    stream = source.streams.get()
    assert merged_metadata(stream)[0]["metadata"]["selected"] is None
    assert stream.field_metadata['["properties", "secret"]'] == {
        "inclusion": "available",
        "selected-by-default": True,
    }


def test_metadata_merges_both_and_says_selected_everywhere(source):
    """connect-api.md 8.1 no. 7: null on the fields of a stream that is not selected."""
    discover(source, ORDERS)
    put(source, (field("title"), {"selected": True}))
    entries = {
        json.dumps(item["breadcrumb"]): item["metadata"] for item in merged_metadata(source.streams.get())
    }
    assert {key: item["selected"] for key, item in entries.items()} == dict.fromkeys(
        ["[]", *(f'["properties", "{name}"]' for name in ("id", "title", "place", "secret"))]
    )
    put(source, ([], {"selected": True}))
    entries = {
        json.dumps(item["breadcrumb"]): item["metadata"] for item in merged_metadata(source.streams.get())
    }
    assert entries["[]"]["selected"] is entries['["properties", "title"]']["selected"] is True
    assert entries['["properties", "title"]']["selected-by-default"] is True


@pytest.mark.parametrize("streams", [None, [], {}, [1], [{}], [{"tap_stream_id": "x"}]], ids=str)
@pytest.mark.parametrize(
    "item", [None, {"breadcrumb": []}, {"metadata": {}}, {"breadcrumb": [1], "metadata": {}}]
)
def test_a_body_without_its_keys_is_refused(source, streams, item):
    if streams == [{"tap_stream_id": "x"}] and item:
        streams = [{"tap_stream_id": "x", "metadata": [item]}]
    with pytest.raises(MetadataBodyRefused) as refused:
        apply_metadata(integration=source, streams=streams, actor=source.created_by)
    assert refused.value.message == (
        "body must contain a 'streams' property with a list of metadatas by tap_stream_id"
    )


@pytest.mark.parametrize(
    ("stream_id", "breadcrumb", "values", "message"),
    [
        (None, [], {"selected": True}, "invalid tap-stream-ids:  [nil]"),
        ("none", [], {"selected": True}, "invalid tap-stream-ids:  [none]"),
        ("a\0\ud800", [], {"selected": True}, "invalid tap-stream-ids:  [a\0\ud800]"),
        (
            "shop-public-orders",
            [],
            {"row-count": 1, "selected": True, "x": 2},
            'only non-discoverable metadata can be produced by the UI: #{"row-count" "x"}',
        ),
        (
            "shop-public-orders",
            ["properties", "place"],
            {"selected": True},
            "Unsupported fields cannot be selected by default",
        ),
        (
            "shop-public-orders",
            ["properties", "titel"],
            {"selected": True},
            'unknown field of shop-public-orders: ["properties", "titel"]',
        ),
        (
            "shop-public-orders",
            [],
            {"selected": "yes"},
            "shop-public-orders: selected must be true, false or null",
        ),
        (
            "shop-public-orders",
            [],
            {"replication-key": "a\0"},
            "shop-public-orders: replication-key must be the name of a field, or null",
        ),
    ],
)
def test_one_fault_refuses_the_whole_body(source, stream_id, breadcrumb, values, message):
    discover(source, ORDERS)
    good = {
        "tap_stream_id": "shop-public-orders",
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }
    bad = {"tap_stream_id": stream_id, "metadata": [{"breadcrumb": breadcrumb, "metadata": values}]}
    with pytest.raises(FieldsRefused) as refused:
        apply_metadata(integration=source, streams=[good, bad], actor=source.created_by)
    assert refused.value.message == message
    assert source.streams.get().is_selected is None
    assert not AuditEvent.objects.filter(event="integration.selection_changed").exists()


@pytest.mark.parametrize("step", [SetUpStep.FORM, SetUpStep.DISCOVER_SCHEMA])
def test_nothing_is_chosen_before_the_check(step):
    account = make_account()
    make_member(account)
    source = make_source(account, step=step)
    make_stream(source)
    with pytest.raises(NotChoosable):
        put(source, ([], {"selected": True}))
    with pytest.raises(NotChoosable):
        put(make_integration(account), ([], {"selected": True}))


def test_320_tables_are_chosen_with_few_queries(source, django_assert_max_num_queries):
    wide = copy.deepcopy(ORDERS)
    for number in range(20):
        wide["schema"]["properties"][f"c{number}"] = {"type": "string"}
        wide["metadata"].append(
            {
                "breadcrumb": field(f"c{number}"),
                "metadata": {"inclusion": "available", "selected-by-default": True},
            }
        )
    discover(source, *(wide | {"tap_stream_id": f"s{number}"} for number in range(320)))
    chosen = [
        {"tap_stream_id": f"s{number}", "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}]}
        for number in range(320)
    ]
    with django_assert_max_num_queries(25):
        assert apply_metadata(integration=source, streams=chosen, actor=source.created_by) == 320


def test_tables_are_known_by_database_and_by_their_own_name_where_a_tap_says_neither(source):
    """Taps of the Singer SDK call the stream `public-orders`, and read the table by its entry's `table_name`."""
    source.properties = {"dbname": "shop"}
    source.save()
    entry = copy.deepcopy(ORDERS) | {"stream": "public-orders", "table_name": "orders"}
    del entry["metadata"][0]["metadata"]["database-name"]
    discover(source, entry)
    stream = source.streams.get()
    assert (stream.metadata["database-name"], stream.metadata["schema-name"]) == ("shop", "public")
    (written,) = catalog_for_run(source)["streams"]
    assert (written["stream"], written["table_name"]) == ("public-orders", "orders")
    assert written["replication_method"] == "FULL_TABLE"
