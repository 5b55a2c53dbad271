"""Which tables and columns the records of a plain schema fill, and how SQL takes them out of a record.

Names, types and the places of arrays are those of `shapes`: what the two ways of loading make is the same. Here
everything that the schema declares is laid out before a record is read, so a name that a record could be refused
for, or that two fields share, ends in Unsuited: then each record has to be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.loading import naming
from integrations.loading.capabilities import Kind
from integrations.loading.plain_schemas import PlainArray, PlainField, PlainObject, Scalar
from integrations.loading.schemas import field_types
from integrations.loading.shapes import Field, ObjectShape, Slot, TableShape

MAX_COLUMNS = 200  # of one table; the engine's reading of JSON takes the square of their number
TYPE_NAMES = {
    Kind.BIGINT: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DOUBLE: "DOUBLE",
    Kind.STRING: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
}


class Unsuited(Exception):
    """These batches cannot be loaded by columns and come out the same; nothing of them was written."""


@dataclass(slots=True)
class Columns:
    """What one table takes out of a record, or out of an array's element, by SQL expression."""

    shape: TableShape
    leaves: dict[str, Slot] = field(default_factory=dict)
    arrays: dict[str, Columns] = field(default_factory=dict)


def columns_of(record: PlainObject, document: Any, shape: TableShape, *, of: str) -> Columns:
    """Return the columns of the root table and below it those of its sub tables; `of` is the record in SQL."""
    columns = Columns(shape)
    _Layout(columns).object(
        record, ObjectShape(shape, shape, field_types(document, document), document), of=of
    )
    return columns


def json_type(plain: PlainField) -> str:
    """Return the engine's type for a field as the JSON reader makes it."""
    if isinstance(plain, Scalar):
        return TYPE_NAMES[plain.kind]
    if isinstance(plain, PlainArray):
        return f"{json_type(plain.items)}[]"
    if len({name.lower() for name in plain.fields}) < len(plain.fields):
        raise Unsuited  # the names in a STRUCT have no case
    parts = [
        f"{_quoted(name)} {json_type(child)}" for name, child in plain.fields.items() if not _is_empty(child)
    ]
    return f"STRUCT({', '.join(parts)})" if parts else "JSON"


def _is_empty(plain: PlainField) -> bool:
    """Tell whether a field is an object without any value in it, however deep."""
    return isinstance(plain, PlainObject) and all(map(_is_empty, plain.fields.values()))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Layout:
    """Lays out one table's columns."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.shape = columns.shape

    def object(self, plain: PlainObject, shape: ObjectShape, *, of: str) -> None:
        for name, child in plain.fields.items():
            self.field(child, Field(shape, name), of=f"{of}.{_quoted(name)}")

    def field(self, plain: PlainField, field: Field, *, of: str) -> None:
        shape, capabilities = field.shape, self.shape.capabilities
        path = naming.SEPARATOR.join(field.path)
        if isinstance(plain, PlainObject):
            if plain.nullable and naming.column_refusal(field.name, path, capabilities) is not None:
                raise Unsuited
            if not _is_empty(plain):
                inner = ObjectShape(
                    shape.table, shape.root, field.types, shape.document, path=field.path, source=shape.source
                )
                self.object(plain, inner, of=of)
            return
        self.shape.own(field.name, field.path)
        if (
            self.shape.shared
            or len(self.columns.leaves) >= MAX_COLUMNS
            or naming.column_refusal(field.name, path, capabilities) is not None
            or naming.too_long(field.name, capabilities) is not None
        ):
            raise Unsuited
        if isinstance(plain, PlainArray):
            self.array(plain, field, of=of)
            return
        if field.types.kinds != (plain.kind,):
            raise Unsuited
        self.columns.leaves[of] = self.shape.slot(field.name, plain.kind)

    def array(self, plain: PlainArray, field: Field, *, of: str) -> None:
        """Lay out the table of an array's elements, each of which is `e.e`."""
        elements = field.elements()
        if elements.refusal is not None or len(elements.table.sources) > 1:
            raise Unsuited
        inner = Columns(elements.table)
        layout = _Layout(inner)
        if isinstance(plain.items, PlainObject):
            layout.object(plain.items, elements.objects, of="e.e")
        else:
            layout.field(plain.items, Field(elements.scalars, naming.SCALAR_COLUMN), of="e.e")
        self.columns.arrays[of] = inner
