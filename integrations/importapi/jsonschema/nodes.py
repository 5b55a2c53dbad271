"""What every compiled part of a schema is.

Each node answers twice: `accepts` is a closure made for speed, built once, and says only yes or no;
`explain` runs on refused values alone and builds the failure with its exact text. A property test
holds the two together.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from integrations.importapi.jsonschema.failures import Failure, Path
from integrations.importapi.jsonschema.values import type_name

Accepts = Callable[[object], bool]
UNTOLD: Path = ("?",)  # where nobody asks what is wrong, only whether something is
REFUSED = Failure(UNTOLD, "")


class Node(Protocol):
    """One compiled schema."""

    accepts: Accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        """Return what is wrong with `value`, or nothing."""


def below(path: Path, step: str | int) -> Path:
    """Return the path of what lies one step deeper."""
    return path if path is UNTOLD else (*path, step)


def wrong_type(path: Path, expected: str, value: object) -> Failure:
    """Return the failure of a value of another type."""
    return Failure(path, f"expected type: {expected}, found: {type_name(value)}")


def refusal(node: Node, value: object, path: Path) -> Iterator[Failure]:
    """Yield what `node` has against `value`, if anything; only that it does where the path is UNTOLD."""
    if not node.accepts(value):
        # To explain here as well would double the work with each level of nesting.
        failure = REFUSED if path is UNTOLD else node.explain(value, path)
        if failure is not None:
            yield failure


def refusals(nodes: Sequence[Node], value: object, path: Path) -> Iterator[Failure]:
    """Yield what each of `nodes` has against `value`."""
    for node in nodes:
        yield from refusal(node, value, path)
