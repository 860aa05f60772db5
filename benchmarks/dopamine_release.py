"""What a program needs to import dopamine-rl 4.1.2, and its names of layers."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import types
from collections.abc import Sequence
from typing import Any
from unittest import mock

_UNUSED = {
    "PIL",
    "ale_py",
    "baselines",
    "clu",
    "cv2",
    "gym",
    "gymnasium",
    "matplotlib",
    "mujoco",
    "pandas",
    "pygame",
    "snappy",
    "tensorflow",
    "tensorflow_probability",
    "tf_slim",
}
MOES = {"none": "BASELINE", "wide": "BASELINE", "soft": "SOFTMOE", "top1": "MOE"}
ENCODERS = {"impala": "IMPALA", "nature_cnn": "CNN"}


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """An importer that puts mocks in place of modules that nothing here uses."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Returns a specification for a module that is not used; None for others."""
        if fullname.partition(".")[0] not in _UNUSED:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """A mock that passes for a package."""
        module = mock.MagicMock(name=spec.name)
        module.__name__, module.__path__, module.__spec__ = spec.name, [], spec
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Does nothing."""
