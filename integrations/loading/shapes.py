"""How records of one table become rows: objects flattened, arrays set aside, every value in a typed slot.

This is the hot path. What a field does with a value of a Python class is decided once and kept in its
`handlers`; afterwards a value costs two look-ups and, for most types, one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.loading import naming
from integrations.loading.capabilities import Capabilities, Kind, scale_of
from integrations.loading.catalogue import Catalogue, ExistingTable
from integrations.loading.schemas import UNDECLARED, FieldTypes, field_types
from integrations.loading.values import (
    Convert,
    Converters,
    ExactDecimal,
    Refused,
    decimal_exponent,
    possible_kinds,
)

Row = dict[str, Any]  # staged values by the code of their slot
Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Slot:
    """All values of one type class for one column name; its code is their key in staged rows."""

    code: str
    name: str
    kind: Kind
    scale: int = 0
    integer_digits: int = 0  # the most that a decimal has needed
    fits_integer: bool = False  # a column of 32 bits will do


@dataclass(slots=True)
class Found:
    """What reading one record sets aside."""

    arrays: list[tuple[Field, list[Any]]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # why single columns were left out


class TableShape:
    """One destination table in the making: a root, or the sub table of an array at some depth."""

    def __init__(
        self,
        name: str,
        *,
        capabilities: Capabilities,
        catalogue: Catalogue,
        depth: int = 0,
        parent: str | None = None,
    ) -> None:
        self.name = name
        self.parent = parent
        self.depth = depth
        self.capabilities = capabilities
        self.catalogue = catalogue
        self.existing: ExistingTable | None = catalogue.find(name, capabilities)
        self.converters = Converters(capabilities)
        self.slots: dict[tuple[str, Kind], Slot] = {}
        self.owners: dict[str, Path] = {}
        self.shared = False  # two paths have one name, so each record must be looked at
        self.own_names: set[str] = set()  # folded names that a sender's field would collide with
        self.sub_tables: dict[str, TableShape] = {}  # of the root: all of them, by folded name
        self.sources: set[tuple[Path, ...]] = set()  # of a sub table: the arrays it is made of

    def slot(self, name: str, kind: Kind) -> Slot:
        """Return the slot for a column name and type class."""
        key = (self.capabilities.fold(name), kind)
        slot = self.slots.get(key)
        if slot is None:
            slot = self.slots[key] = Slot(f"c{len(self.slots)}", name, kind)
            if kind is Kind.DECIMAL:
                slot.scale = max(self.capabilities.decimal_scale, self._existing_scale(key[0]))
        return slot

    def variants(self, name: str) -> list[Slot]:
        """Return the slots of one column name, whatever their type."""
        folded = self.capabilities.fold(name)
        return [slot for (owner, _), slot in self.slots.items() if owner == folded]

    def own(self, name: str, path: Path) -> None:
        """Note that a sender's path uses a column name, so that a second path is seen."""
        folded = self.capabilities.fold(name)
        if folded in self.own_names or self.owners.setdefault(folded, path) != path:
            self.shared = True

    def collision(self, data: dict[str, Any]) -> str | None:
        """Return the name that two fields of this record would share, if there is one."""
        return _find_collision(data, (), set(self.own_names), self.capabilities)

    def _existing_scale(self, folded: str) -> int:
        if self.existing is None:
            return 0
        for name in (folded, f"{folded}__{Kind.DECIMAL}"):
            column = self.existing.columns.get(name)
            if column is not None and column.kind is Kind.DECIMAL:
                return scale_of(column.type_name) or 0
        return 0


class ObjectShape:
    """The fields of a record, of an object inside it, or of an array's elements, under one schema."""

    __slots__ = ("document", "fields", "path", "root", "source", "table", "types")

    def __init__(
        self,
        table: TableShape,
        root: TableShape,
        types: FieldTypes,
        document: Any,
        *,
        path: Path = (),
        source: tuple[Path, ...] = (),
    ) -> None:
        self.table = table
        self.root = root
        self.path = path
        self.source = source  # the arrays around this object, outermost first
        self.types = types
        self.document = document
        self.fields: dict[str, Field] = {}

    def read(self, data: dict[str, Any], row: Row, found: Found) -> None:
        """Put an object's values into `row`; raise Refused when one of them cannot be stored."""
        fields = self.fields
        for name, value in data.items():
            field = fields.get(name)
            if field is None:
                field = fields[name] = Field(self, name)
            handler = field.handlers.get(value.__class__)
            if handler is None:
                if value is None and field.passes_null:
                    continue
                field.take(value, row, found)
            else:
                code, convert = handler
                row[code] = value if convert is None else convert(value)

    def types_of(self, name: str) -> FieldTypes:
        """Return what the schema says of one property."""
        schema = self.types.properties.get(name, self.types.others)
        return UNDECLARED if schema is None else field_types(schema, self.document)


