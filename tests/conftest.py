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
