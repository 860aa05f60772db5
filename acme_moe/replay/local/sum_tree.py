"""A sum tree on numpy arrays: sampling in proportion to weights that change."""

from __future__ import annotations

import numpy as np

# Children of a node. A level costs a few numpy calls whatever the number of items, so
# few wide levels take less time than many of two children.
_WIDTH = 64


class SumTree:
    """Weights, and the sums of 64 of them, and of 64 of those, and so on.

    A sum is always recomputed from what is below it, so that rounding errors do not
    accumulate, and a tree depends on its weights alone, not on their history.

    Attributes:
      weights: `float64 [size]`, followed by zeros; must only be read from outside.
    """

    def __init__(self, size: int) -> None:
        """Makes a tree of zeros.

        Args:
          size: number of weights.
        """
        # From the weights to the root, each padded to whole nodes.
        self._levels: list[np.ndarray] = []
        while not self._levels or size > 1:
            nodes = -(-size // _WIDTH)
            self._levels.append(np.zeros((nodes, _WIDTH)))
            size = nodes
        self.weights = self._levels[0].reshape(-1)
        self._changed: list[int] = []

    @property
    def total(self) -> float:
        """Sum of all weights."""
        self._update_sums()
        return float(self._levels[-1].sum())

    def set_one(self, index: int, weight: float) -> None:
        """Sets a weight; the sums follow when they are asked for."""
        self.weights[index] = weight
        self._changed.append(index)

    def set(self, indices: np.ndarray, weights: np.ndarray) -> None:
        """Sets weights `[n]`; if an index occurs twice, its last weight counts."""
        self.weights[indices] = weights
        self._changed.extend(indices.tolist())

    def find(self, points: np.ndarray) -> np.ndarray:
        """Finds where points lie along the weights, laid end to end.

        Args:
          points: `float64 [n]` in [0, total), where total is more than zero.

        Returns:
          Indices `int64 [n]` of weights above zero.
        """
        self._update_sums()
        node = np.zeros(len(points), np.int64)
        for level in reversed(self._levels):
            ends = np.cumsum(level[node], axis=1)
            # The sum above may be rounded differently, so a point may lie past the end.
            last = np.nextafter(ends[:, -1], 0)
            points = np.minimum(points, last)[:, None]
            child = (ends <= points).sum(axis=1)
            start = np.where(
                child > 0, np.take_along_axis(ends, child[:, None] - 1, 1)[:, 0], 0
            )
            points = points[:, 0] - start
            node = node * _WIDTH + child
        return node

    def _update_sums(self) -> None:
        if not self._changed:
            return
        nodes = np.array(self._changed)
        self._changed.clear()
        for level, above in zip(self._levels, self._levels[1:], strict=False):
            nodes = np.unique(nodes // _WIDTH)
            above.reshape(-1)[nodes] = level[nodes].sum(axis=1)
