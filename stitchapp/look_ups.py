"""Ask with a statement that is written once: the ORM takes ten times as long to write one as a database to answer.

For what a gate asks on every request, and for lists that programs read again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, ForeignKey, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler


class LookUp:
    """A statement that reads some columns of several models, and the instances made of its answer.

    What is not read of a row is read when somebody asks for it. Times and truth values are converted; other kinds
    of columns that a database keeps in a form of its own are not. An instance knows those of the others that its
    foreign keys name.

    `source` is what stands behind FROM: table names as the models have them, and `%s` for each parameter. `more` is
    one more expression to read.
    """

    def __init__(self, read: Mapping[type[Model], Sequence[str]], source: str, *, more: str = "NULL") -> None:
        self.parts: list[Part] = []
        for model, names in read.items():
            self.parts.append(Part(model, names, self.parts[-1].end if self.parts else 0))
        self.links = [
            (place, column, other)
            for place, part in enumerate(self.parts)
            for column in part.columns
            for other, target in enumerate(self.parts)
            if isinstance(column, ForeignKey) and column.related_model is target.model
        ]
        named = ", ".join(
            f'"{part.model._meta.db_table}"."{column.column}"'
            for part in self.parts
            for column in part.columns
        )
        self.statement = f"SELECT {named}, {more} FROM {source}"  # noqa: S608 - our own names

    def first(self, *parameters: Any) -> tuple[list[Any], Any] | None:
        """Return an instance of each model, in their order, and the value of `more`; None when there is no row."""
        if beyond_64_bits(parameters):
            return None
        connection = connections[router.db_for_read(self.parts[0].model)]
        with connection.cursor() as cursor:
            cursor.execute(self.statement, parameters)
            row = cursor.fetchone()
        if row is None:
            return None
        found = [part.made_of(row, connection) for part in self.parts]
        for place, column, other in self.links:
            if getattr(found[place], column.attname) == found[other].pk:
                column.set_cached_value(found[place], found[other])
        return found, row[-1]


def beyond_64_bits(parameters: Sequence[object]) -> bool:
    """Tell whether a number of an address is none that a row can have: databases fail at it."""
    return any(isinstance(each, int) and not -(2**63) <= each < 2**63 for each in parameters)


def all_of(model: type[Model]) -> tuple[str, ...]:
    """Return the names of all columns of a model."""
    return tuple(column.attname for column in model._meta.concrete_fields)


class Part:
    """The columns of one model in the answer."""

    def __init__(self, model: type[Model], names: Sequence[str], begin: int) -> None:
        self.model = model
        self.columns = [column for column in model._meta.concrete_fields if column.attname in names]
        self.names = [column.attname for column in self.columns]
        self.begin, self.end = begin, begin + len(self.columns)
        self.converted = [
            column for column in self.columns if isinstance(column, (DateTimeField, BooleanField))
        ]

    def made_of(self, row: Sequence[Any], connection: BaseDatabaseWrapper) -> Model:
        """Return the instance, made as unpickling makes one: the model's own way takes three times as long.

        SQLite keeps times as text, and truth as a number.
        """
        values = dict(zip(self.names, row[self.begin : self.end], strict=True))
        for column in self.converted:
            if values[column.attname] is not None:
                for convert in connection.ops.get_db_converters(column.get_col("")):
                    values[column.attname] = convert(values[column.attname], None, connection)
        made = self.model.__new__(self.model)
        made._state = ModelState()
        made._state.adding, made._state.db = False, connection.alias
        made.__dict__.update(values)
        return made


FIRST_NUMBER = -(10**15)  # no row has such a number


class WrittenOnce:
    """Rows of a queryset of values whose statement the ORM writes once for each database.

    `build` makes the queryset from whole numbers and texts, always as many of them.
    """

    def __init__(self, model: type[Model], build: Callable[..., QuerySet]) -> None:
        self.model, self.build = model, build
        self.written: dict[str, Written] = {}

    def rows(self, *given: int | str) -> list[Sequence[Any]]:
        """Return the rows of the queryset of these numbers and texts."""
        if beyond_64_bits(given):
            return []
        connection = connections[router.db_for_read(self.model)]
        written = self.written.get(connection.alias)
        if written is None:
            written = self.written[connection.alias] = self.write(connection.alias, given)
        with connection.cursor() as cursor:
            cursor.execute(
                written.statement,
                [each if place is None else given[place] for each, place in written.parameters],
            )
            rows: list[Sequence[Any]] = cursor.fetchall()
        return (
            list(written.compiler.apply_converters(rows, written.converters)) if written.converters else rows
        )

    def write(self, alias: str, given: Sequence[int | str]) -> Written:
        """Let the ORM write the statement for stand-ins, and see where they went."""
        stand_ins = [
            f"stand-in {place}" if isinstance(each, str) else FIRST_NUMBER + place
            for place, each in enumerate(given)
        ]
        compiler = self.build(*stand_ins).query.get_compiler(alias)
        statement, parameters = compiler.as_sql()
        places = {stand_in: place for place, stand_in in enumerate(stand_ins)}
        converters = compiler.get_converters([each[0] for each in compiler.select])
        return Written(compiler, statement, [(each, places.get(each)) for each in parameters], converters)


class Written(NamedTuple):
    """A statement; each of its parameters, with its place among what is given; and how its values are converted."""

    compiler: SQLCompiler
    statement: str
    parameters: list[tuple[Any, int | None]]
    converters: dict[int, Any]
