"""Lets the agent of a checkpoint play, and shows what it sees in each observation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from acme_moe.networks import MoEOutput, NetworkConfig
from acme_moe.runs.checkpoints import Checkpoint
from acme_moe.runs.spec import RunSpec
from acme_moe.runs.trained import TrainedAgent

# Tokenizers whose tokens are places of the observation.
_PLACES = ("per_conv", "patches_conv", "patches_pool")


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision of an agent.

    Attributes:
      screen: `uint8 [height, width, 3]`, the emulator's in colour.
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
      seed: of the emulator and of the policy.

    Yields:
      Each decision, before what comes of it.
    """
    agent = TrainedAgent(run_spec, checkpoint, seed=seed)
    environment = agent.make_environment(seed)
    config = agent.network.config
    try:
        steps = 0
        for _ in range(episodes):
            timestep = environment.reset()
            agent.reset()
            while not timestep.last():
                if steps == max_steps:
                    return
                choice = agent.choose(timestep.observation)
                yield Decision(
                    screen=environment.render(),
                    action=choice.action,
                    action_names=environment.action_names,
                    q_values=choice.q_values,
                    dispatch=_at_places(config, choice.routing),
                    moe=config.moe,
                    episode_return=environment.episode_return,
                )
                timestep = environment.step(choice.action)
                steps += 1
    finally:
        environment.close()


def _at_places(config: NetworkConfig, routing: MoEOutput | None) -> np.ndarray | None:
    """Returns dispatch weights `[rows, columns, experts]`, if there are any."""
    images = config.encoder != "mlp" and config.variant == "regular"
    if routing is None or not images or config.tokenizer not in _PLACES:
        return None
    weights = np.asarray(routing.dispatch_weights).sum(axis=-1)
    side = math.isqrt(weights.shape[0])  # Frames are square, and so are encodings.
    return weights.reshape(side, side, -1)
