"""Push with a program, follow the receipt, break a record on purpose, find it, fix it, replay it, see its row."""

import json
import re
import urllib.request

from playwright.sync_api import expect

from tests.journeys.test_guides import new_person

RECORDS = [{"id": 1, "total": 12}, {"id": 2, "total__st": "13"}]


def push(server, secret) -> str:
    """Send two records, one of them with a name that no column may have; return the receipt."""
    body = {
        "table_name": "orders",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "key_names": ["id"],
        "messages": [
            {"action": "upsert", "sequence": number, "data": record} for number, record in enumerate(RECORDS)
        ],
    }
    request = urllib.request.Request(
        f"{server.url}/v2/import/batch",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 201
        return response.headers["X-Batch-Id"]


def follow(server, secret, receipt) -> dict:
    """Wait for a batch as its sender does; return what became of its one table."""
    request = urllib.request.Request(
        f"{server.url}/v2/import/batches/{receipt}",
        headers={"Authorization": f"Bearer {secret}", "Prefer": "wait=30"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert answer["state"] == "loaded"
    assert answer["received_at"] <= answer["loading_since"] <= answer["loaded_at"]
    return answer["tables"][0]


def until_it_says(page, words) -> None:
    """Wait for words that come by themselves with scripts, and with a reload without them."""
    for _ in range(100):
        page.wait_for_load_state()
        if page.get_by_text(words).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError(f"The page never said {words}")


def test_a_broken_record_is_found_fixed_and_replayed(server, visitor):
    width = 390 if visitor.way == "no JavaScript" else 1280
    visitor.page.set_viewport_size({"width": width, "height": 900})
    page = visitor.page
    visitor.sign_up(**new_person())
    page.goto(re.sub("connections.*", "integrations/import-api", page.url))
    visitor.fill("Integration Name", "Web Shop")
    visitor.press("button", "Save and Generate Token")
    secret = page.get_by_label("Your Stitch API Token", exact=True).input_value()
    receipt = push(server, secret)
    visitor.close_and_continue()
    integration = re.sub("/summary.*", "", page.url)

    table = follow(server, secret, receipt)
    counts = [table[name] for name in ("accepted", "inserted", "updated", "superseded", "rejected")]
    assert counts == [2, 1, 0, 0, 1]
    page.goto(f"{integration}/batches/{receipt}")
    until_it_says(page, "See the 1 rejected record")
    visitor.press("link", "See the 1 rejected record")
    reason = re.compile("reserved datatype suffix on total__st")
    visitor.press("link", reason)
    expect(page.get_by_text('"total__st": "13"')).to_be_visible()
    expect(page.get_by_text("Field", exact=True)).to_be_visible()

    visitor.press("link", "Replay all 1")
    expect(page.get_by_text(re.compile("It would be rejected again"))).to_be_visible()
    if visitor.way == "keyboard":
        visitor.tab_to(page.get_by_label("Send as it is: the cause is gone"))
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
    else:
        page.get_by_label("Rename a field").check()
    expect(page.get_by_label("New type, to cast")).to_be_hidden()
    visitor.fill("New name, to rename", "total_text")
    visitor.press("button", "Preview")
    expect(page.get_by_text("It would be loaded.")).to_be_visible()
    expect(page.locator("#record-after")).to_contain_text('"total_text": "13"')
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.press("button", "Replay 1 Record")

    expect(page.get_by_text("1 record sent again.").last).to_be_visible()
    visitor.press("link", "Receipt")
    expect(page.get_by_text("This batch sends 1 rejected record again.")).to_be_visible()
    until_it_says(page, re.compile(r"^\s*Loaded\s*$"))

    page.goto(f"{integration}/rejected")
    expect(page.get_by_text("No rejected record is open.")).to_be_visible()
    page.goto(f"{integration}/tables")
    visitor.press("link", "orders")
    visitor.press("link", re.compile("Preview"))
    expect(page.get_by_role("columnheader", name=re.compile("total_text"))).to_be_visible()
    expect(page.get_by_role("cell", name="13", exact=True)).to_be_visible()
