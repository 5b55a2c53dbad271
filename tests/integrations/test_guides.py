"""The help pages: T-03, T-35, T-36, K-02, K-31, K-32."""

import ast
import re
import secrets
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve

from integrations.guides import GUIDES, MOVED, TOKENS_SLUG
from integrations.services.destination_connections import Connection, check_connection, passed
from integrations.snippets import PREPARE_POSTGRESQL
from tests.factories import make_account, make_member
from tests.integrations.conftest import text_of

pytestmark = pytest.mark.django_db
PATHS = ["/docs/", *(f"/docs/{guide.slug}" for guide in GUIDES)]


@pytest.mark.parametrize("path", PATHS)
def test_every_guide_answers_and_its_links_lead_somewhere(client, path):
    response = client.get(path)
    assert response.status_code == 200
    for href in re.findall(r'href="(/[^"#?]*)', response.content.decode()):
        if not href.startswith("/static/"):
            try:
                resolve(href)
            except Resolver404:
                pytest.fail(f"{path} links to {href}, which does not exist")


@pytest.mark.parametrize("old", MOVED)
def test_T35_the_guides_addresses_redirect_below_docs(client, old):
    response = client.get(f"/{old}")
    assert (response.status_code, response["Location"]) == (301, f"/docs/{TOKENS_SLUG}")


def test_T36_the_tile_stands_first_in_its_section_with_its_icon(client):
    page = client.get("/docs/").content.decode()
    section = page[page.index("Import API guides") :]
    tile = section[section.index("<li>") : section.index("</li>")]
    assert f'href="/docs/{TOKENS_SLUG}"' in tile
    assert "<span>Generate and revoke Import API access tokens.</span>" in tile
    assert "M9 9h12v5.5H9z" in tile  # the selected cells of the table-selection icon


def test_T03_T04_the_token_guide_points_to_both_references(client):
    page = client.get(f"/docs/{TOKENS_SLUG}").content.decode()
    assert 'href="/docs/developers/import-api/api"' in page
    assert 'href="/docs/developers/stitch-connect/api"' in page


def test_K02_the_key_guide_says_what_keys_are_for(client):
    assert "creates and configures integrations" in client.get(
        "/docs/account/manage-api-access-keys"
    ).content.decode().replace("\n", " ").replace("    ", "")


def test_K31_partner_access_has_its_own_guide(client):
    assert "No current partner keys" in client.get("/docs/account/manage-partner-access").content.decode()


@pytest.mark.parametrize("path", PATHS[1:])
def test_K32_every_guide_offers_help_and_feedback(client, path):
    assert 'href="/docs/help"' in client.get(path).content.decode()


def test_an_unknown_guide_is_not_found(client):
    assert client.get("/docs/nothing-here").status_code == 404


def test_examples_name_this_server(client):
    page = client.get("/docs/quick-start", headers={"host": "127.0.0.1:8123"}).content.decode()
    assert "http://127.0.0.1:8123/v2/import/batch" in page


def test_a_signed_in_person_keeps_the_bar_of_the_account(client):
    account = make_account()
    client.force_login(make_member(account))
    page = client.get("/docs/quick-start").content.decode()
    assert f'href="/client/{account.client_id}/pipeline/connections"' in page


def test_what_the_guide_lets_one_run_prepares_a_database_that_passes_every_step(warehouse_server):
    name, password = f"guide_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    statements = PREPARE_POSTGRESQL.replace("stitch", name).replace("choose-one", password)
    for statement in statements.replace("warehouse", name).split("\n"):
        warehouse_server.run(statement)
    there = Connection(
        host=warehouse_server.host,
        port=warehouse_server.port,
        database=name,
        username=name,
        password=password,
        ssl=False,
    )
    assert passed(check_connection(there))


def test_each_reason_to_reject_a_record_is_explained(client):
    """Every text that the loader refuses with stands in the guide, its names and values left out."""
    texts = set()
    for module in Path("integrations/loading").rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Refused":
                texts |= {fixed_text(part) for part in call.args[:1]}
            if isinstance(call, ast.FunctionDef) and call.name in REFUSALS:
                texts |= {fixed_text(each.value) for each in ast.walk(call) if isinstance(each, ast.Return)}
    told = {text for text in texts if text.strip("…")}
    assert len(told) > 10
    page = text_of(client.get("/docs/replication/loading"))
    assert {text for text in told if text not in page} == set()


REFUSALS = ("table_refusal", "column_refusal", "too_long")


def fixed_text(node) -> str:
    """Return a message's words with … for each name and value in it; nothing for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
    return re.sub("…+", "…", "".join(parts)).replace("[…]", "…")
