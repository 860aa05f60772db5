"""Imports only those modules of heavy packages that are used.

Reverb's package imports all of TensorFlow, for datasets that nothing here makes. rlax
imports TensorFlow Probability, for distributions, and so do Acme's actors, for
networks. Together that is most of the time before a run starts.

The `__init__` of a package in `PACKAGES` does not run when the package is imported. Its
modules can be imported as usual, and the attributes listed there come from the modules
that define them. For any other attribute the `__init__` runs after all, and from then
on the package behaves as it does anywhere else. A package that was imported earlier is
left alone.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any

_TENSOR_SPECS = {
    "__version__": "tensorflow.python.framework.versions",
    "Tensor": "tensorflow.python.framework.ops",
    "TensorShape": "tensorflow.python.framework.tensor_shape",
    "TensorSpec": "tensorflow.python.framework.tensor_spec",
    **dict.fromkeys(
        ("bool", "double", "float32", "int32", "int64", "uint64"),
        "tensorflow.python.framework.dtypes",
    ),
}

# For each package, the module that defines each attribute; None for an attribute that
# is asked for but does not exist.
PACKAGES: Mapping[str, Mapping[str, str | None]] = {
    "acme.jax.networks": dict.fromkeys(
        (
            "Action",
            "FeedForwardNetwork",
            "LogProbFn",
            "Logits",
            "NetworkOutput",
            "Observation",
            "PRNGKey",
            "Params",
            "SampleFn",
            "Value",
        ),
        "acme.jax.networks.base",
    ),
    # It stands in an annotation of rlax.
    "distrax": {"DistributionLike": "typing"},
    "reverb": {
        "Client": "reverb.client",
        "ReplaySample": "reverb.replay_sample",
        "SampleInfo": "reverb.replay_sample",
        "Server": "reverb.server",
        "Table": "reverb.server",
        "TrajectoryColumn": "reverb.trajectory_writer",
        "TrajectoryWriter": "reverb.trajectory_writer",
        "Writer": "reverb.client",
        "checkpointers": "reverb.platform.default",
        "selectors": "reverb.server",
    },
    "tensorflow": {
        **_TENSOR_SPECS,
        # Where TensorFlow is imported, Matplotlib asks it about all that is drawn.
        "is_tensor": "tensorflow.python.framework.tensor_util",
    },
    "tensorflow.compat": {},
    "tensorflow.compat.v1": _TENSOR_SPECS,
    "tensorflow.python": {"pywrap_dlopen_global_flags": None},
}
# Packages whose modules are found as attributes, as in `from reverb import client`.
# Not `tensorflow` itself: that would import its modules in an order that it was not
# made for.
_MODULES = {"acme.jax.networks", "reverb", "tensorflow.python"}
# Attributes that have another name in the module that defines them.
_RENAMED = {"DistributionLike": "Any", "selectors": "item_selectors"}

_loading = threading.RLock()


class _Deferred(types.ModuleType):
    """A package whose `__init__` has not run."""

    def __getattr__(self, name: str) -> Any:
        """Finds an attribute that is not there yet, or runs the `__init__` for it."""
        home = PACKAGES[self.__name__].get(name)
        if home is not None:
            module = importlib.import_module(home)
            return getattr(module, _RENAMED.get(name, name))
        # The import system asks every module for names that begin with underscores.
        asked = not name.startswith("__") or name in ("__all__", "__version__")
        if name not in PACKAGES[self.__name__] and asked:
            if self.__name__ in _MODULES and (part := self._module(name)):
                return part
            _run_init(self)
            if name in vars(self):
                return vars(self)[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the package by its name, as cloudpickle does with modules."""
        return importlib.import_module, (self.__name__,)

    def _module(self, name: str) -> types.ModuleType | None:
        full_name = f"{self.__name__}.{name}"
        try:
            return importlib.import_module(full_name)
        except ModuleNotFoundError as error:
            if error.name != full_name:
                raise
            return None


def _run_init(package: types.ModuleType) -> bool:
    """Runs a package's `__init__`; returns False if it has run or is under way."""
    with _loading:
        if type(package) is not _Deferred:
            return False
        package.__class__ = types.ModuleType  # type: ignore[assignment]
        name = package.__name__
        if name.startswith("tensorflow"):
            # The order in which TensorFlow's modules find each other.
            for other in ("tensorflow.python", "tensorflow"):
                _run_init(importlib.import_module(other))
        assert package.__spec__ is not None
        assert isinstance(package.__spec__.loader, _Loader)
        package.__spec__.loader.run_init(package)
        return True


class _Loader(importlib.machinery.SourceFileLoader):
    """Makes a package without running its `__init__`."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Makes the package; the import system gives it its attributes."""
        return _Deferred(spec.name)

    def run_init(self, module: types.ModuleType) -> None:
        """Runs the `__init__`."""
        super().exec_module(module)

    def exec_module(self, module: types.ModuleType) -> None:
        """Defers the `__init__`, except for what is needed of TensorFlow's."""
        if module.__name__ != "tensorflow":
            return
        # As the `__init__` has it.
        api = [os.path.join(path, "_api", "v2") for path in module.__path__]
        module.__path__ = [*module.__path__, *api]
        importlib.import_module("tensorflow.python.tf2").enable()
        # Reverb and Courier are linked against the library that it loads.
        importlib.import_module("tensorflow.python.pywrap_tensorflow")


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, *where: Any
    ) -> importlib.machinery.ModuleSpec | None:
        """Finds the packages that are deferred."""
        if fullname not in PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, *where)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


class _LastFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, *_where: Any
    ) -> importlib.machinery.ModuleSpec | None:
        """Finds modules that are there only once their package's `__init__` has run."""
        parent, _, name = fullname.rpartition(".")
        if name in PACKAGES.get(parent, ()):
            return None
        package = sys.modules.get(parent)
        if package is None or not _run_init(package):
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, package.__path__)


def install() -> None:
    """Defers the packages from now on."""
    sys.meta_path.insert(0, _Finder())
    sys.meta_path.append(_LastFinder())
