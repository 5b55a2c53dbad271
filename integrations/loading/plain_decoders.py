"""A decoder made for one plain schema: it takes exactly the bodies whose records conform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from integrations.loading.capabilities import Kind
from integrations.loading.limits import MAX_DATA_POINTS, MAX_RECORDS, MAX_SEQUENCE, MIN_SEQUENCE
from integrations.loading.plain_schemas import (
    NotPlain,
    PlainArray,
    PlainField,
    PlainObject,
    Scalar,
    least_data_points,
)

DATE_TIME = (
    r"(?:[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)|[12][0-9](?:0[48]|[2468][048]|[13579][26])-02-29)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-7]):?[0-5][0-9])"
)
MIN_ELEMENT_POINTS = 100  # of an array's element that holds arrays itself
CLASSES: dict[Kind, Any] = {Kind.BOOLEAN: bool, Kind.DOUBLE: float, Kind.BIGINT: int, Kind.STRING: str}
Whole = Annotated[int, Meta(ge=MIN_SEQUENCE, le=MAX_SEQUENCE)]
DateTime = Annotated[str, Meta(pattern=rf"^{DATE_TIME}\Z")]


class Header(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What stands around the messages; they themselves, and the schema, as bytes."""

    table_name: str
    schema: Raw
    messages: Raw
    key_names: list[str] = []
    table_version: Whole | None = None
    bookmark_names: list[str] | None = None


def decoder_of(record: PlainObject) -> tuple[Callable[[bytes], Any], list[str]]:
    """Return what decodes a body to a header whose messages hold such records, or raises.

    Of the texts in the paths returned, from a message on, it does not look whether they are date-times. Raises
    NotPlain when a record could hold more data points than it may.
    """
    fields = list(record.fields.values())
    paths = ["time_extracted"]
    paths += [
        f"data.f{number}"
        for number, field in enumerate(fields)
        if isinstance(field, Scalar) and field.kind is Kind.TIMESTAMP
    ]
    message = msgspec.defstruct(
        "Message",
        [
            ("action", Literal["upsert"]),
            ("sequence", Whole),
            ("data", _struct(record, MAX_DATA_POINTS, is_root=True)),
            ("time_extracted", str | None, None),
            ("vintage", str | None, None),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
    messages = Annotated[list[message], Meta(min_length=1, max_length=MAX_RECORDS)]  # type: ignore[valid-type]
    body = msgspec.defstruct(
        "Body", [("messages", messages)], bases=(Header,), forbid_unknown_fields=True, kw_only=True, gc=False
    )
    return msgspec.json.Decoder(body).decode, paths


def _struct(shape: PlainObject, points: int, *, is_root: bool = False) -> Any:
    """Return the type of an object that holds at most so many data points."""
    spare = points - least_data_points(shape)
    with_arrays = sum(map(_holds_arrays, shape.fields.values()))
    share = spare // with_arrays if with_arrays else 0
    if spare < 0:
        raise NotPlain
    fields: list[Any] = []
    for number, (name, field) in enumerate(shape.fields.items()):
        decoded = _type(field, least_data_points(field) + share, is_root=is_root)
        if name in shape.required:
            fields.append((f"f{number}", decoded))
        else:
            fields.append((f"f{number}", decoded | UnsetType, UNSET))
    return msgspec.defstruct(
        "Record",
        fields,
        rename={f"f{number}": name for number, name in enumerate(shape.fields)},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )


def _type(field: PlainField, points: int, *, is_root: bool = False) -> Any:
    """Return the type of a field that holds at most so many data points."""
    if isinstance(field, PlainObject):
        decoded = _struct(field, points)
    elif isinstance(field, PlainArray):
        element = least_data_points(field.items)
        if _holds_arrays(field.items):
            element = max(2 * element, MIN_ELEMENT_POINTS)
        most = points // element
        if most < 1:
            raise NotPlain
        decoded = Annotated[list[_type(field.items, element)], Meta(max_length=most)]  # type: ignore[misc]
    elif field.kind is Kind.TIMESTAMP:
        decoded = str if is_root else DateTime
    else:
        decoded = _bounded(field)
    return decoded | None if field.nullable else decoded


def _bounded(field: Scalar) -> Any:
    if field.least is None and field.most is None:
        return CLASSES[field.kind]
    if field.kind is Kind.STRING:
        bounds = Meta(
            min_length=None if field.least is None else int(field.least),
            max_length=None if field.most is None else int(field.most),
        )
    else:
        bounds = Meta(ge=field.least, le=field.most)
    return Annotated[CLASSES[field.kind], bounds]


def _holds_arrays(field: PlainField) -> bool:
    if isinstance(field, PlainObject):
        return any(map(_holds_arrays, field.fields.values()))
    return isinstance(field, PlainArray)
