"""A webhook from Add to Replay: it fails twice, arrives at the third try, and is sent again (J3, S10)."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_every_page import WIDTHS, look
from tests.journeys.test_guides import TOKEN, batch, call, new_person
from tests.receiver import hook_receiver
from tests.server import running_server

SECRET = re.compile(r"hs_stitch[0-9A-Za-z]{46}")
TRY_NOW = """
from django.utils import timezone
from accounts.models import Task
Task.objects.filter(kind="hook").update(due_at=timezone.now())
"""


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with hook_receiver(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(tmp_path_factory, receiver):
    """A server that may send to the loopback interface and trusts the receiver's authority."""
    folder = tmp_path_factory.mktemp("hooks") / "data"
    with running_server(folder, first_start=True, HOOK_FORBIDDEN_ADDRESSES="none") as server:
        yield server


def add_integration(visitor, client_id: str) -> str:
    """Add an Import API integration; return its first token."""
    visitor.page.goto(f"/client/{client_id}/pipeline/integrations/import-api")
    visitor.fill("Integration Name", "Fleet")
    visitor.press("button", "Save and Generate Token")
    token = visitor.page.get_by_label("Your Stitch API Token", exact=True).input_value()
    assert TOKEN.fullmatch(token)
    visitor.close_and_continue()
    return token


def shown_after_reload(visitor, words: str):
    """Reload until the first row of the list shows the words: without scripts nothing moves by itself."""
    row = visitor.page.locator("#deliveries-panel tbody tr").first
    give_up = time.monotonic() + 30
    while not (row.count() and words in row.inner_text()):
        assert time.monotonic() < give_up, visitor.page.locator("#deliveries-panel").inner_text()
        visitor.page.wait_for_timeout(300)
        visitor.page.reload()
    return row


def clean(visitor, *, in_dialog: bool = False):
    """Look at the page at both widths; axe needs scripts. A dialog has a heading beside that of its page."""
    if visitor.way == "no JavaScript":
        return
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert look(visitor.page) == (["has 2 headings of the first level"] if in_dialog else [])
    visitor.page.set_viewport_size({"width": 1280, "height": 900})


def test_J3_a_webhook_fails_twice_arrives_and_is_replayed(visitor: Visitor, receiver):
    page = visitor.page
    receiver.received.clear()
    receiver.answers = [(503, {}), (500, {})]
    visitor.sign_up(**new_person())
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)
    token = add_integration(visitor, client_id)

    page.goto(f"/client/{client_id}/account/settings")
    visitor.press("link", "Notification Settings")
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
    clean(visitor)
    visitor.press("link", "Add Webhook")
    visitor.fill("Webhook URL", receiver.url().replace("https", "http"))
    visitor.press("button", "Save Webhook")
    expect(page.get_by_text("Invalid URI", exact=True)).to_be_visible()
    clean(visitor)
    visitor.fill("Webhook URL", receiver.url())
    visitor.press("button", "Save Webhook")
    expect(page.get_by_role("heading", name="Added Webhook")).to_be_visible()
    secret = page.get_by_label("Your Signing Secret", exact=True).input_value()
    assert SECRET.fullmatch(secret)
    clean(visitor)
    visitor.close_and_continue()
    row = page.get_by_role("row").filter(has_text=receiver.url())
    expect(row).to_contain_text("Enabled")
    assert secret not in visitor.source()
    clean(visitor)

    visitor.press("link", f"Deliveries of {receiver.url()}")
    expect(page.get_by_text("Nothing was sent to this webhook yet.")).to_be_visible()
    body = batch("bikes", {"id": 1, "name": "Ada"})
    assert call(f"{visitor.server.url}/v2/import/batch", token, body)[0] == 201
    shown_after_reload(visitor, "503")
    clean(visitor)
    visitor.server.ask(TRY_NOW)
    shown_after_reload(visitor, "The answer was 500, not 2xx.")
    visitor.server.ask(TRY_NOW)
    shown_after_reload(visitor, "Delivered")
    clean(visitor)
    assert [received.is_signed_with(secret) for received in receiver.received] == [True] * 3
    assert receiver.received[-1].json["tables"][0]["num_rows"] == 1

    visitor.press("button", re.compile("^Replay the message about bikes"))
    expect(page.locator(".banner").last).to_contain_text("The message about bikes is sent again.")
    shown_after_reload(visitor, "(replayed)")
    shown_after_reload(visitor, "Delivered")
    assert len({received.headers["Stitch-Delivery"] for received in receiver.received}) == 1
    assert len(receiver.received) == 4

    visitor.press("link", "Notification Settings")
    visitor.press_on(row.locator("summary"))
    visitor.press("button", "Disable this webhook")
    expect(row).to_contain_text("Disabled")
    visitor.press_on(row.locator("summary"))
    visitor.press("button", "Re-enable this webhook")
    expect(row).to_contain_text("Enabled")
    visitor.press_on(row.locator("summary"))
    visitor.press("link", "Delete this webhook")
    expect(page.get_by_role("heading", name="Delete this webhook?")).to_be_visible()
    clean(visitor, in_dialog=True)
    visitor.press("button", "Delete")
    expect(page.get_by_text("No webhooks yet")).to_be_visible()
