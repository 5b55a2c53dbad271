"""Fixtures and habits that all tests share."""

import pytest


def pytest_collection_modifyitems(items):
    """Let every database test use both databases: the queue has its own on SQLite."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker is not None and "databases" not in marker.kwargs:
            item.add_marker(pytest.mark.django_db(**(marker.kwargs | {"databases": "__all__"})), append=False)
