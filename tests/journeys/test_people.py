"""A team grows and shrinks: invited, accepted, given a role, deactivated at the leaver's desk, let in again."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_account_access import expect_to_read, link_in_mail, sign_in, sign_out
from tests.journeys.test_every_page import WIDTHS, look
from tests.journeys.test_guides import call, new_person


@pytest.fixture
def colleague(visitor):
    """Somebody else at a browser of their own, who uses it in the same way."""
    colleague = Visitor(visitor.context.browser, visitor.server, visitor.way)
    yield colleague
    colleague.context.close()
    assert colleague.faults == []


def open_members(visitor):
    """The path: user menu, Manage Account Settings, tab Members."""
    visitor.press_on(visitor.page.locator(".user-menu > summary"))
    visitor.press("link", "Manage Account Settings")
    visitor.press("link", "Members")
    expect(visitor.page.get_by_role("heading", name="Team Members")).to_be_visible()


def row_of(visitor, email):
    return visitor.page.locator("#member-list tbody tr").filter(has_text=email)


def choose(visitor, email, entry):
    """Open the row's menu and choose an entry."""
    row = row_of(visitor, email)
    visitor.press_on(row.locator(".row-menu > summary"))
    visitor.press_on(row.get_by_text(entry, exact=True))


def give_role(visitor, email, role):
    row = row_of(visitor, email)
    visitor.press_on(row.locator(".role-menu > summary"))
    visitor.press("button", role, within=row)


def invite(visitor, email):
    visitor.press("link", "Add a Team Member")
    visitor.fill("Email Address", email)
    visitor.press("button", "Send Invitation")
    expect_to_read(visitor, f"An invitation is on its way to {email}")
    expect(row_of(visitor, email)).to_contain_text("Pending")


def generate_key(visitor, description):
    visitor.press_on(visitor.page.locator(".user-menu > summary"))
    visitor.press("link", "Manage Account Settings")
    visitor.press("link", "Generate a Key")
    visitor.fill("Key Description", description)
    visitor.press("button", "Save and Generate Key")
    secret = visitor.page.get_by_label("Your Stitch API Access Key", exact=True).input_value()
    visitor.close_and_continue()
    return secret


def keep(visitor, last_four, owner):
    """Choose to keep the key under a new owner."""
    frame = visitor.page.get_by_role("group", name=f"Key ending in {last_four}", exact=True)
    option = frame.get_by_label("Keep it under a new owner")
    if visitor.way == "keyboard":
        visitor.tab_to(frame.get_by_label("Disable it now"))
        visitor.page.keyboard.press("ArrowDown")
    else:
        option.check()
    expect(option).to_be_checked()
    field = frame.get_by_label("New owner", exact=True)
    if visitor.way == "keyboard":
        visitor.tab_to(field)
        visitor.page.keyboard.type(owner)
        visitor.page.keyboard.press("Escape")  # the list of proposals
    else:
        field.fill(owner)


def wait_for_use(visitor):
    """Open the desk again until it tells of the keys' use, which is written a moment after the request."""
    for _ in range(30):
        if visitor.page.get_by_text("Last used").count() == 2:
            return
        visitor.page.wait_for_timeout(300)
        visitor.page.reload()
    raise AssertionError("the use of a key is not told")


def status(visitor, secret):
    return call(f"{visitor.server.url}/v4/sources", secret)[0]


def no_faults(visitor):
    """Look at the open page under axe and at both widths; without JavaScript the tools cannot look."""
    if visitor.way == "no JavaScript":
        return
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert look(visitor.page) == [], (visitor.page.url, width)
    visitor.page.set_viewport_size({"width": 1280, "height": 900})


