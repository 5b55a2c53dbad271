"""Two-factor authentication and passkeys in a real browser (issue 4 B; S10)."""

import contextlib
import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Error, expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_account_access import expect_to_read, sign_in, sign_out
from tests.journeys.test_guides import new_person

IN_THE_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def code_of(secret, later=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def open_security(visitor):
    visitor.press_on(visitor.page.locator(".user-menu > summary"))
    visitor.press("link", "Edit User Settings")
    visitor.press("link", "Security")
    expect(visitor.page.get_by_role("heading", name="Two-factor authentication")).to_be_visible()


def give_password(visitor, person):
    visitor.fill("Email Address", person["email"])
    visitor.fill("Password", person["password"])
    visitor.press("button", "Sign In")


def test_S10_two_factor_on_lost_and_recovered(visitor):
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    open_security(visitor)
    visitor.press("link", "Add an Authenticator App")
    secret = page.locator("#app-key").input_value().replace(" ", "")
    visitor.fill("Code", "12345")
    visitor.press("button", "Turn On")
    expect_to_read(visitor, "This is not the code that the app shows now.")
    visitor.fill("Code", code_of(secret))
    visitor.press("button", "Turn On")
    expect(page.get_by_role("heading", name="Your Recovery Codes")).to_be_visible()
    codes = page.locator("#recovery-codes").inner_text().split("\n")
    assert len(codes) == 10
    with page.expect_download() as download:
        visitor.press("link", "Download")
    assert download.value.path().read_text().split("\n") == codes
    visitor.press("link", "I Have Kept Them")
    expect(page.get_by_text("10 unused")).to_be_visible()
    with contextlib.suppress(Error):  # the browser keeps no answer to a form, and says so
        page.go_back()
    expect(page.get_by_text(codes[0])).to_have_count(0)
    page.goto("/security")
    sign_out(visitor)

    give_password(visitor, person)  # with the app
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    visitor.fill("Code", code_of(secret, later=1))
    visitor.press("button", "Sign In")
    expect(page).to_have_url(re.compile(r"/pipeline/connections$"))
    sign_out(visitor)

    give_password(visitor, person)  # the telephone is lost
    visitor.fill("Code", codes[0])
    visitor.press("button", "Sign In")
    expect(page).to_have_url(re.compile(r"/pipeline/connections$"))
    open_security(visitor)
    expect(page.get_by_text("9 unused")).to_be_visible()
    visitor.press("link", "Remove the App")
    expect_to_read(visitor, "Two-factor authentication is off then")
    visitor.press("button", "Remove")
    expect_to_read(visitor, "The authenticator app is removed.")
    sign_out(visitor)
    sign_in(visitor, person)


def test_S10_signing_out_elsewhere(visitor, browser, server):
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    other = Visitor(browser, server)
    other.page.goto("/session/create")
    sign_in(other, person)
    open_security(visitor)
    expect(page.get_by_text("(this one)")).to_have_count(1)
    expect(page.locator("#sessions tbody tr")).to_have_count(2)
    visitor.press("button", "Sign Out Everywhere Else")
    expect_to_read(visitor, "You are signed out everywhere else.")
    expect(page.locator("#sessions tbody tr")).to_have_count(1)
    other.page.reload()
    expect(other.page).to_have_url(re.compile(r"/session/create"))
    other.context.close()


@pytest.fixture(params=["mouse", "keyboard"])
def device(request, browser, server):
    """A visitor whose device makes passkeys, at a name that browsers allow them for."""
    visitor = Visitor(browser, server, request.param)
    visitor.context.close()
    visitor.context = browser.new_context(base_url=server.url.replace("127.0.0.1", "localhost"))
    visitor.context.set_default_timeout(10_000)
    visitor.page = visitor.context.new_page()
    visitor.page.on("pageerror", lambda error: visitor.faults.append(f"script error: {error}"))
    visitor.page.on("console", visitor.note_console)
    visitor.protocol = visitor.context.new_cdp_session(visitor.page)
    visitor.protocol.send("WebAuthn.enable", {"enableUI": False})
    made = visitor.protocol.send("WebAuthn.addVirtualAuthenticator", {"options": IN_THE_DEVICE})
    visitor.authenticator = made["authenticatorId"]
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def test_S10_a_passkey_signs_in(device):
    person, page = new_person(), device.page
    device.sign_up(**person)
    open_security(device)
    device.press("link", "Add a Passkey")
    device.fill("Name", "Work laptop")
    device.press("button", "Add the Passkey")
    expect(page.get_by_role("heading", name="Your Recovery Codes")).to_be_visible()
    device.press("link", "I Have Kept Them")
    expect(page.get_by_role("row").filter(has_text="Work laptop")).to_be_visible()
    sign_out(device)
    device.press("button", "Sign In with a Passkey")
    expect(page).to_have_url(re.compile(r"/pipeline/connections$"))
    open_security(device)
    device.press("link", "Remove the passkey Work laptop")
    device.press("button", "Remove")
    expect_to_read(device, "The passkey “Work laptop” is removed.")
    sign_out(device)
    device.press("button", "Sign In with a Passkey")
    expect_to_read(device, "This passkey was not accepted.")


def test_S10_a_device_that_refuses_is_told_apart_from_a_wrong_passkey(device):
    page = device.page
    device.protocol.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device.authenticator})
    device.protocol.send(
        "WebAuthn.addVirtualAuthenticator", {"options": IN_THE_DEVICE | {"isUserVerified": False}}
    )
    device.sign_up(**new_person())
    page.goto("/security/passkeys/new")
    device.press("button", "Add the Passkey")
    expect(page.locator("[data-passkey-note]")).to_have_text(
        "No passkey was chosen, or it took too long. Try again."
    )


