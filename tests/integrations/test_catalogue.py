"""The catalogue: what is installed can be added, the rest says what the operator has to run (app.md 9.2)."""

import pytest

from tests.integrations.conftest import text_of


@pytest.fixture
def url(account, settings, tmp_path):
    settings.TAPS_DIR = tmp_path / "taps"
    settings.SOURCE_FILES_DIR = None
    return f"/client/{account.client_id}/pipeline/integrations"


def test_the_import_api_comes_first_and_what_is_not_installed_leads_nowhere(browser, url):
    response = browser.get(url)
    page, text = response.content.decode(), text_of(response)
    assert page.index("Import API</a>") < page.index("GitHub")
    assert f'href="{url}/platform.' not in page
    assert "manage.py install_source hp-postgres" in text
    assert "Ask your operator to set SOURCE_FILES_DIR" in text
    assert text.index("Certified by Stitch") < text.index("Community Supported")


def test_what_is_installed_can_be_added(browser, url, synthetic_type):
    page = browser.get(url).content.decode()
    assert f'href="{url}/platform.synthetic"' in page
    assert 'href="' + url + '/platform.github"' not in page


@pytest.mark.parametrize(
    ("asked", "found", "left_out"),
    [
        ({"q": "mariadb"}, ["MySQL and MariaDB"], ["PostgreSQL", "Import API</a>"]),
        ({"category": "Databases"}, ["MySQL and MariaDB", "PostgreSQL"], ["GitHub", "Import API</a>"]),
        ({"category": "Databases", "q": "post"}, ["PostgreSQL"], ["MySQL and MariaDB"]),
        ({"category": "Nothing known"}, ["PostgreSQL", "Import API</a>"], []),
    ],
)
def test_types_are_found_by_words_and_by_category(browser, url, asked, found, left_out):
    page = browser.get(url, asked).content.decode()
    assert all(f"{words}" in page for words in found)
    assert not [words for words in left_out if words in page]


def test_a_broken_declaration_takes_nothing_else_with_it(browser, url, settings, tmp_path):
    settings.SOURCES_DIR = tmp_path
    (tmp_path / "broken.toml").write_text("name =")
    response = browser.get(url)
    assert response.status_code == 200
    assert "GitHub" in text_of(response)


def test_the_search_keeps_the_category_and_the_panel_is_part_of_the_page(browser, url):
    page = browser.get(url, {"category": "Databases"}).content.decode()
    assert '<input type="hidden" name="category" value="Databases">' in page
    panel = browser.get(url, {"category": "Databases"}, headers={"HX-Request": "true"}).content.decode()
    assert panel.strip().startswith('<div id="type-list"')
