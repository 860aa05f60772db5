"""Loads study and config files, which are Python."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from acme_moe.studies.study import Study


def load_study(name: str, root: Path) -> Study:
    """A study of `configs/studies`, or of a file of one's own.

    Args:
      name: `figure_1`, or the path of a file with a `get_study`.
      root: the repository.

    Raises:
      ValueError: if there is no such study; says which there are.
    """
    folder = root / "configs" / "studies"
    path = Path(name) if name.endswith(".py") else folder / f"{name}.py"
    if not path.exists():
        known = sorted((p.stem for p in folder.glob("*.py")), key=_by_number)
        raise ValueError(
            f"study: {name!r} is not known; accepted: {', '.join(known)}, "
            "or the path of a .py file"
        )
    study = load_module(path).get_study()
    if not isinstance(study, Study):
        raise ValueError(f"study: {path} gives {type(study).__name__}, not a Study")
    return study


@functools.cache
def load_config(path: Path) -> dict[str, Any]:
    """The fields of a config file, flat, nested ones as dicts."""
    fields: dict[str, Any] = load_module(path).get_config().to_dict()
    return fields


def load_module(path: Path) -> ModuleType:
    """What a Python file defines."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _by_number(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdigit() else (name, 0)
