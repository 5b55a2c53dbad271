"""What only a browser can show of an integration's pages: live notices, dialogs, a secret that is forgotten."""

import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import new_person


@pytest.fixture
def visitor(browser, server):
    visitor = Visitor(browser, server)
    visitor.sign_up(**new_person())
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def open_form(visitor):
    visitor.press("link", "Add Integration")
    visitor.press_on(visitor.page.get_by_role("link", name=re.compile("^Import API")))


def test_T17_the_schema_name_follows_the_typing_and_can_be_one_of_your_own(visitor):
    page = visitor.page
    open_form(visitor)
    name = page.get_by_label("Integration Name", exact=True)
    name.press_sequentially("Bike Fléet (Lyon)")
    expect(page.get_by_text("Will appear in your data warehouse as bike_fleet_lyon.")).to_be_visible()
    expect(name).to_be_focused()
    visitor.press("button", "Use a different schema name?")
    schema = page.get_by_label("Integration Schema Name", exact=True)
    expect(schema).to_be_focused()
    expect(schema).to_have_value("bike_fleet_lyon")
    expect(name).to_have_value("Bike Fléet (Lyon)")
    visitor.press("button", "Cancel the different schema name")
    expect(page.get_by_text("Will appear in your data warehouse as bike_fleet_lyon.")).to_be_visible()
    expect(name).to_be_focused()
    visitor.press("button", "Use a different schema name?")
    schema.fill("Not good")
    visitor.press("button", "Save and Generate Token")
    expect(page.get_by_text("The name field must be under 50 characters")).to_be_visible()
    expect(schema).to_be_focused()
    schema.fill("bikes")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    expect(page.get_by_text("Schema Name: bikes")).to_be_visible()


@pytest.mark.parametrize("way", ["keyboard", "no JavaScript"])
def test_T19_enter_saves_and_both_ways_to_a_schema_name_work(browser, server, way):
    visitor = Visitor(browser, server, way)
    visitor.sign_up(**new_person())
    page = visitor.page
    for name, own, schema in (("By Enter", None, "by_enter"), ("Own", "mine", "mine")):
        page.goto(re.sub("connections.*", "integrations/import-api", page.url))
        visitor.fill("Integration Name", name)
        if own:
            visitor.press("button", "Use a different schema name?")
            visitor.fill("Integration Schema Name", own)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Generated API Token")).to_be_visible()
        visitor.close_and_continue()
        expect(page.get_by_text(f"Schema Name: {schema}")).to_be_visible()
    visitor.context.close()
    assert visitor.faults == []


def test_T20_T21_P5_the_sample_programs_run_and_nothing_shows_the_token_again(visitor):
    page = visitor.page
    open_form(visitor)
    visitor.fill("Integration Name", "Samples")
    visitor.press("button", "Save and Generate Token")
    secret = page.get_by_label("Your Stitch API Token", exact=True).input_value()
    commands = [[sys.executable, "-c", page.locator("#python-snippet").inner_text()]]
    if shutil.which("curl"):
        commands.append(["sh", "-c", page.locator("#curl-snippet").inner_text()])
    for command in commands:
        sent = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert '{"status":"OK","message":"Batch Accepted!"}' in sent.stdout
    visitor.close_and_continue()
    expect(page.get_by_text("customers", exact=True)).to_be_visible(timeout=20_000)  # by itself: it polls
    summary = page.url
    page.go_back()  # not to the browser's own page about a form that was sent
    expect(page.get_by_label("Integration Name")).to_have_value("")
    assert secret not in visitor.source()
    assert page.locator(f"input[value='{secret}']").count() == 0
    page.goto(summary)


def test_S10_sorting_keeps_the_focus_on_the_head_that_was_pressed(visitor):
    page = visitor.page
    open_form(visitor)
    visitor.fill("Integration Name", "Sorted")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    page.get_by_role("link", name="Integrations", exact=True).click()
    head = page.get_by_role("link", name="Status", exact=True)
    head.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=status"))
    expect(head).to_be_focused()


def test_S10_pausing_asks_in_a_dialog_that_escape_closes_and_focus_returns(visitor):
    page = visitor.page
    open_form(visitor)
    visitor.fill("Integration Name", "Pausing")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    switch = page.get_by_role("switch")
    switch.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Pause Pausing?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(switch).to_be_focused()
    expect(switch).to_be_checked()
    page.keyboard.press("Enter")
    visitor.press("button", "Pause")
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_be_checked()


def test_the_dashboard_filters_while_one_types(visitor):
    page = visitor.page
    open_form(visitor)
    visitor.fill("Integration Name", "Findable")
    visitor.press("button", "Save and Generate Token")
    visitor.close_and_continue()
    visitor.press("link", "Integrations")
    search = page.get_by_role("searchbox", name="Find an integration")
    search.press_sequentially("zebra")
    expect(page.get_by_text("No integrations match “zebra”.").first).to_be_visible()
    expect(search).to_be_focused()
    expect(page).to_have_url(re.compile("q=zebra"))
    search.fill("find")
    expect(page.get_by_role("link", name="Findable")).to_be_visible()
