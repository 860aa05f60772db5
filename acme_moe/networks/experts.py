"""The experts of a mixture: one hidden layer each, all in two matrix products."""

from __future__ import annotations

import dataclasses

import haiku as hk
import jax

from acme_moe.networks import layers
from acme_moe.networks.interfaces import LayerFactory
from acme_moe.networks.xla_cpu import relu


@dataclasses.dataclass(eq=False)
class Experts(hk.Module):
    """Dense -> ReLU -> dense back to the token size, for all experts at once.

    Section 3 of the MoE paper: an expert is the penultimate layer, followed by a
    linear map back to the token size.

    Attributes:
      num_experts: number of experts.
      hidden_units: units of an expert's hidden layer.
      hidden_dense: makes that layer, with the arguments of `layers.Dense`; in a network
        with noisy layers it is noisy too.
      name: the module's name.
    """

    num_experts: int
    hidden_units: int
    hidden_dense: LayerFactory = layers.Dense
    name: str = "experts"

    def __call__(self, slots: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Applies each expert to its slots.

        Args:
          slots: `[E, B, S, d]`.

        Returns:
          Outputs `[E, B, S, d]` and hidden activations `[E, B, S, hidden]`.
        """
        first = self.hidden_dense(
            self.hidden_units, num_experts=self.num_experts, name="hidden"
        )
        hidden = relu(first(slots))
        output = layers.Dense(slots.shape[-1], self.num_experts, name="output")
        return output(hidden), hidden
