"""Values of a connection form: what is wrong with them, and what a tap's config makes of them. Pure.

Values are text wherever the product keeps or shows them (connect-api.md 8.3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from integrations.importapi.jsonschema import compile_schema
from integrations.sources.source_types import IMMUTABLE, Property, SourceType

MAX_CHARACTERS = 65_536
AWS = "aws:"  # begins the config key of what goes into ~/.aws/config
# A pattern of files within the account's folder: no way up, no other protocol, no hidden files.
FILE_PATTERN = re.compile(
    r"(?!.*\.\.)[A-Za-z0-9_*?][A-Za-z0-9_.*? ()+=@-]*(/[A-Za-z0-9_*?][A-Za-z0-9_.*? ()+=@-]*)*"
)


def bad_properties(
    source_type: SourceType, given: Mapping[str, object], stored: Mapping[str, str]
) -> list[str]:
    """Return the names of the properties that cannot be stored, in the order they were given.

    `stored` has the values there are, credentials among them. None clears an optional property.
    """
    return [name for name, value in given.items() if not is_good(source_type, name, value, stored)]


def is_good(source_type: SourceType, name: str, value: object, stored: Mapping[str, str]) -> bool:
    """Tell whether one value may be stored."""
    declared = source_type.by_name.get(name)
    if declared is None or not declared.is_settable:
        return False
    if declared.property_type == IMMUTABLE and name in stored:
        return value is not None and text_of(value) == stored[name]
    if value is None:
        return not declared.is_required
    text = text_of(value)
    if not text or len(text) > MAX_CHARACTERS or not is_storable(text):
        return False
    if declared.json_schema is None:
        return isinstance(value, str)
    if not compile_schema(declared.json_schema).accepts(value):
        return False
    if declared.choices and text not in declared.choices:
        return False
    try:
        convert(declared, text, folder="")
    except ValueError:
        return False
    return True


def is_storable(text: str) -> bool:
    """Tell whether every database can keep the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def text_of(value: object) -> str:
    """Return a value as the text that is stored."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return json.dumps(value)


def is_complete(source_type: SourceType, provided: Collection[str]) -> bool:
    """Tell whether every property that a caller must give is there (connect-api.md 3.4)."""
    return all(
        item.name in provided for item in source_type.properties if item.is_required and item.is_settable
    )


def config_for_tap(source_type: SourceType, values: Mapping[str, str], *, folder: str) -> dict[str, Any]:
    """Return the tap's config file: the declaration's constants, then the values in the tap's own types."""
    config: dict[str, Any] = json.loads(json.dumps(source_type.config))
    for item in source_type.properties:
        value = values.get(item.name) or item.default
        if item.config_key and value and not item.config_key.startswith(AWS):
            place(config, item.config_key, convert(item, value, folder=folder))
    return config


def folder_in_bucket(values: Mapping[str, str]) -> str:
    """Return where the files of an S3 source lie."""
    return "/".join(filter(None, ["s3:/", values.get("bucket"), values.get("search_prefix")]))


def aws_profile(source_type: SourceType, values: Mapping[str, str]) -> str:
    """Return the file ~/.aws/config of a tap that reads S3: keys, region and the storage's address.

    Raises ValueError for a value that would begin a line of its own.
    """
    lines = ["[default]"]
    for item in source_type.properties:
        value = values.get(item.name) or item.default
        if value and item.config_key.startswith(AWS):
            if not value.isprintable():
                raise ValueError(item.name)
            lines.append(f"{item.config_key.removeprefix(AWS)} = {value}")
    if values.get("endpoint_url"):  # most storages beside Amazon's have no name for each bucket
        lines += ["s3 =", "    addressing_style = path"]
    return "\n".join([*lines, "response_checksum_validation = when_required", ""])


def place(config: dict[str, Any], key: str, value: object) -> None:
    """Put the value where a dotted key says."""
    *outer, last = key.split(".")
    for name in outer:
        inner = config.setdefault(name, {})
        config = inner if isinstance(inner, dict) else config
    config[last] = value


def convert(item: Property, text: str, *, folder: str) -> object:
    """Return a stored value in the type that the tap expects. Raises ValueError."""
    if item.conversion == "files":
        return files_of(text, folder)
    return CONVERT[item.conversion](text)


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def json_value(text: str) -> object:
    try:
        value: object = json.loads(text)
    except RecursionError as error:
        raise ValueError(text[:20]) from error
    return value


CONVERT: dict[str, Callable[[str], object]] = {
    "text": str,
    "integer": int,
    "number": float,
    "boolean": boolean,
    "list": words,
    "json": json_value,
}


def files_of(text: str, folder: str) -> list[dict[str, Any]]:
    """Return tables of CSV files, as the s3-csv form writes them (B.5), for tap-spreadsheets.

    Files are those of the folder alone. Raises ValueError.
    """
    tables = json_value(text)
    if not isinstance(tables, list) or not tables:
        raise ValueError("no list of tables")
    found = [table_of(table, folder) for table in tables]
    if len({table["table_name"].lower() for table in found}) < len(found):
        raise ValueError("two tables of one name")
    return found


def table_of(table: object, folder: str) -> dict[str, Any]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ValueError("a table is an object of texts")
    if set(table) - {"search_pattern", "table_name", "key_properties", "delimiter"}:
        raise ValueError("an unknown key")
    pattern, name = table.get("search_pattern", ""), table.get("table_name", "")
    if not FILE_PATTERN.fullmatch(pattern) or not re.fullmatch(r"\w[\w -]{0,99}", name):
        raise ValueError("a pattern and a name are needed")
    delimiter = table.get("delimiter") or ","
    if delimiter not in (",", "|", "\t", ";"):
        raise ValueError("the delimiter is a comma, semicolon, bar or tab")
    return {
        "path": f"{folder}/{pattern}",
        "format": "csv",
        "table_name": name,
        "primary_keys": words(table.get("key_properties", "")),
        "delimiter": delimiter,
        "quotechar": '"',
        "drop_empty": False,
    }
