"""From a schema document to compiled nodes (import-api.md 5.2, its faults 5.8)."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
import regex

from integrations.importapi.jsonschema import combinations, containers, scalars
from integrations.importapi.jsonschema.effort import NODE, Pattern, spend
from integrations.importapi.jsonschema.failures import Failure
from integrations.importapi.jsonschema.nodes import Node
from integrations.importapi.jsonschema.values import as_double, type_name, value_text

Document = dict[str, object]

# A type left out is guessed from the first of these lists that has a keyword of the schema.
GUESSED_TYPES = {
    "array": ("items", "additionalItems", "minItems", "maxItems", "uniqueItems"),
    "object": (
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "dependencies",
        "patternProperties",
        "additionalProperties",
    ),
    "number": ("minimum", "maximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern", "format"),
}
COMBINATIONS: dict[str, Callable[[list[Node]], Node]] = {
    "allOf": combinations.AllOf,
    "anyOf": combinations.AnyOf,
    "oneOf": combinations.OneOf,
}
MAX_CACHED_BYTES = 64 * 1024
COMPILING_A_CHARACTER = 50  # steps, of a pattern

_as_numbers = msgspec.json.Encoder(decimal_format="number")
_as_texts = msgspec.json.Encoder(decimal_format="string")


class InvalidSchema(ValueError):
    """The schema itself cannot be used; the message is the text of 5.8."""


class Schema:
    """A compiled schema."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self.accepts = root.accepts

    def explain(self, value: object) -> Failure | None:
        """Return what is wrong with `value`, or nothing."""
        return self._root.explain(value, ())


def compile_schema(document: Document) -> Schema:
    """Compile `document`, or take it from the small cache of those compiled lately."""
    try:
        source = _Source(document)
    except (ValueError, TypeError, OverflowError):  # lone surrogates, integers beyond 64 bits
        return _compile(document)
    return _compile(document) if source.size > MAX_CACHED_BYTES else _compile_cached(source)


class _Source:
    """A schema document that can be a key of the cache."""

    __slots__ = ("_key", "document", "size")

    def __init__(self, document: Document) -> None:
        # Both forms together tell 1e0, 1 and "1" apart; one alone would take two of them for equal.
        self._key = _as_numbers.encode(document), _as_texts.encode(document)
        self.document = document
        self.size = len(self._key[0])

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self._key == other._key


@lru_cache(maxsize=256)
def _compile_cached(source: _Source) -> Schema:
    return _compile(source.document)


def _compile(document: Document) -> Schema:
    return Schema(_Compiler(document).compile(document))


