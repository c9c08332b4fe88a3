"""Imports point one way: a unit imports only from strictly lower layers."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "statsmodels_mixed"

LAYERS = {
    "errors": 0,
    "_version": 0,
    "compat": 0,
    "printing": 0,
    "linalg": 1,
    "optimize": 1,
    "datasets": 1,
    "formula": 2,
    "covariance": 2,
    "families": 2,
    "design": 3,
    "core": 4,
    "fitting": 5,
    "simulation": 6,
    "prediction": 6,
    "inference": 7,
    "diagnostics": 7,
    "results": 8,
    "models": 9,
    "plotting": 1,
    "comparison": 10,
    "pooling": 10,
    "power": 10,
    "integrations": 10,
    "api": 11,
    "__init__": 12,
    "__main__": 13,
}
# statsmodels has `formula.api`; ours holds public names only, above everything.
PUBLIC_NAMES = {"formula/api.py": 10}
NO_PANDAS = {
    "linalg",
    "optimize",
    "formula",
    "covariance",
    "families",
    "core",
    "fitting",
}
ONLY_IMPORTER = {
    "patsy": {"design", "compat"},
    "formulaic": {"compat"},
    "matplotlib": {"plotting"},
    "scipy.optimize": {"optimize"},
}


def unit_of(path):
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def layer_of(path):
    relative = path.relative_to(ROOT).as_posix()
    return PUBLIC_NAMES.get(relative, LAYERS.get(unit_of(path)))


def imported_modules(path):
    """Yield (dotted name, line) of each import; ours are made absolute."""
    package = ("statsmodels_mixed", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = ".".join(package[: len(package) - node.level + 1])
                base += f".{node.module}" if node.module else ""
            else:
                base = node.module
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_down(path):
    own, layer = unit_of(path), layer_of(path)
    assert layer is not None, f"{own} has no layer: add it to LAYERS"
    for name, line in imported_modules(path):
        parts = name.split(".")
        if parts[0] == "statsmodels_mixed" and len(parts) > 1:
            other = parts[1]
            if other == own and path.relative_to(ROOT).as_posix() not in PUBLIC_NAMES:
                continue
            if other not in LAYERS:  # a name of the top-level __init__
                other = "__init__"
            assert LAYERS[other] < layer, f"{path}:{line} imports {name}, not below"
        if parts[0] == "pandas":
            assert own not in NO_PANDAS, f"{path}:{line}: pandas in {own}"
        for package, allowed in ONLY_IMPORTER.items():
            if name == package or name.startswith(package + "."):
                assert own in allowed, f"{path}:{line}: {package} in {own}"


def test_every_layer_name_is_used_or_planned():
    present = {unit_of(path) for path in MODULES}
    assert present <= set(LAYERS)
