"""One running product for all tests of this folder that need real processes."""

import http.client

import pytest

from tests.queue.conftest import queue  # noqa: F401 - a fixture
from tests.queue.processes import GUNICORN, LOADER, prepared_product, product_like


@pytest.fixture(scope="package")
def prepared(tmp_path_factory):
    with prepared_product(tmp_path_factory.mktemp("prepared") / "data") as prepared:
        yield prepared


@pytest.fixture
def product_of_its_own(prepared, tmp_path):
    """Processes with settings of one test, which starts them."""
    with product_like(prepared, tmp_path / "data") as product:
        yield product


@pytest.fixture(scope="package")
def product(prepared, tmp_path_factory):
    with product_like(prepared, tmp_path_factory.mktemp("importapi") / "data") as product:
        product.start("web", GUNICORN)
        product.start("loader", LOADER)
        product.wait_until_ready()
        yield product


def asked(product, method, path, body=None, **headers):
    """Send one request with the product's token; return status, headers and body of the answer."""
    fields = {"Authorization": f"Bearer {product.access['secret']}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    try:
        connection.request(method, path, body, fields | headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