def test_S10_D30_a_member_comes_goes_and_comes_back(visitor, colleague):
    """app.md 8: invite, accept, role, deactivate with the leaver's desk, reactivate."""
    ada, page = new_person(), visitor.page
    visitor.sign_up(**ada, company="Wool and Sons")
    dashboard = page.url
    open_members(visitor)
    email = f"grace.{secrets.token_hex(6)}@example.com"
    invite(visitor, email)
    no_faults(visitor)

    colleague.page.goto(link_in_mail(visitor, email, "/invitation/"))
    expect(colleague.page.get_by_role("heading", name="Join Wool and Sons")).to_be_visible()
    no_faults(colleague)
    colleague.fill("First Name", "Grace")
    colleague.fill("Last Name", "Hopper")
    colleague.fill("Password", "short")
    colleague.press("button", "Accept Invitation")
    expect_to_read(colleague, "at least 12 characters")
    password = f"A long phrase {secrets.token_hex(8)}"
    colleague.fill("Password", password)
    colleague.press("button", "Accept Invitation")
    expect(colleague.page).to_have_url(dashboard)
    kept, dropped = generate_key(colleague, "Nightly schedule"), generate_key(colleague, "Experiments")
    assert [status(visitor, secret) for secret in (kept, dropped)] == [200, 200]
    open_members(colleague)
    expect(colleague.page.get_by_text("Add a Team Member")).to_have_count(0)

    page.reload()
    give_role(visitor, email, "Administrator")
    expect_to_read(visitor, f"Grace Hopper ({email}) is now: Administrator.")
    colleague.page.reload()
    expect(colleague.page.get_by_role("link", name="Add a Team Member")).to_be_visible()
    give_role(visitor, email, "General User")
    expect_to_read(visitor, f"Grace Hopper ({email}) is now: General User.")

    choose(visitor, email, "Deactivate")
    expect_to_read(visitor, "Every API access key of theirs that you do not keep below is disabled at once")
    wait_for_use(visitor)
    keep(visitor, kept[-4:], ada["email"])
    no_faults(visitor)
    visitor.press("button", "Deactivate")
    expect_to_read(visitor, "1 kept under a new owner, 1 disabled.")
    expect(row_of(visitor, email)).to_contain_text("Deactivated")
    assert [status(visitor, secret) for secret in (kept, dropped)] == [200, 401]
    colleague.page.reload()
    expect(colleague.page.get_by_role("heading", name="You are in no account")).to_be_visible()
    no_faults(colleague)

    choose(visitor, email, "Reactivate")
    expect_to_read(visitor, "is active again")
    colleague.page.goto(dashboard)
    expect(colleague.page).to_have_url(dashboard)
    assert status(visitor, dropped) == 401


def test_S10_D5_D6_somebody_with_an_account_joins_by_a_copied_link_and_switches(visitor, colleague):
    """app.md 8.3 and the switcher of the user menu: copy, sign in, accept, switch; resend and cancel."""
    page = visitor.page
    visitor.sign_up(**new_person(), company="Wool and Sons")
    first_client = re.search(r"/client/(\d+)/", page.url)[1]
    grace = new_person()
    colleague.sign_up(**grace, company="Hopper Ltd")
    own_client = re.search(r"/client/(\d+)/", colleague.page.url)[1]
    sign_out(colleague)
    open_members(visitor)
    invite(visitor, grace["email"])
    choose(visitor, grace["email"], "Copy Link")
    stale = page.get_by_label("Link to hand over", exact=True).input_value()
    visitor.press("link", "Close")
    choose(visitor, grace["email"], "Resend Invitation")
    expect_to_read(visitor, "earlier ones have stopped working")
    colleague.page.goto(stale)
    expect(colleague.page.get_by_role("heading", name="This invitation is no longer valid")).to_be_visible()

    choose(visitor, grace["email"], "Copy Link")
    link = page.get_by_label("Link to hand over", exact=True).input_value()
    visitor.press("link", "Close")
    colleague.page.goto(link)
    colleague.press("link", "Sign in to accept")
    colleague.fill("Email Address", grace["email"])
    colleague.fill("Password", grace["password"])
    colleague.press("button", "Sign In")
    expect_to_read(colleague, "You are signed in as")
    colleague.press("button", "Accept Invitation")
    expect_to_read(colleague, "You are now a member of Wool and Sons.")
    expect(colleague.page).to_have_url(re.compile(rf"/client/{first_client}/"))

    open_members(colleague)
    colleague.press_on(colleague.page.locator(".user-menu > summary"))
    no_faults(colleague)
    if colleague.way != "no JavaScript":  # looking from both widths may have closed it
        colleague.page.locator(".user-menu").evaluate("menu => menu.open = true")
    colleague.press("link", re.compile("Hopper Ltd"))
    expect(colleague.page).to_have_url(re.compile(rf"/client/{own_client}/account/members$"))
    sign_out(colleague)
    sign_in(colleague, grace)
    expect(colleague.page).to_have_url(re.compile(rf"/client/{own_client}/"))

    other = f"never.{secrets.token_hex(6)}@example.com"
    page.reload()
    invite(visitor, other)
    choose(visitor, other, "Cancel Invitation")
    expect_to_read_in_dialog(visitor, "stops working at once")
    visitor.press("button", "Cancel Invitation", within=page.get_by_role("dialog"))
    expect_to_read(visitor, f"The invitation of {other} is cancelled")
    expect(row_of(visitor, other)).to_have_count(0)


def expect_to_read_in_dialog(visitor, words):
    expect(visitor.page.get_by_role("dialog")).to_contain_text(words)
