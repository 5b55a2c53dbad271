"""Loads while a table cannot be loaded: what one reads stays open while the page fetches itself anew."""

import json
import re
import secrets

import duckdb
import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import new_person


@pytest.fixture
def visitor(browser, server):
    visitor = Visitor(browser, server)
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def test_a_message_that_is_being_read_stays_open(visitor, server):
    page = visitor.page
    visitor.sign_up(**new_person())
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)
    page.goto(re.sub("connections.*", "integrations/import-api", page.url))
    visitor.fill("Integration Name", f"Boats {secrets.token_hex(3)}")
    visitor.press("button", "Save and Generate Token")
    token = page.get_by_label("Your Stitch API Token", exact=True).input_value()
    visitor.close_and_continue()
    body = {"table_name": "boats", "sequence": 1, "action": "upsert", "key_names": ["id"], "data": {"id": 1}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    file = server.data_dir / "warehouse" / f"{client_id}.duckdb"
    file.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(file)):  # another program has the warehouse open
        sent = page.request.post(
            "/v2/import/push", headers=headers, data=json.dumps([body | {"client_id": int(client_id)}])
        )
        assert sent.status == 201
        visitor.press("link", "Loads")
        message = page.get_by_text("View message")
        expect(message).to_be_visible(timeout=45_000)
        message.click()
        summary = page.locator("details.subtables summary")
        expect(page.get_by_text("The warehouse file is open in another program.")).to_be_visible()
        with page.expect_response(re.compile("/loads$"), timeout=30_000):
            pass
        expect(page.locator("#loads-panel")).to_be_visible()
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        expect(page.get_by_text("The warehouse file is open in another program.")).to_be_visible()
        expect(summary).to_be_focused()
        page.set_viewport_size({"width": 390, "height": 800})
        visitor.press("link", "boats")
        page.get_by_text("View message").click()
        told = page.get_by_text("The warehouse file is open in another program.")
        assert told.bounding_box()["width"] > 280  # the whole row's, not what its label leaves
        visitor.press("link", "Loads")
    expect(page.get_by_text("View message")).to_have_count(0, timeout=60_000)
    expect(page.get_by_role("row", name=re.compile("boats"))).to_contain_text("Today at")


def test_what_went_wrong_is_in_sight_wherever_one_has_scrolled_to(visitor):
    page = visitor.page
    visitor.sign_up(**new_person())
    page.goto(re.sub("connections.*", "integrations/import-api", page.url))
    visitor.fill("Integration Name", f"Boats {secrets.token_hex(3)}")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    page.goto(re.sub("/summary.*", "/rehearsal", page.url))
    page.set_viewport_size({"width": 390, "height": 500})
    page.get_by_label("Sample records").evaluate("field => { field.value = 'y'.repeat(2_700_000) }")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("That is larger than a form may be.")).to_be_in_viewport()
    page.get_by_label("Sample records").fill('{"id": 1}')
    page.context.clear_cookies()  # the form's token with them
    page.get_by_role("button", name="Rehearse").click()
    told = page.get_by_text(re.compile("or the page was open for too long: reload it."))
    expect(told).to_be_in_viewport()
    expect(page.get_by_role("button", name="Rehearse")).to_be_in_viewport()
    visitor.faults.clear()  # htmx logs the refusal
