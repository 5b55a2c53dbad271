"""What is wrong with a value, as a tree that prints as lines (import-api.md 5.4)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from integrations.importapi.jsonschema.effort import spend

Path = tuple[str | int, ...]

# A hostile value can fail in millions of places; the count stays true, the listing ends here.
MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """One violation, or a node that stands for the `leaves` violations below it."""

    path: Path
    text: str
    children: tuple["Failure", ...] = ()
    leaves: int = 1

    def __post_init__(self) -> None:
        spend(1 + len(self.text) // 8)  # texts repeat what was sent

    def lines(self) -> list[str]:
        """Return one line per violation, parents before children, depth first."""
        return list(islice(self._walk(), MAX_LISTED))

    def first_path(self) -> Path:
        """Return where the first violation is: for a value that fits no alternative, the value itself."""
        failure = self
        while failure.children and not failure.text.startswith("#"):
            failure = failure.children[0]
        return failure.path

    def _walk(self) -> Iterator[str]:
        yield f"{pointer(self.path)}: {self.text}"
        for child in self.children:
            yield from child._walk()


def pointer(path: Path) -> str:
    """Return `path` as a JSON pointer in its fragment form: `#` or `#/messages/0`."""
    return "#" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def gather(path: Path, failures: Iterable[Failure]) -> Failure | None:
    """Return nothing for no failure, a single one itself, and a counting node for several."""
    listed: list[Failure] = []
    leaves = 0
    for failure in failures:
        leaves += failure.leaves
        if len(listed) < MAX_LISTED:
            listed.append(failure)
    if not listed:
        return None
    if len(listed) == 1:
        return listed[0]
    return Failure(path, f"{leaves} schema violations found", tuple(listed), leaves)


def combined(path: Path, text: str, failures: Iterable[Failure]) -> Failure:
    """Return the node of `anyOf`, `oneOf` and `allOf`, whose text carries a pointer of its own."""
    children = tuple(failures)
    return Failure(path, f"#: {text}", children, sum(child.leaves for child in children) or 1)
