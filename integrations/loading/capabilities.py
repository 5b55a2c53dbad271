"""What destinations differ in, as data: planning reads it and asks no destination by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """A type class; its value is the suffix of a split column (loading.md 6.3)."""

    BIGINT = "bi"
    BOOLEAN = "bo"
    DECIMAL = "de"
    DOUBLE = "do"
    INTEGER = "it"  # never created by the loader; a column of a user's making may have it
    STRING = "st"
    TIMESTAMP = "ti"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How one kind of destination names, types and bounds what it stores."""

    display_name: str
    table_name_length: int
    column_name_length: int
    case_sensitive: bool
    type_names: Mapping[Kind, str]
    catalogue_kinds: Mapping[str, Kind]  # the catalogue's type name, without parameters, to its class
    last_year: int
    max_columns: int | None = None
    stages_own_types: bool = False  # staged values have the type of their column, and need no cast into it
    stores_nul: bool = True
    decimal_digits: int | None = None  # None: decimals are unbounded and carry no scale
    decimal_scale: int = 6
    decimal_max_scale: int = 18
    rename_original_on_split: bool = True
    keep_leading_digits: bool = False
    prunes_sub_rows: bool = False  # loading.md 4.3: what a newer version of a record does not have is deleted
    replaces_in_place: bool = True  # False: a row is replaced by deletion and insertion
    reserved_suffixes: frozenset[str] = field(default=frozenset(f"__{kind}" for kind in Kind))

    def fold(self, name: str) -> str:
        """Return the form in which two names of this destination are the same name."""
        return name if self.case_sensitive else name.lower()

    def type_name(self, kind: Kind, scale: int = 0) -> str:
        """Return the SQL type of a new column."""
        if kind is Kind.DECIMAL and self.decimal_digits is not None:
            return f"{self.type_names[kind]}({self.decimal_digits},{max(scale, self.decimal_scale)})"
        return self.type_names[kind]

    def kind_of(self, type_name: str) -> Kind | None:
        """Return the class of a type found in the catalogue; None for a type of the user's own."""
        return self.catalogue_kinds.get(re.sub(r"\(.*", "", type_name).strip().upper())


def scale_of(type_name: str) -> int | None:
    """Return the scale of a bounded decimal type: 6 of `DECIMAL(38,6)`."""
    bounded = re.search(r"\(\s*\d+\s*,\s*(\d+)\s*\)", type_name)
    return int(bounded[1]) if bounded else None


DUCKDB = Capabilities(
    display_name="DuckDB",
    table_name_length=255,
    column_name_length=251,
    case_sensitive=False,
    type_names=MappingProxyType(
        {
            Kind.BIGINT: "BIGINT",
            Kind.BOOLEAN: "BOOLEAN",
            Kind.DECIMAL: "DECIMAL",
            Kind.DOUBLE: "DOUBLE",
            Kind.INTEGER: "INTEGER",
            Kind.STRING: "VARCHAR",
            Kind.TIMESTAMP: "TIMESTAMPTZ",
        }
    ),
    catalogue_kinds=MappingProxyType(
        {
            "TINYINT": Kind.INTEGER,
            "SMALLINT": Kind.INTEGER,
            "INTEGER": Kind.INTEGER,
            "BIGINT": Kind.BIGINT,
            "FLOAT": Kind.DOUBLE,
            "DOUBLE": Kind.DOUBLE,
            "DECIMAL": Kind.DECIMAL,
            "VARCHAR": Kind.STRING,
            "BOOLEAN": Kind.BOOLEAN,
            "TIMESTAMP": Kind.TIMESTAMP,
            "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP,
            "TIMESTAMPTZ": Kind.TIMESTAMP,
            "DATE": Kind.TIMESTAMP,
        }
    ),
    last_year=294247,
    max_columns=10_000,  # as many as one record can have values; far more end in the engine's memory limit
    decimal_digits=38,
    replaces_in_place=False,
)

POSTGRESQL = Capabilities(
    display_name="PostgreSQL",
    table_name_length=63,
    column_name_length=59,
    case_sensitive=True,
    type_names=MappingProxyType(
        {
            Kind.BIGINT: "bigint",
            Kind.BOOLEAN: "boolean",
            Kind.DECIMAL: "numeric",
            Kind.DOUBLE: "double precision",
            Kind.INTEGER: "integer",
            Kind.STRING: "text",
            Kind.TIMESTAMP: "timestamp with time zone",
        }
    ),
    catalogue_kinds=MappingProxyType(
        {
            "SMALLINT": Kind.INTEGER,
            "INTEGER": Kind.INTEGER,
            "BIGINT": Kind.BIGINT,
            "REAL": Kind.DOUBLE,
            "DOUBLE PRECISION": Kind.DOUBLE,
            "NUMERIC": Kind.DECIMAL,
            "TEXT": Kind.STRING,
            "CHARACTER VARYING": Kind.STRING,
            "CHARACTER": Kind.STRING,
            "BOOLEAN": Kind.BOOLEAN,
            "TIMESTAMP": Kind.TIMESTAMP,  # with a precision: what follows it is cut off
            "TIMESTAMP WITH TIME ZONE": Kind.TIMESTAMP,
            "TIMESTAMP WITHOUT TIME ZONE": Kind.TIMESTAMP,
            "DATE": Kind.TIMESTAMP,
        }
    ),
    last_year=294276,
    max_columns=1_600,  # those that were dropped count too
    stores_nul=False,
    stages_own_types=True,
)
