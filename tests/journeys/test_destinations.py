"""In a browser: from the embedded warehouse to a PostgreSQL database and back, with a mistake on the way."""

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


def told(visitor, words: str) -> None:
    """Expect a message on top of the page."""
    expect(visitor.page.locator(".banner", has_text=words)).to_be_visible()


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
