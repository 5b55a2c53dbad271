"""The page under /docs/api/: every operation of the document, readable without scripts."""

import json
import re
from html import unescape

import pytest

from integrations.connect.api import openapi_document
from integrations.connect.reference import resources
from tests.integrations.conftest import text_of

pytestmark = pytest.mark.django_db
DOCUMENT = json.loads(openapi_document())


@pytest.fixture
def page(client):
    return client.get("/docs/api/", headers={"host": "127.0.0.1:8123"})


def test_each_operation_stands_on_the_page_with_its_arguments_answers_and_a_call(page):
    html, text = page.content.decode(), text_of(page)
    for path, operations in DOCUMENT["paths"].items():
        for method, described in operations.items():
            section = html[html.index(f'<section aria-labelledby="{described["operationId"]}"') :]
            section = unescape(section[: section.index("</section>")])
            assert f"{method.upper()} {path}" in section
            assert described["summary"] in section
            for parameter in described.get("parameters", []):
                assert f"<code>{parameter['name']}</code>" in section
            for status in described["responses"]:
                assert f"<code>{status}</code>" in section
            assert "http://127.0.0.1:8123/" in section
            assert "Bearer $STITCH_KEY" in section
    assert "Every operation of the Stitch API" in text


def test_each_link_to_an_object_leads_to_it(page):
    html = page.content.decode()
    named = set(re.findall(r'href="#([^"]+)"', html))
    assert named
    assert named <= set(re.findall(r'id="([^"]+)"', html))


def test_what_an_example_sends_is_of_the_documented_shape(page):
    for _, operations in resources():
        for operation in operations:
            if operation.example:
                body = DOCUMENT["paths"][operation.path][operation.method.lower()]["requestBody"]
                name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                schema = DOCUMENT["components"]["schemas"][name]
                sent = json.loads(operation.example)
                assert set(schema.get("required", [])) <= set(sent) <= set(schema["properties"]), (
                    operation.name
                )


def test_the_address_with_and_without_a_slash_is_the_same_page(client):
    assert client.get("/docs/api").status_code == client.get("/docs/api/").status_code == 200
