"""Names that dm-acme 0.4.0 expects in JAX and numpy, which have dropped them.

Each is put back only where it is missing, so on an older JAX or numpy, and for
code that never imports Acme, nothing changes. Acme's main branch needs none of
them.
"""

import types

import jax
import numpy as np


def restore_names() -> None:
    """Puts back what is missing; calling it again does nothing."""
    _restore(jax, "tree_map", jax.tree_util.tree_map)
    _restore(jax.numpy, "DeviceArray", jax.Array)
    _restore(
        jax, "xla", types.SimpleNamespace(Device=jax.Device, DeviceArray=jax.Array)
    )
    for builtin in (float, bool, int, object):
        _restore(np, builtin.__name__, builtin)


def _restore(module: types.ModuleType, name: str, value: object) -> None:
    # Not hasattr: numpy and JAX answer that with a warning for a dropped name.
    if name not in vars(module):
        setattr(module, name, value)


restore_names()