class _Compiler:
    """Compiles one document; holds what `$ref` needs."""

    def __init__(self, root: Document) -> None:
        self.root = root
        self.references: dict[str, combinations.Reference] = {}

    def compile(self, schema: Document) -> Node:
        spend(NODE)
        if "enum" in schema:
            return scalars.Enum(_array(schema, "enum"))
        present = [keyword for keyword in COMBINATIONS if keyword in schema]
        if len(present) > 1:
            raise InvalidSchema(f"expected at most 1 of 'allOf', 'anyOf', 'oneOf', {len(present)} found")
        if present:
            return self._combination(schema, present[0])
        if "$ref" in schema:
            return self._reference(schema)
        if "type" in schema:
            return self._typed(schema, schema["type"])
        guessed = self._guessed(schema)
        if guessed is not None:
            return guessed
        if "not" in schema:
            inner = _object(schema, "not")
            return combinations.Not(self.compile(inner), inner)
        return combinations.Anything()

    def _combination(self, schema: Document, keyword: str) -> Node:
        parts = _array(schema, keyword)
        combination = COMBINATIONS[keyword]([self.compile(part) for part in _objects(parts)])
        base = self._typed(schema, schema["type"]) if "type" in schema else self._guessed(schema)
        return combination if base is None else combinations.AllOf([base, combination])

    def _typed(self, schema: Document, kind: object) -> Node:
        if isinstance(kind, str):
            return self._of_type(schema, kind, required=True)
        if isinstance(kind, list):
            names = [_text_item(kind, index) for index in range(len(kind))]
            return combinations.AnyOf([self._of_type(schema, name, required=True) for name in names])
        found = type_name(kind)
        raise InvalidSchema(f"key type: expected type is one of JSONArray, String, found: {found}")

    def _guessed(self, schema: Document) -> Node | None:
        for kind, keywords in GUESSED_TYPES.items():
            if any(keyword in schema for keyword in keywords):
                return self._of_type(schema, kind, required=False)
        return None

    def _of_type(self, schema: Document, kind: str, *, required: bool) -> Node:
        match kind:
            case "string":
                return self._string(schema, required)
            case "number" | "integer":
                return self._number(schema, required, whole=kind == "integer")
            case "object":
                return self._object(schema, required)
            case "array":
                return self._array(schema, required)
            case "boolean":
                return scalars.Boolean()
            case "null":
                return scalars.Null()
        raise InvalidSchema(f"unknown type: [{kind}]")

    def _string(self, schema: Document, required: bool) -> Node:
        min_length = _keyword(schema, "minLength", "Integer")
        max_length = _keyword(schema, "maxLength", "Integer")
        pattern = _keyword(schema, "pattern", "String")
        format_name = _keyword(schema, "format", "String")
        return scalars.String(
            required=required,
            min_length=min_length,
            max_length=max_length,
            pattern=None if pattern is None else _regex(pattern),
            format_name=format_name,
        )

    def _number(self, schema: Document, required: bool, *, whole: bool) -> Node:
        minimum = _keyword(schema, "minimum", "Number")
        maximum = _keyword(schema, "maximum", "Number")
        multiple_of = _keyword(schema, "multipleOf", "Number")
        above = _keyword(schema, "exclusiveMinimum", "Boolean")
        below = _keyword(schema, "exclusiveMaximum", "Boolean")
        if multiple_of is not None and not 0 < as_double(multiple_of) < float("inf"):
            raise InvalidSchema("multipleOf has to be greater than 0 and within the range of a double")
        return scalars.Number(
            required=required,
            whole=whole,
            minimum=minimum,
            maximum=maximum,
            above=above is True,
            below=below is True,
            multiple_of=multiple_of,
        )

    def _array(self, schema: Document, required: bool) -> Node:
        min_items = _keyword(schema, "minItems", "Integer")
        max_items = _keyword(schema, "maxItems", "Integer")
        unique = _keyword(schema, "uniqueItems", "Boolean")
        additional = self._additional(schema, "additionalItems")
        items: Node | list[Node] | None = None
        if "items" in schema:
            source = schema["items"]
            if isinstance(source, dict):
                items = self.compile(source)
            elif isinstance(source, list):
                items = [self._child(item) for item in source]
            else:
                found = type_name(source)
                raise InvalidSchema(
                    f"key items: expected type is one of JSONArray, JSONObject, found: {found}"
                )
        return containers.Array(
            required=required,
            min_items=min_items,
            max_items=max_items,
            unique=unique is True,
            items=items,
            additional=additional,
        )

    def _object(self, schema: Document, required_type: bool) -> Node:
        min_properties = _keyword(schema, "minProperties", "Integer")
        max_properties = _keyword(schema, "maxProperties", "Integer")
        properties: dict[str, Node] = {}
        if "properties" in schema:
            source = schema["properties"]
            if not isinstance(source, dict):
                raise _not_an_object(source)
            properties = {name: self._child(child) for name, child in source.items()}
        additional = self._additional(schema, "additionalProperties")
        names = _array(schema, "required") if "required" in schema else []
        required = [_text_item(names, index) for index in range(len(names))]
        patterns: list[tuple[Pattern, Node]] = []
        if "patternProperties" in schema:
            source = _object(schema, "patternProperties")
            patterns = [(_regex(name), self.compile(_object(source, name))) for name in source]
        needs: dict[str, Sequence[str]] = {}
        implies: dict[str, Node] = {}
        dependencies = _keyword(schema, "dependencies", "JSONObject") or {}
        for name, source in dependencies.items():
            if isinstance(source, list):
                needs[name] = [_text_item(source, index) for index in range(len(source))]
            elif isinstance(source, dict):
                implies[name] = self.compile(source)
            else:
                found = type_name(source)
                raise InvalidSchema(
                    f"key null: expected type is one of JSONArray, JSONObject, found: {found}"
                )
        return containers.Object(
            required_type=required_type,
            properties=properties,
            required=required,
            additional=additional,
            patterns=patterns,
            min_properties=min_properties,
            max_properties=max_properties,
            needs=needs,
            implies=implies,
        )

    def _child(self, schema: object) -> Node:
        if not isinstance(schema, dict):
            raise _not_an_object(schema)
        return self.compile(schema)

    def _additional(self, schema: Document, keyword: str) -> Node | bool:
        source = schema.get(keyword, True)
        if isinstance(source, bool):
            return source
        if isinstance(source, dict):
            return self.compile(source)
        found = type_name(source)
        raise InvalidSchema(f"key {keyword}: expected type is one of Boolean, JSONObject, found: {found}")

    def _reference(self, schema: Document) -> Node:
        name = schema["$ref"]
        if not isinstance(name, str):
            raise InvalidSchema('JSONObject["$ref"] not a string.')
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        key = f"{name} {value_text(siblings)}"
        spend(4 * NODE + len(key))
        if key in self.references:
            return self.references[key]
        reference = self.references[key] = combinations.Reference()
        target = self._resolve(name)
        spend(len(target))
        reference.target = self.compile({**target, **siblings})
        if _only_refers(reference.target, to=reference):
            raise InvalidSchema(f"$ref {name} refers to itself")
        return reference

    def _resolve(self, name: str) -> Document:
        """Return the object a local pointer names; remote documents are never fetched."""
        if not name.startswith("#"):
            raise InvalidSchema(f"$ref {name} is not a local reference")
        target: object = self.root
        for step in unquote(name[1:]).split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and step in target:
                target = target[step]
            elif isinstance(target, list) and _is_index(step) and int(step) < len(target):
                target = target[int(step)]
            else:
                raise InvalidSchema(f"failed to resolve JSON pointer [{name}]")
        if not isinstance(target, dict):
            raise InvalidSchema(f"JSON pointer [{name}] does not lead to an object")
        return target


