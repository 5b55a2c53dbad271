"""Schemas made of schemas: anyOf, oneOf, allOf, not, references, and the empty one."""

from collections.abc import Sequence

from integrations.importapi.jsonschema.effort import spend
from integrations.importapi.jsonschema.failures import Failure, Path, combined
from integrations.importapi.jsonschema.nodes import Accepts, Node, refusals
from integrations.importapi.jsonschema.scalars import Null
from integrations.importapi.jsonschema.values import value_text


class Anything:
    """`{}`: every value passes."""

    def __init__(self) -> None:
        self.accepts: Accepts = lambda value: True

    def explain(self, value: object, path: Path) -> Failure | None:
        return None


class AnyOf:
    def __init__(self, alternatives: Sequence[Node]) -> None:
        self.alternatives = tuple(alternatives)
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        checks = [node.accepts for node in self.alternatives]
        others = [node.accepts for node in self.alternatives if not isinstance(node, Null)]
        if len(checks) == 2 and len(others) == 1:  # a nullable type, by far the most common
            other = others[0]
            return lambda value: value is None or other(value)

        def accepts(value: object) -> bool:
            spend(len(checks))
            for check in checks:  # noqa: SIM110 - as above
                if check(value):
                    return True
            return False

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        if self.accepts(value):
            return None
        total = len(self.alternatives)
        text = f"no subschema matched out of the total {total} subschemas"
        return combined(path, text, refusals(self.alternatives, value, path))


class OneOf:
    def __init__(self, alternatives: Sequence[Node]) -> None:
        self.alternatives = tuple(alternatives)
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        checks = [node.accepts for node in self.alternatives]

        def accepts(value: object) -> bool:
            spend(len(checks))
            return sum(check(value) for check in checks) == 1

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        matched = sum(node.accepts(value) for node in self.alternatives)
        if matched == 1:
            return None
        text = f"{matched} subschemas matched instead of one"
        return combined(path, text, refusals(self.alternatives, value, path))


class AllOf:
    def __init__(self, parts: Sequence[Node]) -> None:
        self.parts = tuple(parts)
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        checks = [node.accepts for node in self.parts]

        def accepts(value: object) -> bool:
            spend(len(checks))
            return all(check(value) for check in checks)

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        matched = sum(node.accepts(value) for node in self.parts)
        if matched == len(self.parts):
            return None
        text = f"only {matched} subschema matches out of {len(self.parts)}"
        return combined(path, text, refusals(self.parts, value, path))


class Not:
    def __init__(self, inner: Node, source: object) -> None:
        self.source = source
        self.accepts: Accepts = lambda value: not inner.accepts(value)

    def explain(self, value: object, path: Path) -> Failure | None:
        if self.accepts(value):
            return None
        return Failure(path, f"subject must not be valid against schema {value_text(self.source)}")


class Reference:
    """A schema named elsewhere in the document; its target is set when that has been compiled."""

    def __init__(self) -> None:
        self.target: Node | None = None
        self.accepts: Accepts = self._accepts

    def _accepts(self, value: object) -> bool:
        spend()
        return self.target is None or self.target.accepts(value)

    def explain(self, value: object, path: Path) -> Failure | None:
        return None if self.target is None else self.target.explain(value, path)
