"""Imports point one way (house style 1)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {
    "models": 0,
    "services": 1,
    "forms": 2,
    "views": 2,
    "importapi": 2,
    "connect": 2,
    "queue": 2,
    "extracting": 2,
    "management": 2,
}
MODULES = sorted(
    path.relative_to(ROOT)
    for app in ("accounts", "integrations", "stitchapp")
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
)


def imported(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative path"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(dotted: str) -> int | None:
    parts = dotted.split(".")
    return LAYERS.get(parts[1]) if len(parts) > 1 and parts[0] in ("accounts", "integrations") else None


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module):
    names = imported(module)
    if module.parts[0] == "accounts":
        assert not {name for name in names if name.split(".")[0] == "integrations"}
    own = layer(".".join(module.with_suffix("").parts))
    if own is not None:
        higher = {name for name in names if (layer(name) or 0) > own}
        assert not higher, f"{module} imports from a layer above: {higher}"


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.parts[:2] == ("integrations", "loading")], ids=str
)
def test_loading_knows_no_django(module):
    outside = {name.split(".")[0] for name in imported(module)} & {"django", "accounts", "stitchapp"}
    assert not outside
    within = {name for name in imported(module) if name.startswith("integrations.")}
    assert all(name.startswith("integrations.loading") for name in within)


@pytest.mark.parametrize(
    "module",
    [m for m in MODULES if len(m.parts) > 1 and m.parts[1] in ("views", "connect", "importapi", "forms")],
    ids=str,
)
def test_request_code_never_names_a_manager(module):
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert "objects" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_module_is_a_junk_drawer_and_none_is_too_long(module):
    assert module.stem not in {"utils", "helpers", "common", "base"}
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= 400
