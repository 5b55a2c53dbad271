"""Requests: what programs sent, with and without scripts, by keyboard alone, live at the top."""

import json
import re
import secrets

from playwright.sync_api import expect

from tests.journeys.test_every_page import WIDTHS, look
from tests.journeys.test_guides import new_person

GOOD = {
    "table_name": "boats",
    "schema": {"properties": {"id": {"type": "integer"}}},
    "key_names": ["id"],
    "messages": [{"action": "upsert", "sequence": 1, "data": {"id": 1}}],
}


def send(visitor, token, body):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return visitor.page.request.post("/v2/import/batch", headers=headers, data=body.encode()).status


def test_requests_are_listed_filtered_and_lead_to_their_receipts(visitor):
    page = visitor.page
    visitor.sign_up(**new_person())
    page.goto(re.sub("connections.*", "integrations/import-api", page.url))
    visitor.fill("Integration Name", f"Boats {secrets.token_hex(3)}")
    visitor.press("button", "Save and Generate Token")
    expect(page.get_by_role("heading", name="Generated API Token")).to_be_visible()
    token = re.search(r"at_stitch[0-9A-Za-z]{46}", visitor.source()).group()
    visitor.close_and_continue()
    assert send(visitor, token, json.dumps(GOOD)) == 201
    assert send(visitor, token, "{") == 400
    visitor.press("link", "Loads")
    visitor.press("link", "Requests")
    lines = page.get_by_role("table").first.locator("tbody tr")
    for _ in range(60):  # the log lags by a second
        if lines.count() == 2:
            break
        page.wait_for_timeout(300)
        page.reload()
    expect(lines.nth(0)).to_contain_text("Refused 400")
    expect(lines.nth(0)).to_contain_text("body_malformed")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if visitor.way != "no JavaScript":
            assert look(page) == []
    if visitor.way != "no JavaScript":
        assert send(visitor, token, json.dumps(GOOD | {"table_name": "docks"})) == 201
        expect(page.get_by_text("docks")).to_be_visible(timeout=20_000)
    page.get_by_label("Result").select_option("2")
    visitor.press("button", "Filter")
    expect(page).to_have_url(re.compile("status=2"))
    expect(page.get_by_text("Refused 400")).to_have_count(0)
    visitor.press("link", re.compile("^Receipt"))
    expect(page.get_by_role("heading", name="Receipt of a batch")).to_be_visible()
