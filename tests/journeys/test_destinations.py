"""In a browser: from the embedded warehouse to a PostgreSQL database and back, with a mistake on the way."""

import json
import re
import time
import urllib.request

import duckdb
import psycopg
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import new_person

LOADED_WITHIN_SECONDS = 30


@pytest.fixture(params=["mouse", "no JavaScript"])
def visitor(request, browser, server):
    visitor = Visitor(browser, server, request.param)
    visitor.sign_up(**new_person())
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def push(visitor, token: str, *ids: int) -> None:
    """Send records of one table as a program does."""
    body = {
        "table_name": "customers",
        "key_names": ["id"],
        "schema": {"properties": {"id": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": number, "data": {"id": number}} for number in ids],
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{visitor.server.url}/v2/import/batch", json.dumps(body).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def wait_for(read, expected) -> None:
    """Wait until `read()` gives what is expected."""
    give_up = time.monotonic() + LOADED_WITHIN_SECONDS
    found = None
    while found != expected and time.monotonic() < give_up:
        try:
            found = read()
        except (psycopg.Error, duckdb.Error):  # not there yet, or being written
            found = None
        time.sleep(0.1)
    assert found == expected


def told(visitor, words: str) -> None:
    """Expect a message on top of the page."""
    expect(visitor.page.locator(".banner", has_text=words)).to_be_visible()


def resume(visitor) -> None:
    """Let the account's integration accept data again."""
    visitor.press("link", "Integrations")
    switch = visitor.page.get_by_role("switch", name="Shop is active")
    switch.click()
    told(visitor, "Shop is active. Its tokens work again.")


def test_a_PostgreSQL_database_is_set_up_filled_and_left_again(visitor, warehouse_server):
    page, made = visitor.page, warehouse_server.make_database()
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)

    def in_postgresql():
        rows = warehouse_server.run("SELECT id FROM shop.customers ORDER BY id", database=made["database"])
        return [number for (number,) in rows]

    def in_duckdb():
        path = visitor.server.data_dir / "warehouse" / f"{client_id}.duckdb"
        with duckdb.connect(str(path), read_only=True) as file:
            return [
                number for (number,) in file.execute("SELECT id FROM shop.customers ORDER BY id").fetchall()
            ]

    page.goto(f"/client/{client_id}/pipeline/integrations/import-api")
    visitor.fill("Integration Name", "Shop")
    visitor.press("button", "Save and Generate Token")
    token = page.get_by_label("Your Stitch API Token", exact=True).input_value()
    push(visitor, token, 1)
    wait_for(in_duckdb, [1])

    page.goto(f"/client/{client_id}/destinations")
    visitor.press("link", "Use PostgreSQL Instead")
    visitor.fill("Display Name", "Reporting")
    for label, name in (
        ("Host (Endpoint)", "host"),
        ("Port", "port"),
        ("Username", "username"),
        ("Database", "database"),
    ):
        visitor.fill(label, str(made[name]))
    visitor.fill("Password", "not this one")
    page.get_by_label("Connect using SSL").uncheck()
    expect(page.get_by_text("1 integration is paused: Shop.")).to_be_visible()
    page.get_by_label(re.compile("^Yes, pause this integration")).check()
    visitor.press("button", "Check and Save")
    expect(page.get_by_role("alert").get_by_text("password authentication failed for user")).to_be_visible()
    expect(page.get_by_text("FAILED Connect: FATAL:")).to_be_visible()
    visitor.fill("Password", str(made["password"]))
    visitor.press("button", "Check and Save")
    told(visitor, "Success! Reporting is connected.")
    assert str(made["password"]) not in visitor.source()

    resume(visitor)
    push(visitor, token, 2, 3)
    wait_for(in_postgresql, [2, 3])
    assert in_duckdb() == [1]  # nothing was moved, nothing removed
    visitor.press("link", "Destination")
    expect(page.get_by_text(re.compile("Today at"))).not_to_have_count(0)

    visitor.press("link", "Use DuckDB Instead")
    expect(page.get_by_text("Reporting is removed from this account:")).to_be_visible()
    visitor.press("button", "Use DuckDB")
    told(visitor, "Success! DuckDB is your destination.")
    resume(visitor)
    push(visitor, token, 4)
    wait_for(in_duckdb, [1, 4])
    assert in_postgresql() == [2, 3]


def test_the_only_destination_is_removed_in_two_steps_and_chosen_again(visitor):
    page = visitor.page
    visitor.press("link", "Destination")
    visitor.press("link", "Remove Destination")
    visitor.fill("Confirm Removal", "something else")
    visitor.press("button", "Remove Destination")
    expect(page.get_by_text("Type DuckDB exactly as it stands here.")).to_be_visible()
    visitor.fill("Confirm Removal", "DuckDB")
    visitor.press("button", "Remove Destination")
    expect(page.get_by_role("heading", name="Remove DuckDB?")).to_be_visible()
    visitor.press("button", "Remove")
    expect(page.get_by_role("heading", name="Select a destination for your data")).to_be_visible()
    visitor.press("link", "DuckDB")
    visitor.press("button", "Use DuckDB")
    told(visitor, "Success! DuckDB is your destination.")
