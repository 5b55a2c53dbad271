"""Fixtures and habits that all tests share."""

import os
from contextlib import suppress

import pytest
from django.core.cache import cache
from django.db import connections

from stitchapp.gathering import Gathering
from tests.prepared import copy_prepared_database


def pytest_collection_modifyitems(items):
    """Let every database test use both databases: the queue has its own on SQLite.

    A test with real transactions ends by emptying every table; `put_back` then does what its own marker, which
    acts only before the next such test, does not.
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
def django_db_keepdb():
    """Take the databases below as they are: migrating them again would take longer than many a test."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Begin with copies of migrated databases."""
    for connection in connections.all():
        copy_prepared_database(connection)


@pytest.fixture(autouse=True)
def nothing_left_for_the_next_test():
    """Let go of what a process keeps between requests: its segment of the queue, and notes that wait to be written.

    What a test stored lies in a folder of its own, and its notes belong to rows that go with it.
    """
    yield
    from integrations.queue import accepting

    if accepting.segment_writer.cache_info().currsize:
        with suppress(OSError):  # the folder is gone, or the test broke the segment
            accepting.segment_writer().seal()
        accepting.segment_writer.cache_clear()
    accepting.room.looked_at = float("-inf")
    for gathered in all_gathered():
        gathered._notes.clear()


def all_gathered() -> list[Gathering]:
    from accounts.services import key_clients, last_use, refusals
    from integrations.services import request_log

    return [kind.gathered for kind in (refusals, last_use, key_clients, request_log)]


@pytest.fixture
def notes_wait(settings, monkeypatch):
    """Gather notes as the product does, and leave it to the test when they are written."""
    settings.GATHER_NOTES = True
    monkeypatch.setattr(Gathering, "_start", lambda self: None)


@pytest.fixture(scope="session")
def chromium():
    """The system's Chromium, started once: Playwright runs only once in a process."""
    from playwright.sync_api import sync_playwright

    # Its event loop stays in the thread of the tests: Django would refuse the database to whichever come next.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

    from tests.browser import ARGUMENTS, find_or_install_chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_install_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def warehouse_server():
    """A PostgreSQL server to load into, started once."""
    from tests.warehouse import warehouse_server

    with warehouse_server() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def database_access(request, django_db_blocker):
    """Keep the key to the database where the hook below finds it."""
    request.config.database_access = django_db_blocker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """After a test with real transactions, put back what the migrations had put into the tables (the plans)."""
    result = yield
    marker = item.get_closest_marker("django_db")
    if nextitem is not None and marker is not None and marker.kwargs.get("transaction"):
        with item.config.database_access.unblock():
            put_back()
    return result


def put_back():
    """Load each database's contents as they were before the first test; nothing is in the cache, as then.

    The cache has a table without a model, which the emptying passes by: what one test was throttled for would
    otherwise be held against the next one's person of the same number.
    """
    cache.clear()
    for connection in connections.all(initialized_only=True):
        contents = getattr(connection, "_test_serialized_contents", None)
        if contents:
            connection.creation.deserialize_db_from_string(contents)


@pytest.fixture
def synthetic_type(settings, tmp_path):
    """A source type whose tap makes its rows up (tests/sources/synthetic_tap.py), declared for this test alone."""
    from tests.sources.declaring import declare_synthetic

    settings.SOURCES_DIR = tmp_path / "sources"
    return declare_synthetic(settings.SOURCES_DIR)
