"""A queue folder of its own for each test."""

import pytest

from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.queue.processes import prepared_product, product_like


@pytest.fixture
def queue(settings, tmp_path):
    """Give the test its own DATA_DIR."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "queue"


@pytest.fixture
def token(db):
    account = make_account()
    make_member(account)
    return make_access_token(make_integration(account))[0]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    with prepared_product(tmp_path_factory.mktemp("prepared") / "data") as prepared:
        yield prepared


@pytest.fixture
def product(prepared, tmp_path):
    """Give real processes on a data folder of this test's own."""
    with product_like(prepared, tmp_path / "data") as product:
        yield product
