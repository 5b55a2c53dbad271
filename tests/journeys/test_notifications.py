"""In a browser: a destination fails, its notification, its mail, its recovery; the custom list and dismissal."""

import json
import re
import secrets
import time
import urllib.request
from email import message_from_string, policy

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Visitor
from tests.journeys.test_account_access import link_in_mail
from tests.journeys.test_guides import new_person

WITHIN_SECONDS = 60
DUE_NOW = (
    "from django.utils import timezone; from accounts.models import Task; "
    "Task.objects.filter(kind='notification-mails').update(due_at=timezone.now())"
)


@pytest.fixture(params=["mouse", "keyboard", "no JavaScript"])
def person(request, browser, server):
    """Somebody who has just signed up, with what they signed up with."""
    visitor = Visitor(browser, server, request.param)
    visitor.own = new_person()
    visitor.sign_up(**visitor.own)
    visitor.client_id = re.search(r"/client/(\d+)/", visitor.page.url).group(1)
    yield visitor
    visitor.context.close()
    assert visitor.faults == []


def make_integration(visitor) -> str:
    """Make an integration and return its token."""
    visitor.page.goto(f"/client/{visitor.client_id}/pipeline/integrations/import-api")
    visitor.fill("Integration Name", "Shop")
    visitor.press("button", "Save and Generate Token")
    return visitor.page.get_by_label("Your Stitch API Token", exact=True).input_value()


