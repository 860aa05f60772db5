"""Gradient steps from the reference's parameters, taken by this library's builders.

Objective, optimiser and update are those that a builder gives its learner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from acme import specs

from acme_moe import learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.dqn import DQNBuilder, DQNConfig
from acme_moe.agents.rainbow import RainbowBuilder, RainbowConfig
from acme_moe.networks import NetworkConfig
from tests.reference_networks import (
    Arrays,
    Params,
    network_config,
    network_params,
    require_same_shapes,
    under,
)


class Steps(NamedTuple):
    """What some steps gave.

    Attributes:
      losses: `[steps]`, each before its step.
      priorities: `[steps, B]`.
      params: after the last step.
    """

    losses: np.ndarray
    priorities: np.ndarray
    params: Params


def take_steps(
    case: Mapping[str, Any],
    arrays: Arrays,
    batches: Sequence[Arrays],
    target_update_period: int,
) -> Steps:
    """Takes a step on each batch.

    Args:
      case: a case of kind `train_step`.
      arrays: `params/...` and `target_params/...` to start from.
      batches: `states`, `actions`, `next_states`, `rewards`, `terminals`, and
        `loss_weights` where replay is prioritised.
      target_update_period: steps between two copies to the target network.
    """
    network_settings = network_config(case, arrays)
    scale = largest_weight(batches)
    builder = make_builder(case, network_settings, target_update_period, scale)
    image = specs.Array(batches[0]["states"].shape[1:], np.uint8)
    scalar = specs.Array((), np.float32)
    environment_spec = specs.EnvironmentSpec(
        image, specs.DiscreteArray(case["num_actions"]), scalar, scalar
    )
    network = builder.make_network(environment_spec)
    params, target_params = (
        network_params(network_settings, under(arrays, prefix))
        for prefix in ("params", "target_params")
    )
    require_same_shapes(params, network.init, np.zeros((1, *image.shape), np.uint8))
    state = learning.init_training_state(
        jax.device_put(params), builder.make_optimizer(), jax.random.PRNGKey(0)
    )
    state = state._replace(target_params=jax.device_put(target_params))
    update = builder.make_update(network, environment_spec)
    # Replay's transitions hold all discounts but the agent's last.
    further = case["cumulative_discount"] / builder.config.discount
    losses, all_priorities = [], []
    for batch in batches:
        transitions, probabilities = as_sampled(batch, further)
        state, priorities, metrics = update(state, transitions, probabilities)
        losses.append(scale * metrics["loss"])
        all_priorities.append(priorities)
    return Steps(np.array(losses), np.array(all_priorities), state.params)


def make_builder(
    case: Mapping[str, Any],
    network: NetworkConfig,
    target_update_period: int,
    scale: float,
) -> OnlineBuilder:
    """The case's agent, with what it says and our own settings for everything else.

    Our objective divides the weights by their largest. Where the case's largest is
    `scale`, its loss and gradients are `scale` times ours, and Adam takes the same
    steps on ours with `1 / scale` times the epsilon.
    """
    settings = {
        "network": network,
        "learning_rate": case["learning_rate"],
        "adam_epsilon": case["adam_epsilon"] / scale,
        # So that the target's period, in agent steps, is one in updates too.
        "replay_ratio": 1.0,
        "target_update_period": target_update_period,
    }
    if case["agent"] == "dqn":
        return DQNBuilder(DQNConfig(double=case.get("double", False), **settings))
    if case["agent"] != "rainbow":
        raise ValueError(f"agent: {case['agent']!r} is not accepted; dqn or rainbow")
    if not case.get("double", True):
        raise ValueError("double: False is not accepted; True, as our Rainbow is")
    return RainbowBuilder(RainbowConfig(**settings))


def largest_weight(batches: Sequence[Arrays]) -> float:
    """The largest loss weight, which has to be that of every batch; 1 without any."""
    largest = {float(np.max(batch.get("loss_weights", 1.0))) for batch in batches}
    if len(largest) > 1:
        raise ValueError(
            f"loss_weights: largest {sorted(largest)} are not accepted; the same in "
            "every batch"
        )
    return largest.pop()


def as_sampled(batch: Arrays, discount: float) -> tuple[learning.Transition, Any]:
    """A batch as replay gives it: transitions, and what each was drawn with.

    Args:
      batch: the reference's arrays.
      discount: of transitions that are not the last of their episode.
    """
    weights = batch.get("loss_weights", np.ones(len(batch["actions"]), np.float32))
    transitions = learning.Transition(
        observation=batch["states"],
        action=batch["actions"].astype(np.int32),
        reward=batch["rewards"],
        discount=(discount * (1.0 - batch["terminals"])).astype(np.float32),
        next_observation=batch["next_states"],
    )
    # The objective makes its weights of them: 1 / sqrt(p), over the largest.
    return transitions, 1.0 / np.square(weights)
