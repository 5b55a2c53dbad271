"""The OpenAPI document as the page under /docs/api/ shows it: operations by resource, and the objects they name."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from integrations.connect.api import openapi_document

OBJECTS = "#/components/schemas/"
CHANGING = ("put", "post")
# What an example says for a value of this name, where its shape alone would say nothing.
EXAMPLES: dict[str, Any] = {
    "display_name": "Customer Records",
    "name": "Staging",
    "description": "For the analysts",
    "email_address": "ops@example.com",
    "disabled_at": "2024-06-01T00:00:00Z",
    "paused_at": "2024-06-01T00:00:00Z",
    "url": "https://hooks.example.com/loads",
    "tap_stream_id": "shop-public-orders",
    "breadcrumb": [],
    "destination_id": 1,
}
WHERE = {
    "host": "db.example.com",
    "port": "5432",
    "username": "loader",
    "password": "…",
    "database": "warehouse",
    "ssl": "true",
}
BODIES: dict[str, Any] = {
    "source_create": {"type": "import_api", "display_name": "Customer Records"},
    "source_update": {"paused_at": "2024-06-01T00:00:00Z"},
    "destination_create": {"type": "postgres", "name": "Staging", "properties": WHERE},
    "destination_update": {"properties": {"database": "lake"}},
    "old_destination_create": {"type": "postgres", "connection": WHERE},
    "old_destination_update": {"type": "postgres", "connection": {"database": "lake"}},
    "hook_create": {
        "type": "post_load",
        "destination_id": 1,
        "config": {"url": "https://hooks.example.com/loads"},
    },
}


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of a type: plain words, or the name of an object to look up."""

    text: str
    names: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a key of an object."""

    name: str
    kind: list[Words]
    is_required: bool
    place: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered with a status."""

    status: int
    phrase: str
    kind: list[Words]
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; `example` is what a shell sends as its body."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    arguments: list[Field]
    answers: list[Answer]
    example: str
    example_path: str


@dataclass(frozen=True, slots=True)
class Object:
    """The shape of a body or of a part of one."""

    name: str
    description: str
    fields: list[Field]


@functools.cache
def resources() -> list[tuple[str, list[Operation]]]:
    """Return the operations by resource, as the document has them in order."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document()["paths"].items():
        for method, described in methods.items():
            found.setdefault(described["tags"][0], []).append(operation(path, method, described))
    return list(found.items())


@functools.cache
def shapes() -> list[Object]:
    """Return the shapes that operations name, from A to Z."""
    return [
        Object(name, described.get("description", ""), fields_of(described))
        for name, described in sorted(document()["components"]["schemas"].items())
    ]


@functools.cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    parsed: dict[str, Any] = json.loads(openapi_document())
    return parsed


def operation(path: str, method: str, described: dict[str, Any]) -> Operation:
    """Read one operation."""
    body = body_of(described)
    arguments = [
        Field(
            each["name"],
            kind_of(each["schema"]),
            each.get("required", False),
            each["in"],
            each.get("description", "") or each["schema"].get("description", ""),
        )
        for each in described.get("parameters", [])
    ]
    name = described["operationId"]
    example = BODIES.get(name, example_of(body, "")) if body is not None else None
    return Operation(
        name=name,
        method=method.upper(),
        path=path,
        summary=described["summary"],
        description=described.get("description", ""),
        arguments=[*arguments, *fields_of(resolved(body or {}), place="body")],
        answers=[
            Answer(
                int(status),
                HTTPStatus(int(status)).phrase,
                kind_of(shape_of(answer)),
                answer.get("description", ""),
            )
            for status, answer in sorted(described["responses"].items())
        ],
        example="" if example is None else json.dumps(example, ensure_ascii=False),
        example_path=path.replace("{", "<").replace("}", ">"),
    )


def body_of(described: dict[str, Any]) -> dict[str, Any] | None:
    """Return the shape of an operation's body; None when it takes none."""
    return shape_of(described["requestBody"]) if "requestBody" in described else None


def shape_of(part: dict[str, Any]) -> dict[str, Any]:
    """Return the shape of a body or of an answer; empty when there is none, or when it is no JSON."""
    shape: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return shape


def resolved(shape: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference to an object."""
    name = shape.get("$ref", "").removeprefix(OBJECTS)
    return document()["components"]["schemas"][name] if name else shape


def fields_of(shape: dict[str, Any], *, place: str = "") -> list[Field]:
    """Return the keys of an object."""
    required = shape.get("required", [])
    return [
        Field(name, kind_of(each), name in required, place, each.get("description", ""))
        for name, each in shape.get("properties", {}).items()
    ]


def kind_of(shape: dict[str, Any]) -> list[Words]:
    """Say of which type a value is."""
    if "$ref" in shape:
        name = shape["$ref"].removeprefix(OBJECTS)
        return [Words(name, names=name)]
    if "anyOf" in shape:
        pieces = [kind_of(each) for each in shape["anyOf"]]
        return [words for number, piece in enumerate(pieces) for words in joined(piece, " or ", number)]
    if "const" in shape or "enum" in shape:
        values = shape.get("enum") or [shape["const"]]
        return [Words(" or ".join(json.dumps(value) for value in values))]
    kind = shape.get("type", "any value" if shape else "no body")
    if kind == "array":
        return [Words("list of "), *kind_of(shape.get("items", {}))]
    if isinstance(kind, list):
        kind = " or ".join(kind)
    return [Words(f"{kind}, {shape['format']}" if "format" in shape else kind)]


def joined(piece: list[Words], between: str, number: int) -> list[Words]:
    """Put a word before every piece but the first."""
    return [Words(between), *piece] if number else piece


def example_of(shape: dict[str, Any], name: str) -> Any:
    """Make a value of a shape up: what is required of an object, all of one that requires nothing."""
    shape = resolved(shape)
    if name in EXAMPLES:
        return EXAMPLES[name]
    if "anyOf" in shape:
        return example_of(shape["anyOf"][0], name)
    if "const" in shape or "enum" in shape:
        return shape.get("const", (shape.get("enum") or [None])[0])
    kind = shape.get("type")
    if kind == "object" and "properties" in shape:
        wanted = shape.get("required") or list(shape["properties"])
        return {key: example_of(shape["properties"][key], key) for key in wanted}
    if kind == "array":
        return [example_of(shape.get("items", {}), "")]
    return {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "object": {}}.get(str(kind))
