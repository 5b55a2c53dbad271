"""Which table a stream goes to, and that its rows arrive there (connect-api.md 3.8, B.3)."""

import copy
import json

import pytest
from django.utils import timezone

from integrations.extracting.bodies import Gathering
from integrations.extracting.messages import Lines
from integrations.models import Stream
from integrations.services.run_catalog import catalog_for_run
from integrations.services.selection import store_catalog
from integrations.services.table_names import tables_by_tap_name
from tests.factories import make_account, make_member, make_source

pytestmark = pytest.mark.django_db


def entry(schema: str, table: str, **fields) -> dict:
    """Return a stream as the PostgreSQL tap of today writes it."""
    return {
        "tap_stream_id": f"{schema}-{table}",
        "stream": f"{schema}-{table}",
        "table_name": table,
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "metadata": [
            {
                "breadcrumb": [],
                "metadata": {"schema-name": schema, "forced-replication-method": ""},
            },
            {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
        ],
    } | fields


@pytest.fixture
def source():
    account = make_account()
    make_member(account)
    return make_source(account)


def discover(source, *entries):
    store_catalog(integration=source, catalog={"streams": copy.deepcopy(list(entries))}, now=timezone.now())
    return dict(source.streams.order_by("pk").values_list("tap_stream_id", "stream_name"))


def test_a_table_keeps_its_own_name_and_the_tap_is_told_its(source):
    assert discover(source, entry("public", "orders")) == {"public-orders": "orders"}
    [told] = catalog_for_run(source)["streams"]
    assert (told["stream"], told["table_name"]) == ("public-orders", "orders")


def test_two_tables_of_one_name_never_meet_and_no_name_ever_changes(source):
    first = discover(source, entry("public", "orders"), entry("sales", "orders"))
    assert first == {"public-orders": "orders", "sales-orders": "sales__orders"}
    assert discover(source, entry("sales", "orders"), entry("a", "Orders")) == first | {
        "a-Orders": "a__Orders"
    }  # the first is gone, and may come back


def test_the_schema_stands_before_every_table_where_the_source_asks_for_it(source):
    source.properties = {"include_schemas_in_destination_stream_name": "true"}
    source.save()
    assert discover(source, entry("public", "orders")) == {"public-orders": "public__orders"}


def test_the_servers_own_tables_are_not_offered(source):
    assert discover(source, entry("information_schema", "columns"), entry("public", "orders")) == {
        "public-orders": "orders"
    }


def test_an_empty_prescription_prescribes_nothing(source):
    discover(source, entry("public", "orders"))
    assert "forced-replication-method" not in Stream.objects.get().metadata


def test_records_go_to_the_table_of_their_stream(source):
    discover(source, entry("public", "orders"))
    gathering = Gathering(most_bytes=10_000, sequence=0, tables=tables_by_tap_name(source.pk))
    schema = {"type": "SCHEMA", "stream": "public-orders", "schema": {}, "key_properties": []}
    record = {"type": "RECORD", "stream": "public-orders", "record": {"id": 1}}
    written = "".join(json.dumps(message) + "\n" for message in (schema, record)).encode()
    said, row = Lines(longest=1_000).of(written)
    assert gathering.schema(said) and gathering.record(row)
    assert json.loads(gathering.next().body())["table_name"] == "orders"
