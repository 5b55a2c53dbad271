"""The source types of this server: those that come with the product and those that its operator declared.

What was read is kept until a file of either folder changes, comes or goes.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from integrations.sources.declarations import BadDeclaration, read_declaration
from integrations.sources.source_types import IMPORT_API, SourceType

__all__ = ["Fault", "declaration_faults", "find_source_type", "looked_up_once", "source_types"]

SHIPPED = Path(__file__).with_name("declarations")
Snapshot = tuple[tuple[str, int, int], ...]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """A declaration that is left out, and why."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Registry:
    """What the files said when they were read."""

    types: tuple[SourceType, ...]
    by_name: dict[str, SourceType]
    faults: tuple[Fault, ...]


_kept: dict[Snapshot, Registry] = {}
_held: ContextVar[Registry | None] = ContextVar("held", default=None)


def source_types() -> tuple[SourceType, ...]:
    """Return every type, the Import API first and the rest by label; aliases are not listed."""
    return current().types


def find_source_type(name: str) -> SourceType | None:
    """Return the type of that name. Asked for by an alias, it has the alias as its name."""
    return current().by_name.get(name)


def declaration_faults() -> tuple[Fault, ...]:
    """Return what is wrong with declarations of this server."""
    return current().faults


@contextmanager
def looked_up_once() -> Iterator[None]:
    """Look at the folders once for the whole block: where types are asked for by the hundred."""
    token = _held.set(current())
    try:
        yield
    finally:
        _held.reset(token)


def current() -> Registry:
    """Return the registry; read the files again when one of them changed."""
    held = _held.get()
    if held is not None:
        return held
    snapshot = (*look(SHIPPED), *look(Path(settings.SOURCES_DIR)))
    found = _kept.get(snapshot)
    if found is None:
        found = read(snapshot)
        _kept.clear()
        _kept[snapshot] = found
    return found


def look(folder: Path) -> Snapshot:
    """Return the declarations of a folder with their times and sizes, by name."""
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.name.endswith(".toml")]
            seen = [(entry.path, *moment_and_size(entry)) for entry in files]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return ()
    return tuple(sorted(seen))


def moment_and_size(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        facts = entry.stat()
    except OSError:  # a dangling link: reading it says so
        return 0, 0
    return facts.st_mtime_ns, facts.st_size


def read(snapshot: Snapshot) -> Registry:
    """Read all files; leave out those that cannot be used, with a line in the log."""
    by_name: dict[str, SourceType] = {IMPORT_API.name: IMPORT_API}
    types: list[SourceType] = []
    faults: list[Fault] = []
    for file_name, _, _ in snapshot:
        path = Path(file_name)
        try:
            found = read_declaration(path, is_shipped=path.parent == SHIPPED)
            refuse_taken(found, by_name)
        except BadDeclaration as error:
            faults.append(Fault(file_name, str(error)))
            logger.error("source.declaration_skipped", extra={"path": file_name, "reason": str(error)})
            continue
        types.append(found)
        by_name[found.name] = found
        by_name.update({alias: dataclasses.replace(found, name=alias) for alias in found.aliases})
    types.sort(key=lambda found: found.label.lower())
    return Registry((IMPORT_API, *types), by_name, tuple(faults))


def refuse_taken(found: SourceType, by_name: dict[str, SourceType]) -> None:
    """Raise BadDeclaration for a name that an earlier file has; those of the product come first."""
    for name in (found.name, *found.aliases):
        if name in by_name:
            raise BadDeclaration(f"the name {name!r} belongs to another declaration ({by_name[name].label}).")
    for other in by_name.values():
        same_folder = other.tap and (other.tap, other.version) == (found.tap, found.version)
        if same_folder and (other.package, other.constraints) != (found.package, found.constraints):
            raise BadDeclaration(
                f"tap.name {found.tap!r} in version {found.version!r} is installed from another package by "
                f"{other.label}; give it another name."
            )
