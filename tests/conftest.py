"""Fixtures and habits that all tests share."""

import pytest


def pytest_collection_modifyitems(items):
    """Let every database test use both databases: the queue has its own on SQLite.

    A test with real transactions ends by emptying every table; it gets back what the migrations put there.
    """
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker is not None:
            defaults = {"databases": "__all__"}
            if marker.kwargs.get("transaction"):
                defaults["serialized_rollback"] = True
            item.add_marker(pytest.mark.django_db(**(defaults | marker.kwargs)), append=False)
        elif "db" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(databases="__all__"))


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium, started once: Playwright runs only once in a process."""
    from playwright.sync_api import sync_playwright

    from tests.browser import ARGUMENTS, find_or_install_chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_install_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()
