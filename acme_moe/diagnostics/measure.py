"""All diagnostics of a network on a batch from replay, as one function to jit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from acme_moe.diagnostics.matrices import effective_rank, feature_norm, numerical_rank
from acme_moe.diagnostics.neurons import dormant_share, neuron_layers
from acme_moe.diagnostics.ntk import empirical_ntk
from acme_moe.diagnostics.routing import gradient_norms, router_statistics
from acme_moe.diagnostics.settings import DiagnosticsConfig
from acme_moe.networks import Network, ValueOutput

# (params, key, batch) -> the value `[B]` of the action in each item, and the output
# that it was taken from, all of it beginning with `[B]`.
Probe = Callable[[Any, jax.Array, Any], tuple[jax.Array, ValueOutput]]

# (params, target_params, key, batch, probabilities) -> scalar, anything; as
# `acme_moe.learning.Objective`.
Loss = Callable[[Any, Any, jax.Array, Any, jax.Array], tuple[jax.Array, Any]]

# The same arguments -> scalars by name.
Measure = Callable[[Any, Any, jax.Array, Any, jax.Array], dict[str, jax.Array]]


def transition_probe(network: Network) -> Probe:
    """Looks at a network where the actions of a batch of transitions were taken.

    Args:
      network: as `acme_moe.networks.make_network` returns it.

    Returns:
      The probe, for batches with fields `observation` and `action` as those of
      `acme_moe.learning.Transition`. The network's noise is on, as in training.
    """

    def probe(params: Any, key: jax.Array, batch: Any) -> tuple[jax.Array, ValueOutput]:
        output = network.apply(params, key, batch.observation)
        actions = jnp.asarray(batch.action)[:, None]
        return jnp.take_along_axis(output.q_values, actions, axis=1)[:, 0], output

    return probe


def make_measure(
    probe: Probe, loss: Loss, config: DiagnosticsConfig, *, batch_size: int
) -> Measure:
    """Puts together the diagnostics of one agent.

    Args:
      probe: how its network is looked at.
      loss: what it minimises, for the gradients of the mixture.
      config: thresholds.
      batch_size: items that are measured, the last of the batch that is given.

    Returns:
      A function to jit, of parameters, target parameters, a key for the noise, a
      batch of at least that many items and their probabilities. It gives float32
      scalars:
        `feature_norm`, `feature_rank`: see `feature_norm`, `effective_rank`.
        `ntk_rank`: `numerical_rank` of `empirical_ntk` of the values of the actions.
        `dormant_share`, `dormant_share_penultimate`: of the neurons of all layers with
          a ReLU, and of the dense layer or the experts.
      and of a mixture also those of `router_statistics` and `gradient_norms`.
    """

    def measure(
        params: Any,
        target_params: Any,
        key: jax.Array,
        batch: Any,
        probabilities: jax.Array,
    ) -> dict[str, jax.Array]:
        batch, probabilities = jax.tree.map(
            lambda x: x[-batch_size:], (batch, probabilities)
        )
        probe_key, ntk_key, loss_key = jax.random.split(key, 3)
        _, output = probe(params, probe_key, batch)
        layers = neuron_layers(output)

        def value(params: Any, example: Any) -> jax.Array:
            key, item = example
            values, _ = probe(params, key, jax.tree.map(lambda x: x[None], item))
            return values[0]

        kernel = empirical_ntk(
            value,
            params,
            (jax.random.split(ntk_key, batch_size), batch),
            max_bytes=config.gradient_megabytes * 2**20,
        )
        tau = config.dormant_tau
        results = {
            "feature_norm": feature_norm(output.features),
            "feature_rank": effective_rank(output.features),
            "ntk_rank": numerical_rank(kernel, config.rank_threshold),
            "dormant_share": dormant_share(layers.values(), tau),
            "dormant_share_penultimate": dormant_share([layers["penultimate"]], tau),
        }
        if output.moe is not None:
            gradients, _ = jax.grad(loss, has_aux=True)(
                params, target_params, loss_key, batch, probabilities
            )
            results |= router_statistics(output.moe) | gradient_norms(gradients)
        return jax.tree.map(lambda x: x.astype(jnp.float32), results)

    return measure
