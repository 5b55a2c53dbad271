"""What both kinds of request share once they are parsed."""

from dataclasses import dataclass, field

from integrations.importapi.refusals import Refusal


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A valid request: its kind, and how many records it brings for each table.

    `set_aside` are those of its records that are refused alone, each by its place with its refusal.
    """

    kind: str  # "batch", "push" or "transit", as integrations.loading.reading names them
    tables: list[tuple[str, int]]
    is_plain: bool = False  # as integrations.loading.plain says
    set_aside: dict[int, Refusal] = field(default_factory=dict)


def storable_name(name: str) -> bool:
    """Tell whether a table's name can be stored at all: no NUL, no lone surrogate."""
    return "\x00" not in name and not any("\ud800" <= character <= "\udfff" for character in name)


def exceeds_data_points(record: dict[str, object], limit: int) -> bool:
    """Tell whether a record holds more than `limit` values, nested ones included."""
    return data_points(record, stop_after=limit) > limit


def data_points(record: dict[str, object], *, stop_after: int | None = None) -> int:
    """Return how many values a record holds, nested ones included; may stop once it is certain to be too many.

    An empty object or array counts as one value.
    """
    points = 0
    waiting: list[object] = [record]
    while waiting:
        container = waiting.pop()
        children = container.values() if type(container) is dict else container
        for child in children:  # type: ignore[attr-defined]
            if child and (type(child) is dict or type(child) is list):
                waiting.append(child)
            else:
                points += 1
        if stop_after is not None and points > stop_after:
            break
    return points
