"""S10, P11 in part: every page of the URL table is clean under axe, fits 390 and 1280 px, and knows its language.

The list of pages is the URL table itself, so a new page is tested without being named here.
"""

import re
import secrets

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_guides import new_person

WIDTHS = (1280, 390)
# Only what counts leaves the browser: the whole report of a page is larger than the page.
SERIOUS = """
axe.run({resultTypes: ["violations"]}).then(report => report.violations
  .filter(violation => ["serious", "critical"].includes(violation.impact))
  .map(({id, help, nodes}) => `${id}: ${help} (${nodes.slice(0, 3).map(node => node.target).join("; ")})`))
"""
# Addresses with a part that only a letter in the mail, or another page, can give.
NEEDS_MORE = re.compile(
    r"<(?!int:client_id|int:integration_id|int:token_id|int:api_key_id|int:destination_id"
    r"|int:invitation_id)"
)
NOT_A_PAGE = re.compile(r"^(admin/|v[234]/|healthz|readyz|static/|.*\.csv$|.*/export)")


@pytest.fixture(scope="module")
def member(browser, server):
    """A signed-in member of an account with a key, an integration, tokens and a loaded row."""
    visitor = Visitor(browser, server)
    visitor.sign_up(**new_person())
    visitor.client_id = re.search(r"/client/(\d+)/", visitor.page.url).group(1)
    visitor.page.goto(f"/client/{visitor.client_id}/account/api-keys/new")
    visitor.fill("Key Description", "Used in a test of every page")
    visitor.press("button", "Save and Generate Key")
    expect(visitor.page.get_by_role("heading", name="Generated API Access Key")).to_be_visible()
    visitor.page.goto(f"/client/{visitor.client_id}/pipeline/integrations/import-api")
    visitor.fill("Integration Name", f"Customer Records {secrets.token_hex(3)}")
    visitor.press("button", "Save and Generate Token")
    expect(visitor.page.get_by_role("heading", name="Generated API Token")).to_be_visible()
    visitor.close_and_continue()
    visitor.integration_id = re.search(r"/connections/(\d+)/", visitor.page.url).group(1)
    visitor.page.goto(f"/client/{visitor.client_id}/destinations")
    edit = visitor.page.get_by_role("link", name="Edit Settings").get_attribute("href")
    visitor.destination_id = re.search(r"/destinations/(\d+)/", edit).group(1)
    visitor.page.goto(f"/client/{visitor.client_id}/account/members/new")
    visitor.fill("Email Address", f"invited.{secrets.token_hex(6)}@example.com")
    visitor.press("button", "Send Invitation")
    cancel = visitor.page.get_by_text("Cancel Invitation", exact=True).get_attribute("href")
    visitor.invitation_id = re.search(r"/invitations/(\d+)/", cancel).group(1)
    yield visitor
    visitor.context.close()


def pages(member) -> list[str]:
    """Return the address of every page that can be opened with what the member has."""
    from stitchapp.routes import every_route

    found = []
    for route, _name, _ in every_route():
        if NOT_A_PAGE.match(route) or NEEDS_MORE.search(route):
            continue
        path = (
            route.replace("<int:client_id>", member.client_id)
            .replace("<int:integration_id>", member.integration_id)
            .replace("<int:token_id>", "1")
            .replace("<int:api_key_id>", "1")
            .replace("<int:destination_id>", member.destination_id)
            .replace("<int:invitation_id>", member.invitation_id)
        )
        found.append(f"/{path}")
    return sorted(set(found))


def test_S10_every_page_is_clean_under_axe_and_fits_the_screen(member):
    faults, opened = [], 0
    for path in pages(member):
        response = member.page.goto(path)
        if "text/html" not in response.headers["content-type"]:
            continue  # a download
        opened += response.status == 200
        for width in WIDTHS:
            member.page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{path} at {width}: {fault}" for fault in look(member.page)]
    assert faults == []
    assert opened >= 20


def look(page) -> list[str]:
    """Return what is wrong with the page that is open."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    faults = page.evaluate(SERIOUS)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        faults.append(f"scrolls sideways by {overflow} px")
    if not page.title().startswith("Stitch - "):
        faults.append(f"title is {page.title()!r}")
    if page.locator("h1").count() != 1:
        faults.append(f"has {page.locator('h1').count()} headings of the first level")
    return faults
