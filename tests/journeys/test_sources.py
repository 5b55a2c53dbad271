"""In a browser: create a source, see its check, choose its data and finalize, by keyboard and without JavaScript."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import new_person
from tests.sources.declaring import synthetic_declaration

CHECKED_WITHIN_SECONDS = 40


@pytest.fixture(params=["keyboard", "no JavaScript"])
def visitor(request, browser, server):
    folder = server.data_dir / "sources"
    folder.mkdir(exist_ok=True)
    (folder / "synthetic.toml").write_text(synthetic_declaration())
    visitor = Visitor(browser, server, request.param)
    visitor.sign_up(**new_person())
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def tick(visitor, label: str) -> None:
    box = visitor.page.get_by_label(label, exact=True)
    if visitor.way == "keyboard":
        visitor.tab_to(box)
        visitor.page.keyboard.press("Space")
        expect(visitor.page.get_by_text("Your choices are pending until you finalize them.")).to_be_visible()
        expect(box).to_be_focused()  # the swapped list keeps one's place
    else:
        box.check()


def wait_for_check(visitor) -> None:
    """Wait until the page tells of success; without scripts a person follows its link."""
    if visitor.way == "keyboard":
        expect(visitor.page.get_by_text("Success!")).to_be_visible(timeout=CHECKED_WITHIN_SECONDS * 1000)
        return
    give_up = time.monotonic() + CHECKED_WITHIN_SECONDS
    while not visitor.page.get_by_text("Success!").is_visible():
        assert time.monotonic() < give_up
        time.sleep(0.5)
        visitor.page.goto(visitor.page.url)


def test_S10_a_source_is_created_checked_chosen_and_finalized(visitor):
    page = visitor.page
    page.goto(page.url.replace("/connections", "/integrations/platform.synthetic"))
    visitor.fill("Integration Name", "Made Up")
    visitor.fill("Password", "correct horse battery")
    visitor.fill("Stream names (optional)", "people,orders")
    visitor.press("button", "Check and Save")
    expect(page.get_by_role("heading", name="Testing Your Connection")).to_be_visible()
    wait_for_check(visitor)
    visitor.press("link", "Choose Your Data")
    tick(visitor, "Track people")
    visitor.press("button", "Finalize Your Selections")
    expect(page).to_have_url(re.compile(r"/summary$"))
    expect(page.locator(".banner", has_text="Your selections are final.")).to_be_visible()
    visitor.press("link", "Tables to Replicate")
    row = page.get_by_role("row", name=re.compile("people"))
    expect(row.locator(".cell-method")).to_have_text("Tracked")
    expect(page.get_by_role("row", name=re.compile("orders")).locator(".cell-method")).to_have_text(
        "Not Tracked"
    )
