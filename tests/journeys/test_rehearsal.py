"""A rehearsal in a real browser: by mouse, by keyboard alone and without JavaScript; it survives reload and Back."""

import re
import secrets

from playwright.sync_api import expect

from tests.journeys.test_every_page import look
from tests.journeys.test_guides import new_person


def open_rehearsal(visitor):
    """Sign up, make an integration, and go to its Rehearsal page as a person does."""
    visitor.sign_up(**new_person())
    visitor.page.goto(re.sub("connections.*", "integrations/import-api", visitor.page.url))
    visitor.fill("Integration Name", f"Bikes {secrets.token_hex(3)}")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    visitor.press("link", "Tables to Replicate")
    visitor.press("link", "Rehearsal")
    expect(visitor.page.get_by_role("heading", name="Rehearsal")).to_be_visible()


def test_a_sample_is_rehearsed_mended_and_kept(visitor):
    open_rehearsal(visitor)
    page = visitor.page
    visitor.press("button", "Rehearse")  # the example
    expect(page.get_by_role("heading", name="What would happen")).to_be_in_viewport()
    expect(
        page.get_by_role("heading", name="bookings__labels subtable of bookings, new table")
    ).to_be_visible()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert visitor.way == "no JavaScript" or look(page) == []
    visitor.fill("Sample records", '{"id": 1, "km": }')
    visitor.fill("Table name", "bikes")
    visitor.fill("Key fields", "id")
    visitor.press("button", "Rehearse")
    expect(page.get_by_text("Line 1, column 17: Expecting value")).to_be_visible()
    visitor.fill("Sample records", '{"id": 1, "km": 12.5, "total__st": 1}')
    visitor.press("button", "Rehearse")
    expect(page.get_by_text("every record would be rejected")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Sample records")).to_have_value('{"id": 1, "km": 12.5, "total__st": 1}')
    expect(page.get_by_text("every record would be rejected")).to_be_visible()
    if visitor.way != "no JavaScript":
        visitor.press("link", "Summary")
        expect(page.get_by_role("heading", name="Rehearsal")).to_have_count(0)
        page.go_back()
        expect(page.get_by_label("Sample records")).to_have_value('{"id": 1, "km": 12.5, "total__st": 1}')
        expect(page.get_by_text("every record would be rejected")).to_be_visible()


def test_the_schema_is_copied(browser, server):
    from tests.journeys.conftest import Visitor

    visitor = Visitor(browser, server, permissions=["clipboard-read", "clipboard-write"])
    open_rehearsal(visitor)
    visitor.press("button", "Rehearse")
    visitor.press("button", "Copy JSON Schema")
    expect(visitor.page.locator("#json-schema-1-note")).not_to_be_empty()
    copied = visitor.page.evaluate("navigator.clipboard.readText()")
    assert '"required": [\n    "booking_id"\n  ]' in copied
    visitor.context.close()
    assert visitor.faults == []