def test_S10_at_an_address_without_a_name_the_page_says_why(browser, server):
    """A browser makes passkeys for names, not for numbers."""
    visitor = Visitor(browser, server)
    visitor.sign_up(**new_person())
    visitor.page.goto("/security/passkeys/new")
    visitor.press("button", "Add the Passkey")
    expect(visitor.page.locator("[data-passkey-note]")).to_contain_text(
        "Passkeys do not work at this address."
    )
    visitor.context.close()


def test_S10_an_account_is_closed_and_reopened(visitor):
    """app.md 13.1; the path: user menu, Billing, Cancel Your Account."""
    person, page = new_person(), visitor.page
    company = f"Wool {person['email'].split('@')[0]}"
    visitor.sign_up(**person, company=company)
    visitor.press_on(page.locator(".user-menu > summary"))
    visitor.press("link", "Billing")
    visitor.press("link", "Cancel Your Account")
    visitor.fill("Company Name", "Something else")
    visitor.press("button", "Close the Account")
    expect_to_read(visitor, "This is not the name of the account.")
    visitor.fill("Company Name", company)
    visitor.press("button", "Close the Account")
    expect(page.get_by_role("heading", name="This account is closed")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="This account is closed")).to_be_visible()
    visitor.press("button", "Reopen the Account")
    expect_to_read(visitor, "The account is open again.")


def test_S10_an_account_that_requires_two_factor_leads_its_members_to_it(visitor):
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    client_id = re.search(r"/client/(\d+)/", page.url).group(1)
    page.goto("/security/authenticator/new")
    secret = page.locator("#app-key").input_value().replace(" ", "")
    visitor.fill("Code", code_of(secret))
    visitor.press("button", "Turn On")
    expect(page.get_by_role("heading", name="Your Recovery Codes")).to_be_visible()
    page.goto(f"/client/{client_id}/account/settings")
    visitor.press("link", "See Who Has It")
    visitor.press("link", "Require Two-Factor Authentication")
    visitor.press("button", "Require")
    expect_to_read(visitor, "Every member needs two-factor authentication from now on.")
    page.goto("/security/authenticator/remove")
    visitor.press("button", "Remove")
    expect_to_read(visitor, "The authenticator app is removed.")
    page.goto(f"/client/{client_id}/account/billing")
    expect(page.get_by_role("heading", name="One thing before you go in")).to_be_visible()
    visitor.press("link", "Add an Authenticator App")
    secret = page.locator("#app-key").input_value().replace(" ", "")
    visitor.fill("Code", code_of(secret))
    visitor.press("button", "Turn On")
    visitor.press("link", "I Have Kept Them")
    expect(page).to_have_url(re.compile(rf"/client/{client_id}/account/billing$"))
