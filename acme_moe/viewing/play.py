"""Lets the agent of a checkpoint play, and shows what it sees in each observation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from acme_moe.networks import MoEOutput
from acme_moe.networks.token_grid import NoTokenGridError
from acme_moe.runs.assembly import check_renders
from acme_moe.runs.trained import TrainedAgent


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision of an agent.

    Attributes:
      screen: `uint8 [height, width, 3]`, what the environment renders.
      action: what the agent does.
      action_names: names of all actions.
      q_values: `float32 [actions]`.
      dispatch: `float32 [rows, columns, experts]`, the dispatch weights of the tokens
        at their places, summed over the slots of each expert; None where there is no
        mixture, or its tokens are no places (`agent.token_grid()` says why).
      moe: the kind of mixture, a value of `NetworkConfig.moe`.
      episode_return: sum of the unclipped rewards so far.
    """

    screen: np.ndarray
    action: int
    action_names: Sequence[str]
    q_values: np.ndarray
    dispatch: np.ndarray | None
    moe: str
    episode_return: float


def play(
    agent: TrainedAgent,
    *,
    episodes: int = 1,
    max_steps: int | None = None,
    seed: int = 0,
) -> Iterator[Decision]:
    """Plays whole games with the evaluation policy.

    Args:
      agent: who plays.
      episodes: how many.
      max_steps: agent steps after which playing ends, in all episodes together.
      seed: seed of the environment.

    Raises:
      UnplayableError: if the environment cannot be made, or does not render.

    Yields:
      Each decision, before what comes of it.
    """
    try:
        grid = agent.token_grid()
    except NoTokenGridError:
        grid = None
    environment: Any = agent.make_environment(seed)
    try:
        check_renders(environment, agent.spec)
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
                    dispatch=_at_places(grid, choice.routing),
                    moe=agent.network.config.moe,
                    episode_return=total,
                )
                timestep = environment.step(choice.action)
                total += float(timestep.reward)
                steps += 1
    finally:
        environment.close()


def _at_places(
    grid: tuple[int, int] | None, routing: MoEOutput | None
) -> np.ndarray | None:
    """Returns dispatch weights `[rows, columns, experts]`, if there are any."""
    if grid is None or routing is None:
        return None
    return np.asarray(routing.dispatch_weights).sum(axis=-1).reshape(*grid, -1)