def push(visitor, token, number, *, key="id") -> None:
    body = {
        "table_name": "customers",
        "key_names": [key],
        "schema": {"properties": {"id": {"type": "integer"}, "serial": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": number, "data": {"id": number, "serial": number}}],
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{visitor.server.url}/v2/import/batch", json.dumps(body).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def see(visitor, words: str) -> None:
    """Open All Notifications again and again until it says so."""
    give_up = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < give_up:
        visitor.page.goto(f"/client/{visitor.client_id}/notifications")
        if words in visitor.page.locator("main").inner_text():
            return
        visitor.page.wait_for_timeout(500)
    raise AssertionError(f"All Notifications does not say: {words}")


def mails(visitor, subject: str) -> list[str]:
    """Return the text of the visitor's mails with this subject."""
    folder = visitor.server.data_dir / "mail"
    found = []
    for file in folder.iterdir() if folder.exists() else ():
        message = message_from_string(file.read_text().rpartition("\n" + "-" * 79)[0], policy=policy.default)
        if message["to"] == visitor.own["email"] and message["subject"] == subject:
            found.append(message.get_body(("plain",)).get_content())
    return found


def wait_for_mail(visitor, subject: str) -> str:
    give_up = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < give_up:
        if found := mails(visitor, subject):
            return found[0]
        time.sleep(0.5)
    raise AssertionError(f"no mail: {subject}")


def fill_connection(visitor, made) -> None:
    visitor.fill("Display Name", "Reporting")
    for label, name in (
        ("Host (Endpoint)", "host"),
        ("Port", "port"),
        ("Username", "username"),
        ("Database", "database"),
        ("Password", "password"),
    ):
        visitor.fill(label, str(made[name]))
    visitor.page.get_by_label("Connect using SSL").uncheck()


@pytest.mark.parametrize("person", ["mouse", "no JavaScript"], indirect=True)
def test_a_destination_fails_is_told_mailed_mended_and_told_no_more(person, warehouse_server):
    page, made = person.page, dict(warehouse_server.make_database())
    page.goto(f"/client/{person.client_id}/destinations")
    person.press("link", "Use PostgreSQL Instead")
    fill_connection(person, made)
    person.press("button", "Check and Save")
    expect(page.locator(".banner", has_text="Success! Reporting is connected.")).to_be_visible()
    token = make_integration(person)
    new = secrets.token_urlsafe(16)
    warehouse_server.run(f"ALTER ROLE {made['username']} PASSWORD '{new}'")

    push(person, token, 1)
    see(person, "Encountered an error while writing to Reporting: all that is to go there waits.")
    expect(page.locator(".top-bar .counter")).to_have_text("1")
    entry = page.locator(".notification", has_text="Reporting")
    expect(entry).to_contain_text("Critical")
    expect(entry.locator("pre")).to_be_hidden()
    entry.locator("summary").click()
    expect(entry.locator("pre")).to_contain_text("password authentication failed for user")
    person.server.ask(DUE_NOW)
    text = wait_for_mail(person, "Stitch Notification - Data Warehouse Error")
    assert "- Shop: customers" in text
    assert f"{person.server.url.rsplit(':')[-1]}/client/{person.client_id}/notifications" in text

    person.press("link", "your destination", within=entry)
    person.press("link", "Edit Settings")
    person.fill("Password", new)
    person.press("button", re.compile("Settings$"))
    expect(page.locator(".banner", has_text="Success!")).to_be_visible()
    see(person, "You have no notifications.")
    expect(page.locator(".top-bar .counter")).to_have_count(0)
    person.press("link", "Solved and dismissed")
    expect(page.locator(".notification", has_text="Reporting")).to_contain_text("Solved")
    give_up = time.monotonic() + WITHIN_SECONDS
    while not warehouse_server.run("SELECT to_regclass('shop.customers')", database=made["database"])[0][0]:
        assert time.monotonic() < give_up
        time.sleep(0.5)
    assert len(mails(person, "Stitch Notification - Data Warehouse Error")) == 1


def test_a_notification_is_looked_at_and_dismissed(person):
    page = person.page
    token = make_integration(person)
    push(person, token, 1)
    page.goto(f"/client/{person.client_id}/pipeline/connections")
    give_up = time.monotonic() + WITHIN_SECONDS
    while "1" not in page.locator("main").inner_text().split("Total rows")[0]:
        assert time.monotonic() < give_up
        page.reload()
        page.wait_for_timeout(500)
    push(person, token, 2, key="serial")
    see(person, "Encountered an error while loading the table customers of Shop.")
    person.press_on(page.locator(".notification summary"))
    expect(page.locator(".notification pre")).to_contain_text("Primary Keys")
    person.press("button", re.compile("^Dismiss: Encountered an error"))
    expect(page.locator(".banner", has_text="The notification was dismissed for everybody.")).to_be_visible()
    expect(page.get_by_text("You have no notifications.")).to_be_visible()
    expect(page.locator(".top-bar .counter")).to_have_count(0)


def test_an_address_is_added_confirmed_switched_and_deleted(person, browser):
    page, email = person.page, f"list.{secrets.token_hex(6)}@example.com"
    page.goto(f"/client/{person.client_id}/account/notifications")
    person.press("link", "Add email")
    person.press("button", "Save Email")
    expect(page.get_by_text("Required. Must be valid email address format.")).to_be_visible()
    person.fill("Email", email)
    person.press("button", "Save Email")
    row = page.get_by_role("row", name=re.compile(re.escape(email)))
    expect(row).to_contain_text("Waiting for confirmation")

    reader = Visitor(browser, person.server, person.way)
    reader.page.goto(link_in_mail(person, email, "/notification-emails/confirm/"))
    reader.press("button", "Confirm")
    expect(reader.page.get_by_role("heading", name="You get mail from now on")).to_be_visible()
    reader.context.close()

    page.goto(f"/client/{person.client_id}/account/notifications")
    expect(row).to_contain_text("Enabled")
    for choice, status in (("Disable this email", "Disabled"), ("Re-enable this email", "Enabled")):
        person.press_on(row.locator("summary"))
        person.press("button", choice, within=row)
        expect(row).to_contain_text(status)
    person.press_on(row.locator("summary"))
    person.press("link", "Delete this email", within=row)
    expect(page.get_by_text(f"{email} gets no more mail about notifications")).to_be_visible()
    person.press("button", "Delete")
    expect(page.get_by_text("No custom notification addresses yet")).to_be_visible()


def test_errors_are_kept_out_of_mail(person):
    page = person.page
    page.goto(f"/client/{person.client_id}/account/notifications")
    box = page.get_by_label("Hide plain-text error messages in email notifications")
    if person.way == "keyboard":
        person.tab_to(box)
        page.keyboard.press("Space")
    else:
        box.check()
    person.press("button", "Save Content Settings")
    expect(page.locator(".banner", has_text="Your content settings were saved.")).to_be_visible()
    expect(box).to_be_checked()
