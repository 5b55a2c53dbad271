"""The OpenAPI document: public, and true to the URL table."""

import re

from stitchapp.routes import every_route


def test_the_document_is_public_json(client, db):
    response = client.get("/v4/openapi.json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.json()["openapi"] == "3.1.0"


def test_document_and_url_table_name_the_same_paths(client, db):
    documented = set(client.get("/v4/openapi.json").json()["paths"])
    served = {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route).removesuffix("/")
        for route, _, view in every_route()
        if getattr(getattr(view, "access", None), "scope", "") == "connect"
    }
    assert documented == served


def test_each_documented_method_is_served_and_no_other(call):
    paths = call("GET", "/v4/openapi.json").json()["paths"]
    for path, operations in paths.items():
        real = re.sub(r"{\w+}", "1000000", path)
        for method in ("get", "post", "put", "delete", "patch", "head", "options"):
            response = call(method.upper(), real, {} if method in ("post", "put") else None)
            unknown_path = response.status_code == 404 and b'"error":"NotFound"' in response.content
            if "destinations/" in path and method == "get":  # an unknown destination is answered alike
                continue
            is_head = method == "head" and response.status_code == 404
            assert (method not in operations) == (unknown_path or is_head), (method, path)


def test_the_document_describes_the_caller_not_the_code(client, db):
    text = client.get("/v4/openapi.json").content.decode()
    assert ".md" not in text
    assert "integrations_connect" not in text
