"""One running product for all tests of this folder that need real processes."""

import pytest

from tests.queue.processes import GUNICORN, LOADER, prepared_product, product_like


@pytest.fixture(scope="package")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("importapi")
    with (
        prepared_product(folder / "prepared") as prepared,
        product_like(prepared, folder / "data") as product,
    ):
        product.start("web", GUNICORN)
        product.start("loader", LOADER)
        product.wait_until_ready()
        yield product
