"""From a declaration, one TOML file, to a source type; what is wrong with it is said in a sentence.

The guide `templates/guides/sources.html` describes the format for operators.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from integrations.importapi.jsonschema import InvalidSchema, compile_schema
from integrations.sources.source_types import (
    COMMON_NAMES,
    CONVERSIONS,
    PROPERTY_TYPES,
    SCHEDULING,
    START_DATE,
    USER_PROVIDED,
    Property,
    SourceType,
)

# The schemas of Stitch's own forms, by a short name (connect-api.md, appendix B).
SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "boolean": {"type": "string", "pattern": "^(true|false)$"},
    "digits": {"type": "string", "pattern": r"^\d+$"},
    "integer": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^\d+$"}]},
    "host": {
        "anyOf": [
            {"type": "string", "format": "hostname"},
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
        ]
    },
    "url": {"type": "string", "pattern": r"^https?://[^\s/?#]+[^\s]*$"},
    "date-time": {"type": "string", "format": "date-time"},
    "json": {"type": "string", "pattern": r"^\s*[\[{]"},
}
NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9][a-z0-9_-]{0,39}")
PROPERTY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
TAP = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}")
CONSTRAINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*[=<>!~]=?\s*[A-Za-z0-9.*!+,=<>~ _-]+")
WIDGETS = ("text", "password", "number", "checkbox", "select", "textarea")
ADDRESSES = ("", "host", "url")
MAX_BYTES = 256 * 1024
MAX_PROPERTIES = 100
START_DATES = re.compile(r"-\d{1,4} (day|days|month|months|year|years)")


class BadDeclaration(ValueError):
    """A declaration cannot be used; the message says what to change."""


def read_declaration(path: Path, *, is_shipped: bool) -> SourceType:
    """Read one file. Raises BadDeclaration."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadDeclaration(f"the file is larger than {MAX_BYTES:,} bytes.")
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadDeclaration(f"the file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadDeclaration("the file is no UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadDeclaration(f"the file is no TOML: {error}.") from error
    except RecursionError as error:
        raise BadDeclaration("the file is nested too deeply.") from error
    return source_type_of(document, is_shipped=is_shipped)


def source_type_of(document: dict[str, Any], *, is_shipped: bool) -> SourceType:
    """Return the source type that a parsed declaration describes. Raises BadDeclaration."""
    top = Table(document, "")
    tap = Table(top.table("tap"), "tap.")
    capabilities = Table(top.table("capabilities"), "capabilities.")
    defaults = Table(top.table("defaults"), "defaults.")
    name = top.text("name", form=NAME, example="platform.my-source")
    start_date = defaults.text("start_date", "", form=START_DATES, example="-1 year")
    properties = [property_of(item, index) for index, item in enumerate(top.tables("properties"), start=1)]
    if len(properties) > MAX_PROPERTIES:
        raise BadDeclaration(f"there are {len(properties)} properties; {MAX_PROPERTIES} is the limit.")
    for item in properties:
        if [other.name for other in properties].count(item.name) > 1:
            raise BadDeclaration(f"the property {item.name!r} is declared twice.")
        if item.name in COMMON_NAMES:
            raise BadDeclaration(
                f"the property {item.name!r} is one that every type has; "
                "a start date is asked for when defaults.start_date is set."
            )
    program = tuple(tap.texts("program"))
    if program and not program[0].startswith("/"):
        raise BadDeclaration(
            "tap.program must begin with the whole path of a program, e.g. /usr/local/bin/tap-x."
        )
    found = SourceType(
        name=name,
        label=top.text("label"),
        category=top.text("category", "Other"),
        support=top.choice("support", ("community", "certified"), "community"),
        aliases=tuple(top.texts("aliases", form=NAME)),
        protocol=name,
        why=top.text("why", ""),
        tap=tap.text("name", name.partition(".")[2], form=TAP, example="tap-postgres"),
        package="" if program else tap.text("package", form=PACKAGE, example="tap-postgres"),
        version=tap.text("version", "0" if program else None, form=VERSION, example="1.2.3"),
        constraints=tuple(tap.texts("constraints", form=CONSTRAINT)),
        executable="" if program else tap.text("executable", form=TAP, example="tap-postgres"),
        program=program,
        selection_argument="--" + tap.choice("selection", ("catalog", "properties"), "catalog"),
        environment=tap.environment("environment"),
        properties=(*properties, *SCHEDULING, *((START_DATE,) if start_date else ())),
        config=top.table("config"),
        files_folder=capabilities.flag("files_folder", default=False),
        s3_files=capabilities.flag("s3_files", default=False),
        has_discovery=capabilities.flag("discovery", default=True),
        chooses_method=capabilities.flag("chooses_method", default=False),
        supports_cron=capabilities.flag("cron", default=True),
        default_frequency=defaults.number("frequency_in_minutes", 60, among=(1, 30, 60, 360, 720, 1440)),
        default_start_date=start_date or None,
        is_shipped=is_shipped,
    )
    for table in (top, tap, capabilities, defaults):
        table.refuse_others()
    return found


def property_of(document: dict[str, Any], index: int) -> Property:
    """Return one property of the form. Raises BadDeclaration."""
    table = Table(document, f"properties, number {index}: ")
    name = table.text("name", form=PROPERTY_NAME, example="access_token")
    table.place = f"property {name}: "
    schema = document.get("json_schema", "text")
    table.seen.add("json_schema")
    if isinstance(schema, str):
        if schema not in SCHEMAS:
            raise BadDeclaration(
                f"property {name}: json_schema is {schema!r}; give one of {', '.join(SCHEMAS)}, or a JSON Schema."
            )
        short, schema = schema, SCHEMAS[schema]
    elif not isinstance(schema, dict):
        raise BadDeclaration(f"property {name}: json_schema must be a name or a table.")
    else:
        short = ""
    try:
        compile_schema(schema)
    except (InvalidSchema, RecursionError) as error:
        raise BadDeclaration(f"property {name}: json_schema is no usable JSON Schema: {error}.") from error
    is_credential = table.flag("credential", default=False)
    choices = tuple(table.texts("choices"))
    usual = {"boolean": "checkbox", "integer": "number", "digits": "number", "json": "textarea"}
    widget = "password" if is_credential else "select" if choices else usual.get(short, "text")
    natural = {"boolean": "boolean", "integer": "integer", "digits": "integer", "json": "json"}
    found = Property(
        name=name,
        is_required=table.flag("required", default=False),
        is_credential=is_credential,
        property_type=table.choice("property_type", PROPERTY_TYPES, USER_PROVIDED),
        json_schema=schema,
        tap_mutable=table.flag("tap_mutable", default=False),
        label=table.text("label", name.replace("_", " ").capitalize()),
        hint=table.text("hint", ""),
        widget=table.choice("widget", WIDGETS, widget),
        choices=choices,
        default=table.text("default", ""),
        config_key=table.text("config", name) if table.flag("for_tap", default=True) else "",
        conversion=table.choice("as", CONVERSIONS, natural.get(short, "text")),
        address=table.choice("address", ADDRESSES, short if short in ADDRESSES else ""),
    )
    table.refuse_others()
    return found


class Table:
    """One table of a declaration: hands out its values by kind and knows which it was asked for."""

    def __init__(self, values: dict[str, Any], place: str) -> None:
        self.values = values
        self.place = place
        self.seen: set[str] = set()

    def take(self, key: str, default: Any) -> Any:
        self.seen.add(key)
        value = self.values.get(key, default)
        if value is None:
            raise BadDeclaration(f"{self.place}{key} is missing.")
        return value

    def text(
        self, key: str, default: str | None = None, *, form: re.Pattern[str] | None = None, example: str = ""
    ) -> str:
        value = self.take(key, default)
        if not isinstance(value, str):
            raise BadDeclaration(f"{self.place}{key} must be a text in quotation marks.")
        if value == default:
            return value
        if not value.strip():
            raise BadDeclaration(f"{self.place}{key} is empty.")
        if form is not None and not form.fullmatch(value):
            like = f", like {example!r}" if example else ""
            raise BadDeclaration(f"{self.place}{key} is {value!r}, which is not of its form{like}.")
        return value

    def texts(self, key: str, *, form: re.Pattern[str] | None = None) -> list[str]:
        values = self.take(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise BadDeclaration(f"{self.place}{key} must be a list of texts.")
        for value in values:
            if form is not None and not form.fullmatch(value):
                raise BadDeclaration(f"{self.place}{key}: {value!r} is not of its form.")
        return values

    def choice(self, key: str, among: tuple[str, ...], default: str) -> str:
        value = self.text(key, default)
        if value not in among:
            raise BadDeclaration(f"{self.place}{key} is {value!r}; give one of {', '.join(among)}.")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise BadDeclaration(f"{self.place}{key} must be true or false.")
        return value

    def number(self, key: str, default: int, *, among: tuple[int, ...]) -> int:
        value = self.take(key, default)
        if isinstance(value, bool) or value not in among:
            raise BadDeclaration(f"{self.place}{key} must be one of {', '.join(map(str, among))}.")
        return int(value)

    def table(self, key: str) -> dict[str, Any]:
        value = self.take(key, {})
        if not isinstance(value, dict):
            raise BadDeclaration(f"{self.place}{key} must be a table: [{key}].")
        return value

    def tables(self, key: str) -> list[dict[str, Any]]:
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise BadDeclaration(f"{self.place}{key} must be tables: [[{key}]].")
        return value

    def environment(self, key: str) -> dict[str, str]:
        values = self.table(key)
        if not all(isinstance(value, str) for value in values.values()):
            raise BadDeclaration(f"{self.place}{key} must give each variable a text.")
        return values

    def refuse_others(self) -> None:
        """Raise BadDeclaration for a key that nothing reads: it is probably misspelt."""
        others = sorted(set(self.values) - self.seen)
        if others:
            raise BadDeclaration(f"{self.place}{others[0]} is not known; the guide lists what there is.")
