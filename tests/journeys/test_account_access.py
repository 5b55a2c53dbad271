"""Coming in, going out, and coming back, in a real browser: by mouse, by keyboard alone, without JavaScript."""

import re
from email import message_from_string, policy

from playwright.sync_api import expect

from tests.journeys.test_guides import new_person

AGE_ALL_SESSIONS = """
from django.contrib.sessions.models import Session
from django.contrib.sessions.backends.db import SessionStore
for row in Session.objects.all():
    session = SessionStore(row.session_key)
    session["signed_in_at"] = 0
    session.save()
"""


def mails_to(server, address):
    """Return the text of every mail to the address, oldest first; the local mode keeps them in files."""
    found = []
    files = (server.data_dir / "mail").glob("*")  # none before the first mail
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns):
        for part in file.read_text().split("-" * 79 + "\n"):
            message = message_from_string(part.strip() + "\n", policy=policy.default)
            if message["To"] == address:
                found.append(message.get_body(("plain",)).get_content())
    return found


def link_in_mail(visitor, address, path):
    """Wait for the mail with a link to this path; return the link."""
    for _ in range(100):
        for text in reversed(mails_to(visitor.server, address)):
            if found := re.search(rf"http://\S+{path}\S+", text):
                return found[0]
        visitor.page.wait_for_timeout(100)
    raise AssertionError(f"no mail to {address} has a link to {path}")


def expect_to_read(visitor, words):
    """Look on the page itself: the same words stand in the region that screen readers hear."""
    shown = visitor.page.locator(".banner, #main").filter(has_text=words)
    expect(shown.first).to_be_visible()


def sign_out(visitor):
    visitor.press_on(visitor.page.locator(".user-menu > summary"))
    visitor.press("button", "Sign Out")
    expect(visitor.page).to_have_url(re.compile(r"/session/create$"))


def sign_in(visitor, person):
    visitor.fill("Email Address", person["email"])
    visitor.fill("Password", person["password"])
    visitor.press("button", "Sign In")
    expect(visitor.page).to_have_url(re.compile(r"/client/\d+/pipeline/connections$"))


def test_S10_signing_out_leaves_nothing_to_go_back_to(visitor):
    """app.md 4.1, 4.2, 4.4"""
    person, page = new_person(), visitor.page
    visitor.sign_up(**person, company="Wool and Sons")
    dashboard = page.url
    sign_out(visitor)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/session/create"))
    expect(page.get_by_text("Wool and Sons")).to_have_count(0)
    page.goto(dashboard)
    visitor.fill("Email Address", person["email"])
    visitor.fill("Password", "not the right password")
    visitor.press("button", "Sign In")
    expect_to_read(visitor, "The email address or the password is not correct.")
    visitor.fill("Password", person["password"])
    visitor.press("button", "Sign In")
    expect(page).to_have_url(dashboard)


def test_S10_S6_a_forgotten_password(visitor):
    """app.md 4.3, 4.5"""
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    sign_out(visitor)
    visitor.press("link", "Forgot?")
    visitor.fill("Email Address", person["email"])
    visitor.press("button", "Send the Link")
    expect(page.get_by_role("heading", name="Look for the mail")).to_be_visible()
    link = link_in_mail(visitor, person["email"], "/password/reset/")
    page.goto(link)
    person["password"] = "An entirely new password"
    visitor.fill("New Password", person["password"])
    visitor.fill("Confirm New Password", person["password"])
    visitor.press("button", "Change Password")
    expect_to_read(visitor, "Your password is changed. Sign in with it.")
    sign_in(visitor, person)
    page.goto(link)
    expect(page.get_by_role("heading", name="This link has expired")).to_be_visible()


def test_S10_confirming_the_address_and_changing_the_profile(visitor):
    """app.md 4.5; the path: user menu, Edit User Settings."""
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    visitor.press_on(page.locator(".user-menu > summary"))
    visitor.press("link", "Edit User Settings")
    expect_to_read(visitor, "is not confirmed yet")
    visitor.fill("Full Name", "Ada King")
    visitor.press("button", "Update Profile")
    expect_to_read(visitor, "Your profile is updated.")
    visitor.fill("Old Password", person["password"])
    visitor.fill("New Password", "An entirely new password")
    visitor.fill("Confirm New Password", "An entirely new password")
    visitor.press("button", "Change Password")
    expect_to_read(visitor, "Your password is changed.")
    profile = page.url
    page.goto(link_in_mail(visitor, person["email"], "/email/confirm/"))
    visitor.press("button", "Confirm")
    expect_to_read(visitor, f"{person['email']} is confirmed.")
    page.goto(profile)
    expect(page.get_by_text("is not confirmed yet")).to_have_count(0)


def test_P12_what_was_typed_survives_the_question_for_the_password(visitor):
    """D40: the sign-in grows old while the form is being filled in."""
    person, page = new_person(), visitor.page
    visitor.sign_up(**person)
    page.goto(page.url.replace("/pipeline/connections", "/account/api-keys/new"))
    visitor.fill("Key Description", "Typed with care")
    visitor.server.ask(AGE_ALL_SESSIONS)
    visitor.press("button", "Save and Generate Key")
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    visitor.fill("Password", "not the right password")
    visitor.press("button", "Confirm")
    expect_to_read(visitor, "This password is not correct.")
    visitor.fill("Password", person["password"])
    visitor.press("button", "Confirm")
    expect(page.get_by_role("heading", name="Generated API Access Key")).to_be_visible()
    visitor.close_and_continue()
    expect(page.get_by_role("row").filter(has_text="Typed with care")).to_be_visible()
    visitor.server.ask(AGE_ALL_SESSIONS)
    visitor.press_on(page.get_by_role("row").filter(has_text="Typed with care").locator("summary"))
    visitor.press("link", "Delete this key")
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    visitor.fill("Password", person["password"])
    visitor.press("button", "Confirm")
    visitor.press("button", "Delete")
    expect(page.get_by_text("No API access keys yet")).to_be_visible()
