"""Arrays and objects."""

from collections.abc import Iterator, Sequence

from integrations.importapi.jsonschema.effort import Pattern, spend
from integrations.importapi.jsonschema.failures import Failure, Path, gather
from integrations.importapi.jsonschema.nodes import UNTOLD, Accepts, Node, below, refusal, wrong_type
from integrations.importapi.jsonschema.values import frozen


class Array:
    """`items` is either one node for all, or the leading ones with `additional` for the rest."""

    def __init__(
        self,
        *,
        required: bool,
        min_items: int | None = None,
        max_items: int | None = None,
        unique: bool = False,
        items: Node | Sequence[Node] | None = None,
        additional: Node | bool = True,
    ) -> None:
        self.required = required
        self.min_items, self.max_items, self.unique = min_items, max_items, unique
        self.leading: Sequence[Node] = items if isinstance(items, Sequence) else ()
        self.tuple_form = isinstance(items, Sequence)
        self.rest: Node | None = None
        if self.tuple_form:
            self.rest = None if isinstance(additional, bool) else additional
        elif items is not None:
            self.rest = items  # type: ignore[assignment]
        self.closed = self.tuple_form and additional is False
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        required, rest = self.required, self.rest
        plain = self.min_items is None and self.max_items is None and not self.unique and not self.tuple_form

        def accepts(value: object) -> bool:
            if type(value) is not list:
                return not required
            spend(len(value))
            if plain:
                return rest is None or all(map(rest.accepts, value))
            return next(self._violations(value, UNTOLD), None) is None

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        if not isinstance(value, list):
            return wrong_type(path, "JSONArray", value) if self.required else None
        return gather(path, self._violations(value, path))

    def _violations(self, value: list[object], path: Path) -> Iterator[Failure]:
        count = len(value)
        if self.min_items is not None and count < self.min_items:
            yield Failure(path, f"expected minimum item count: {self.min_items}, found: {count}")
        elif self.max_items is not None and count > self.max_items:
            yield Failure(path, f"expected maximum item count: {self.max_items}, found: {count}")
        if self.unique and len(set(map(frozen, value))) < count:
            yield Failure(path, "array items are not unique")
        if self.closed and count > len(self.leading):
            yield Failure(path, f"expected: [{len(self.leading)}] array items, found: [{count}]")
        for index, item in enumerate(value):
            node = self.leading[index] if index < len(self.leading) else self.rest
            if node is not None:
                yield from refusal(node, item, below(path, index))


class Object:
    def __init__(
        self,
        *,
        required_type: bool,
        properties: dict[str, Node],
        required: Sequence[str] = (),
        additional: Node | bool = True,
        patterns: Sequence[tuple[Pattern, Node]] = (),
        min_properties: int | None = None,
        max_properties: int | None = None,
        needs: dict[str, Sequence[str]] | None = None,
        implies: dict[str, Node] | None = None,
    ) -> None:
        self.required_type = required_type
        self.properties, self.required = properties, tuple(required)
        self.additional, self.patterns = additional, tuple(patterns)
        self.min_properties, self.max_properties = min_properties, max_properties
        self.needs, self.implies = needs or {}, implies or {}
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        required_type, required = self.required_type, tuple(dict.fromkeys(self.required))
        checks = {name: node.accepts for name, node in self.properties.items()}
        find = checks.get
        closed = self.additional is False
        plain = (
            isinstance(self.additional, bool)
            and not (self.patterns or self.needs or self.implies)
            and self.min_properties is None
            and self.max_properties is None
        )

        def accepts(value: object) -> bool:
            if type(value) is not dict:
                return not required_type
            spend(len(value))
            if not plain:
                return next(self._violations(value, UNTOLD), None) is None
            for name, item in value.items():
                check = find(name)
                if check is None:
                    if closed:
                        return False
                elif not check(item):
                    return False
            for name in required:  # noqa: SIM110 - a generator would double the cost of the common case
                if name not in value:
                    return False
            return True

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        if not isinstance(value, dict):
            return wrong_type(path, "JSONObject", value) if self.required_type else None
        return gather(path, self._violations(value, path))

    def _violations(self, value: dict[str, object], path: Path) -> Iterator[Failure]:
        for name, node in self.properties.items():
            if name in value:
                yield from refusal(node, value[name], below(path, name))
        spend(len(self.required) + len(self.patterns) * len(value))
        for name in self.required:
            if name not in value:
                yield Failure(path, f"required key [{name}] not found")
        yield from self._additional_violations(value, path)
        yield from self._size_violations(len(value), path)
        for name, needed in self.needs.items():
            if name in value:
                spend(len(needed))
                for other in needed:
                    if other not in value:
                        yield Failure(path, f"property [{other}] is required")
        for name, node in self.implies.items():
            if name in value:
                yield from refusal(node, value, path)
        for pattern, node in self.patterns:
            for name, item in value.items():
                if pattern.search(name):
                    yield from refusal(node, item, below(path, name))

    def _additional_violations(self, value: dict[str, object], path: Path) -> Iterator[Failure]:
        if self.additional is True:
            return
        for name, item in value.items():
            if name in self.properties or any(pattern.search(name) for pattern, _ in self.patterns):
                continue
            if self.additional is False:
                yield Failure(path, f"extraneous key [{name}] is not permitted")
            else:
                yield from refusal(self.additional, item, below(path, name))

    def _size_violations(self, size: int, path: Path) -> Iterator[Failure]:
        if self.min_properties is not None and size < self.min_properties:
            yield Failure(path, f"minimum size: [{self.min_properties}], found: [{size}]")
        if self.max_properties is not None and size > self.max_properties:
            yield Failure(path, f"maximum size: [{self.max_properties}], found: [{size}]")
