"""A real server and a real browser, driven by mouse, by keyboard alone, or without JavaScript."""

import re

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect

from tests.server import Server, running_server

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/journeys/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("journeys") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def browser(chromium):
    return chromium


class Visitor:
    """Somebody at the browser. `way` is how they use it: "mouse", "keyboard" or "no JavaScript"."""

    def __init__(self, browser: Browser, server: Server, way: str = "mouse", **context):
        self.way = way
        self.server = server
        self.context = browser.new_context(
            base_url=server.url, java_script_enabled=way != "no JavaScript", **context
        )
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        self.page.on("console", self.note_console)

    def note_console(self, message) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.faults.append(f"console: {message.text}")

    def press(self, role: str, name: str | re.Pattern, *, within: Locator | None = None, exact: bool = True):
        """Press a button, link, tab or menu item: by mouse, or by Tab and Enter."""
        target = (
            (within or self.page).get_by_role(role, name=name, exact=exact and isinstance(name, str)).first
        )
        self.press_on(target)

    def press_on(self, target: Locator):
        expect(target).to_be_visible()
        if self.way == "keyboard":
            self.tab_to(target)
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def close_and_continue(self):
        """Leave the page that shows a secret; return on the next one: an address opened before would be overtaken."""
        self.press("link", "Close and Continue")
        expect(self.page.get_by_role("link", name="Close and Continue", exact=True)).to_have_count(0)
        self.page.wait_for_load_state()

    def fill(self, label: str, text: str):
        """Type into the field with this label."""
        field = self.page.get_by_label(label, exact=True).first
        if self.way == "keyboard":
            self.tab_to(field)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def source(self) -> str:
        """Return the page's HTML once it stands still: a page may be on its way to the next one."""
        for _ in range(20):
            try:
                self.page.wait_for_load_state("load")
                return self.page.content()
            except Error:
                self.page.wait_for_timeout(100)
        raise AssertionError("The page does not come to rest.")

    def tab_to(self, target: Locator):
        """Press Tab until the target has the focus; fail when it cannot be reached."""
        element = target.element_handle()
        for _ in range(150):
            if element.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached with the Tab key")

    def sign_up(self, *, email: str, company: str = "Acme", password: str):
        """Go through the sign-up form; end on the dashboard."""
        self.page.goto("/signup")
        self.fill("First Name", "Ada")
        self.fill("Last Name", "Lovelace")
        self.fill("Email Address", email)
        self.fill("Company Name", company)
        self.fill("Password", password)
        self.press("button", "Create Account")
        expect(self.page).to_have_url(re.compile(r"/client/\d+/pipeline/connections$"))


@pytest.fixture(params=["mouse", "keyboard", "no JavaScript"])
def visitor(request, browser, server):
    """The same journey, three ways."""
    visitor = Visitor(browser, server, request.param)
    yield visitor
    visitor.context.close()
    assert visitor.faults == []