class Field:
    """One field at one path: its column, its nested object, its array, each made when first needed."""

    __slots__ = ("array", "handlers", "name", "object", "owned", "passes_null", "path", "shape", "types")

    def __init__(self, shape: ObjectShape, name: str) -> None:
        self.shape = shape
        self.path: Path = (*shape.path, name)
        self.types = shape.types_of(name)
        self.name = naming.column_name(naming.SEPARATOR.join(self.path), shape.table.capabilities)
        self.handlers: dict[type, tuple[str, Convert]] = {}
        self.owned = False
        self.passes_null = False
        self.object: ObjectShape | None = None
        self.array: ArrayShape | None = None

    def take(self, value: Any, row: Row, found: Found) -> None:
        """Take a value for which no handler is kept."""
        table = self.shape.table
        if value.__class__ is dict:
            if self.object is None:
                shape = self.shape
                self.object = ObjectShape(
                    table, shape.root, self.types, shape.document, path=self.path, source=shape.source
                )
            self.object.read(value, row, found)
            return
        if value is None and self.types.properties and not self.types.kinds:
            return  # an object that is not there
        if not self.owned:
            table.own(self.name, self.path)
            self.owned = True
        if value.__class__ is list:
            found.arrays.append((self, value))
            return
        refusal = naming.column_refusal(self.name, naming.SEPARATOR.join(self.path), table.capabilities)
        if refusal is not None:
            raise Refused(refusal)
        if value is None:
            self.passes_null = True
            return
        reason = naming.too_long(self.name, table.capabilities)
        if reason is not None:
            found.left_out.append(reason)
            return
        self._store(value, row)

    def elements(self) -> ArrayShape:
        """Return the shape of this field's array."""
        if self.array is None:
            self.array = ArrayShape(self)
        return self.array

    def _store(self, value: Any, row: Row) -> None:
        """Try the possible types in turn; keep the handler where there is only one."""
        table, value_class = self.shape.table, value.__class__
        kinds = possible_kinds(value_class, self.types.kinds)
        refused = None
        for kind in kinds:
            convert = table.converters.converter(value_class, kind)
            try:
                if kind is Kind.DECIMAL:
                    self._store_decimal(value, row)
                else:
                    staged = value if convert is None else convert(value)
                    row[table.slot(self.name, kind).code] = staged
            except Refused as refusal:
                refused = refused or refusal
                continue
            if len(kinds) == 1 and kind is not Kind.DECIMAL:
                self.handlers[value_class] = (table.slot(self.name, kind).code, convert)
            return
        if refused is not None:
            raise refused

    def _store_decimal(self, value: Decimal | int, row: Row) -> None:
        """Store a number exactly; the column's scale grows as long as all that was read still fits."""
        table = self.shape.table
        slot = table.slot(self.name, Kind.DECIMAL)
        wanted = self.types.decimals
        if isinstance(value, ExactDecimal):
            wanted = max(wanted, -decimal_exponent(value))
        wanted = min(wanted, table.capabilities.decimal_max_scale)
        limit = table.capabilities.decimal_digits
        if wanted > slot.scale and (limit is None or slot.integer_digits + wanted <= limit):
            slot.scale = wanted
        row[slot.code] = text = table.converters.decimal(value, slot.scale)
        slot.integer_digits = max(slot.integer_digits, len(text.partition(".")[0].lstrip("-")))


class ArrayShape:
    """The sub table of an array, and how its elements are read."""

    __slots__ = ("objects", "refusal", "scalars", "source", "table")

    def __init__(self, field: Field) -> None:
        shape = field.shape
        parent, root = shape.table, shape.root
        capabilities = parent.capabilities
        path = naming.SEPARATOR.join((parent.name, *field.path))
        name = naming.table_name(path)
        self.refusal = naming.table_refusal(name, path, capabilities)
        self.source = (*shape.source, field.path)
        table = root.sub_tables.get(capabilities.fold(name))
        if table is None:
            table = TableShape(
                name,
                capabilities=capabilities,
                catalogue=root.catalogue,
                depth=parent.depth + 1,
                parent=parent.name,
            )
            if self.refusal is None:
                root.sub_tables[capabilities.fold(name)] = table
        elif table.depth != parent.depth + 1:
            self.refusal = f"Table name collision on {name}"
        table.sources.add(self.source)
        self.table = table
        items = field.types.items
        types = UNDECLARED if items is None else field_types(items, shape.document)
        self.objects = ObjectShape(table, root, types, shape.document, source=self.source)
        properties = {} if items is None else {naming.SCALAR_COLUMN: items}
        self.scalars = ObjectShape(
            table, root, FieldTypes(properties=properties), shape.document, source=self.source
        )

    def read(self, element: Any, row: Row, found: Found) -> None:
        """Read one element; null and `{}` leave a row of keys only."""
        if element.__class__ is dict:
            self.objects.read(element, row, found)
            if self.table.shared:
                name = self.table.collision(element)
                if name is not None:
                    raise Refused(f"Field collision on {name}")
        elif element is not None:
            self.scalars.read({naming.SCALAR_COLUMN: element}, row, found)


def _find_collision(
    data: dict[str, Any], path: Path, seen: set[str], capabilities: Capabilities
) -> str | None:
    for key, value in data.items():
        here = (*path, key)
        if value.__class__ is dict:
            name = _find_collision(value, here, seen, capabilities)
            if name is not None:
                return name
            continue
        name = naming.column_name(naming.SEPARATOR.join(here), capabilities)
        folded = capabilities.fold(name)
        if folded in seen:
            return name
        seen.add(folded)
    return None