def _is_index(step: str) -> bool:
    """Tell whether a pointer's step can be the index of an array."""
    return step.isascii() and step.isdecimal() and len(step) < 10


def _only_refers(node: Node | None, *, to: combinations.Reference) -> bool:
    """Tell whether following references, and nothing else, leads from `node` to `to`."""
    seen: set[int] = set()
    while isinstance(node, combinations.Reference) and id(node) not in seen:
        if node is to:
            return True
        seen.add(id(node))
        node = node.target
    return False


def _array(schema: Document, keyword: str) -> list[object]:
    value = schema[keyword]
    if not isinstance(value, list):
        raise InvalidSchema(f'JSONObject["{keyword}"] is not a JSONArray.')
    return value


def _object(schema: Document, keyword: str) -> Document:
    value = schema[keyword]
    if not isinstance(value, dict):
        raise InvalidSchema(f'JSONObject["{keyword}"] is not a JSONObject.')
    return value


def _objects(items: list[object]) -> list[Document]:
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise InvalidSchema(f"JSONArray[{index}] is not a JSONObject.")
    return items  # type: ignore[return-value]


def _text_item(items: list[object], index: int) -> str:
    item = items[index]
    if not isinstance(item, str):
        raise InvalidSchema(f"JSONArray[{index}] not a string.")
    return item


_KINDS = {
    "Integer": ("Integer",),
    "Number": ("Integer", "Long", "BigInteger", "Double"),
    "String": ("String",),
    "Boolean": ("Boolean",),
    "JSONObject": ("JSONObject",),
}


def _keyword(schema: Document, keyword: str, kind: str) -> Any:
    """Return the value of a keyword that has to be of one kind, None when it is not there."""
    if keyword not in schema:
        return None
    value = schema[keyword]
    if type_name(value) not in _KINDS[kind]:
        raise InvalidSchema(f"key {keyword} : expected type: {kind} , found : {type_name(value)}")
    return value


def _regex(pattern: str) -> Pattern:
    spend(COMPILING_A_CHARACTER * len(pattern))
    try:
        re.compile(pattern)  # its syntax is what is taken; the engine with a time limit knows more
        return Pattern(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise InvalidSchema(f"pattern {pattern} is not a regular expression: {error}") from None


def _not_an_object(value: object) -> InvalidSchema:
    return InvalidSchema(f"key null: expected type is one of JSONObject, found: {type_name(value)}")
