"""All diagnostics of a network on a batch from replay, in one function to jit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from acme_moe.diagnostics import authors
from acme_moe.diagnostics.matrices import effective_rank, feature_norm, numerical_rank
from acme_moe.diagnostics.neurons import dormant_share, neuron_layers
from acme_moe.diagnostics.ntk import empirical_ntk
from acme_moe.diagnostics.routing import gradient_norms, router_statistics
from acme_moe.diagnostics.settings import DiagnosticsConfig
from acme_moe.networks import Network, ValueOutput

# (params, key, batch) -> the value `[B]` of the action in each item, and the output
# that it was taken from, all of it beginning with `[B]`.
Probe = Callable[[Any, jax.Array, Any], tuple[jax.Array, ValueOutput]]


class LossOutput(Protocol):
    """The part of a loss's output that is measured; see `learning.ObjectiveOutput`."""

    @property
    def losses(self) -> jax.Array:
        """Losses of single items, `[B]`, unweighted, without load balancing."""


# (params, target_params, key, batch, probabilities) -> scalar, output; as
# `acme_moe.learning.Objective`.
Loss = Callable[[Any, Any, jax.Array, Any, jax.Array], tuple[jax.Array, LossOutput]]

# The arguments of `Loss` -> scalars by name.
Measure = Callable[[Any, Any, jax.Array, Any, jax.Array], dict[str, jax.Array]]


def transition_probe(network: Network) -> Probe:
    """Makes a probe of the observations in which transitions' actions were taken.

    Args:
      network: as `acme_moe.networks.make_network` returns it.

    Returns:
      The probe, for batches with fields `observation` and `action` as those of
      `acme_moe.learning.Transition`. The network's noise is on, as in training.
    """

    def probe(params: Any, key: jax.Array, batch: Any) -> tuple[jax.Array, ValueOutput]:
        output = network.apply(params, key, batch.observation)
        # Not `losses.index_by_action`: then reading a run's settings would import rlax.
        actions = jnp.asarray(batch.action)[:, None]
        return jnp.take_along_axis(output.q_values, actions, axis=1)[:, 0], output

    return probe


def make_measure(
    probe: Probe, loss: Loss, config: DiagnosticsConfig, *, batch_size: int
) -> Measure:
    """Makes the diagnostics of one agent.

    Args:
      probe: applies the agent's network to a batch.
      loss: the loss that the agent minimises.
      config: definitions and thresholds.
      batch_size: number of items that are measured, the last ones of a given batch.

    Returns:
      A function to jit, of parameters, target parameters, a key for the noise, a
      batch of at least `batch_size` items and the items' probabilities. It returns
      float32 scalars. With the definitions `published`:
        `feature_norm`, `feature_rank`: see `feature_norm`, `effective_rank`.
        `ntk_rank`: `numerical_rank` of `empirical_ntk` of the values of the actions.
        `dormant_share`, `dormant_share_penultimate`: of the neurons of all layers with
          a ReLU, and of the dense layer or the experts.
      with the definitions `authors`, each after `authors_`:
        those of `hidden_statistics`, of the dense layer or the experts, with one draw
          of the network's noise for all items;
        those of `kernel_statistics`, of the unweighted losses of single items;
        those of `value_statistics`.
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
        probe_key, figure_key, loss_key = jax.random.split(key, 3)
        _, output = probe(params, probe_key, batch)
        if config.definitions == "published":
            results = _published(probe, config, params, figure_key, batch, output)
        else:
            results = _authors(
                *(probe, loss, config, params, target_params),
                *(figure_key, batch, probabilities),
            )
        if output.moe is not None:
            gradients, _ = jax.grad(loss, has_aux=True)(
                params, target_params, loss_key, batch, probabilities
            )
            results |= router_statistics(output.moe) | gradient_norms(gradients)
        return jax.tree.map(lambda x: x.astype(jnp.float32), results)

    return measure


def _published(
    probe: Probe,
    config: DiagnosticsConfig,
    params: Any,
    key: jax.Array,
    batch: Any,
    output: ValueOutput,
) -> dict[str, jax.Array]:
    """Computes figure 10's measures as defined by the papers that introduced them."""

    def value(params: Any, example: Any) -> jax.Array:
        key, item = example
        values, _ = probe(params, key, _batch_of_one(item))
        return values[0]

    keys = jax.random.split(key, output.q_values.shape[0])
    kernel = empirical_ntk(
        value, params, (keys, batch), max_bytes=config.gradient_megabytes * 2**20
    )
    layers, tau = neuron_layers(output), config.dormant_tau
    return {
        "feature_norm": feature_norm(output.features),
        "feature_rank": effective_rank(output.features),
        "ntk_rank": numerical_rank(kernel, config.rank_threshold),
        "dormant_share": dormant_share(layers.values(), tau),
        "dormant_share_penultimate": dormant_share([layers["penultimate"]], tau),
    }


def _authors(
    probe: Probe,
    loss: Loss,
    config: DiagnosticsConfig,
    params: Any,
    target_params: Any,
    key: jax.Array,
    batch: Any,
    probabilities: jax.Array,
) -> dict[str, jax.Array]:
    """Computes figure 10's measures as the MoE paper's code does."""
    probe_key, ntk_key = jax.random.split(key)

    def look(item: Any) -> tuple[jax.Array, jax.Array]:
        # One key for all items, so that the variance is that of the observations and
        # not that of the noise.
        _, output = probe(params, probe_key, _batch_of_one(item))
        return output.activations["penultimate"][0], output.q_values[0]

    def item_loss(params: Any, example: Any) -> jax.Array:
        key, item, probability = example
        _, output = loss(
            params, target_params, key, _batch_of_one(item), probability[None]
        )
        return output.losses[0]

    hidden, q_values = jax.vmap(look)(batch)
    keys = jax.random.split(ntk_key, probabilities.shape[0])
    examples = (keys, batch, probabilities)
    losses = jax.vmap(item_loss, in_axes=(None, 0))(params, examples)
    kernel = empirical_ntk(
        item_loss, params, examples, max_bytes=config.gradient_megabytes * 2**20
    )
    results = {
        **authors.hidden_statistics(hidden),
        **authors.kernel_statistics(kernel),
        **authors.value_statistics(params, losses, q_values),
    }
    return {f"authors_{name}": value for name, value in results.items()}


def _batch_of_one(item: Any) -> Any:
    """Makes a batch of one item: a nest of `[...]` becomes one of `[1, ...]`."""
    return jax.tree.map(lambda x: x[None], item)
