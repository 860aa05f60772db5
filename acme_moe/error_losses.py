"""The losses of a temporal-difference error, by name: `loss` of an agent's settings.

Apart from `acme_moe.losses`, which imports rlax, since settings name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from acme_moe.registry import Registry

if TYPE_CHECKING:
    import jax


class ErrorLoss(Protocol):
    """A loss of errors, each by itself; finite, and so is its gradient."""

    def __call__(self, errors: jax.Array, /) -> jax.Array:
        """Computes losses.

        Args:
          errors: float32 `[B]`, target minus prediction.

        Returns:
          float32 `[B]`.
        """


ERROR_LOSSES: Registry[ErrorLoss] = Registry(
    "loss",
    {
        "huber": "acme_moe.losses.td:huber",
        "squared": "acme_moe.losses.td:squared",
    },
)
