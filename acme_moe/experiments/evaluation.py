"""Evaluation episodes: whole games, played by the evaluation policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import acme
import dm_env
from acme import core
from acme.utils import loggers, observers


@dataclasses.dataclass(frozen=True)
class EpisodeResult:
    """One episode.

    Attributes:
      episode_return: undiscounted, of unclipped rewards.
      episode_length: in agent steps.
    """

    episode_return: float
    episode_length: int


def evaluate(
    environment: dm_env.Environment,
    actor: core.Actor,
    episodes: int,
    *,
    watchers: Sequence[observers.EnvLoopObserver] = (),
    on_start: Callable[[int], None] = lambda _: None,
) -> list[EpisodeResult]:
    """Plays episodes with the parameters that the actor's source has now.

    Args:
      environment: to play in.
      actor: with the evaluation policy.
      episodes: how many.
      watchers: called at each step; one that raises breaks the evaluation off.
      on_start: called with the number, from 1, of each episode that starts.

    Returns:
      A result an episode.
    """
    actor.update(wait=True)
    loop = acme.EnvironmentLoop(
        environment,
        actor,
        logger=loggers.NoOpLogger(),
        should_update=False,
        observers=watchers,
    )
    results = []
    for episode in range(1, episodes + 1):
        on_start(episode)
        result = loop.run_episode()
        results.append(
            EpisodeResult(float(result["episode_return"]), result["episode_length"])
        )
    return results
