"""Nests of arrays as flat mappings by name, which is how checkpoints hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def flatten(nest: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """Returns the arrays of a nest by their paths, on the host."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(nest)
    return {
        prefix + jax.tree_util.keystr(path): (
            # Copies: on a CPU device_get may hand out buffers that are used again.
            np.array(jax.device_get(leaf)) if isinstance(leaf, jax.Array) else leaf
        )
        for path, leaf in leaves
    }


def unflatten(
    template: Any, arrays: Mapping[str, np.ndarray], where: object, prefix: str = ""
) -> Any:
    """Returns arrays in the structure of `template`.

    Args:
      template: nest whose leaves have the shapes that are expected.
      arrays: arrays by name, as `flatten` returned them.
      where: what the arrays were read from, for the message.
      prefix: prefix of the arrays' names.

    Raises:
      ValueError: if an array is missing or has another shape.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    values = []
    for path, leaf in leaves:
        name = prefix + jax.tree_util.keystr(path)
        if name not in arrays:
            raise ValueError(f"{where}: has no array {name}")
        array = arrays[name]
        if array.dtype.kind == "V":
            # Files of NumPy do not know JAX's own dtypes, such as bfloat16.
            array = array.view(leaf.dtype)
        if array.shape != np.shape(leaf):
            raise ValueError(
                f"{where}: {name} has shape {array.shape}, this run's has "
                f"{np.shape(leaf)}"
            )
        values.append(array)
    return jax.tree_util.tree_unflatten(structure, values)
