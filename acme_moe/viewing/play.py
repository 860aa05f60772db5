"""Lets the agent of a checkpoint play, and shows what it sees in each observation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from acme_moe.networks import MoEOutput, NetworkConfig
from acme_moe.runs.assembly import check_renders
from acme_moe.runs.checkpoints import Checkpoint
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.trained import TrainedAgent

# Tokenizers whose tokens are places of the observation.
_PLACES = ("per_conv", "patches_conv", "patches_pool")


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision of an agent.

    Attributes:
      screen: `uint8 [height, width, 3]`, what the environment renders.
      action: what the agent does.
      action_names: of all actions.
      q_values: `float32 [actions]`.
      dispatch: `float32 [rows, columns, experts]`, the dispatch weights of the tokens
        at their places, summed over the slots of each expert; None where there is no
        mixture, or its tokens are no places.
      moe: the kind of mixture, a value of `NetworkConfig.moe`.
      episode_return: so far, of unclipped rewards.
    """

    screen: np.ndarray
    action: int
    action_names: Sequence[str]
    q_values: np.ndarray
    dispatch: np.ndarray | None
    moe: str
    episode_return: float


def play(
    run_spec: RunSpec,
    checkpoint: Checkpoint,
    *,
    episodes: int = 1,
    max_steps: int | None = None,
    seed: int = 0,
) -> Iterator[Decision]:
    """Plays whole games with the evaluation policy.

    Args:
      run_spec: the run.
      checkpoint: of the run.
      episodes: how many.
      max_steps: agent steps after which playing ends, in all episodes together.
      seed: of the environment and of the policy.

    Raises:
      UnplayableError: if the environment cannot be made, or does not render.

    Yields:
      Each decision, before what comes of it.
    """
    agent = TrainedAgent(run_spec, checkpoint, seed=seed)
    environment: Any = agent.make_environment(seed)
    config = agent.network.config
    try:
        check_renders(environment, run_spec)
        names = getattr(environment, "action_names", None) or [
            str(action) for action in range(environment.action_spec().num_values)
        ]
        steps = 0
        for _ in range(episodes):
            timestep, total = environment.reset(), 0.0
            agent.reset()
            while not timestep.last():
                if steps == max_steps:
                    return
                choice = agent.choose(timestep.observation)
                yield Decision(
                    screen=environment.render(),
                    action=choice.action,
                    action_names=names,
                    q_values=choice.q_values,
                    dispatch=_at_places(config, choice.routing),
                    moe=config.moe,
                    episode_return=total,
                )
                timestep = environment.step(choice.action)
                total += float(timestep.reward)
                steps += 1
    finally:
        environment.close()


def _at_places(config: NetworkConfig, routing: MoEOutput | None) -> np.ndarray | None:
    """Returns dispatch weights `[rows, columns, experts]`, if there are any."""
    images = config.encoder != "mlp" and config.variant == "regular"
    if routing is None or not images or config.tokenizer not in _PLACES:
        return None
    weights = np.asarray(routing.dispatch_weights).sum(axis=-1)
    side = math.isqrt(weights.shape[0])
    if side**2 != weights.shape[0]:
        return None  # Of what is not square the tokens' places are not known.
    return weights.reshape(side, side, -1)
