"""Every requirement of the two guides, and every promise of these routes, has a test that carries its id."""

import ast
import functools
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
IDS = [f"K{number:02}" for number in range(1, 33)] + [f"T{number:02}" for number in range(1, 37)]
IDS += [f"P{number}" for number in range(1, 13)] + [f"S{number}" for number in range(1, 11)]
IDS += [f"A{number}" for number in range(1, 5)]
ID = re.compile(r"(?<![A-Za-z0-9])([KT])-?(\d\d)(?!\d)|(?<![A-Za-z0-9])([PSA])(\d\d?)(?!\d)")


@functools.cache
def carried() -> set[str]:
    """Return the ids in the names and docstrings of test functions."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                text = f"{node.name.replace('_', ' ')} {ast.get_docstring(node) or ''}"
                found |= {"".join(part or "" for part in match) for match in ID.findall(text)}
    return found


@pytest.mark.parametrize("requirement", IDS)
def test_a_test_carries_the_requirement(requirement):
    assert requirement in carried()
