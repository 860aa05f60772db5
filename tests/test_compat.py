"""dm-acme 0.4.0 imports and works on today's JAX and numpy."""

import ast
import importlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from acme_moe import _compat
from tests.programs import ROOT


def acme_modules():
    """Every Acme module that the project imports, by reading its source."""
    found = set()
    for folder in ("acme_moe", "launchers", "benchmarks", "configs", "examples"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    found |= {(alias.name, None) for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    found |= {(node.module, alias.name) for alias in node.names}
    # The layout for which agents are made to fit 0.4.0's own loops.
    found.add(("acme.jax.layouts.local_layout", None))
    return sorted((m, n or "") for m, n in found if m and m.partition(".")[0] == "acme")


@pytest.mark.parametrize(("module", "name"), acme_modules())
def test_every_acme_module_that_is_used_imports(module, name):
    imported = importlib.import_module(module)
    if name and not hasattr(imported, name):
        importlib.import_module(f"{module}.{name}")


def test_only_missing_names_are_put_back():
    mine = object()
    previous, jax.tree_map = jax.tree_map, mine
    try:
        _compat.restore_names()
        assert jax.tree_map is mine
    finally:
        jax.tree_map = previous
    assert vars(np)["float"] is float
    assert jax.numpy.DeviceArray is jax.Array


def loaded_by(statement):
    """Names of the top-level packages that a statement brings in."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in result.stdout.split()}


def test_names_are_put_back_when_acme_is_imported_and_not_before():
    assert "jax" not in loaded_by("import acme_moe")
    code = "import acme_moe, jax; {}; print(jax.tree_map is jax.tree_util.tree_map)"
    for statement, there in (("import acme", True), ("pass", False)):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code.format(statement)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.stdout == "True\n") == there, result.stderr


def test_acme_may_have_been_imported_before():
    loaded = loaded_by("from acme import specs; import acme_moe, acme.jax.utils")
    assert "acme" in loaded


@pytest.mark.parametrize(
    "statement",
    [
        "import acme_moe",
        "import acme_moe.networks",
        "import acme_moe.environments",
        "import acme_moe.agents.dqn",
        "import acme_moe.runs.config",
        "import acme_moe.reporting.runs",
    ],
)
def test_light_imports_stay_light(statement):
    assert not loaded_by(statement) & {
        "acme",
        "ale_py",
        "cv2",
        "launchpad",
        "reverb",
        "rlax",
        "tensorflow",
    }
