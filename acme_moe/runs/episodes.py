"""Games that agents play: in training, a round at a time, and in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import acme
import dm_env
import numpy as np
from acme import core
from acme.utils import loggers, observers

from acme_moe.agents.vector_actor import VectorActor


class EpisodeResult(NamedTuple):
    """One episode.

    Attributes:
      episode_return: undiscounted, of unclipped rewards.
      episode_length: in agent steps.
    """

    episode_return: float
    episode_length: int


class Rounds:
    """Acts in one or several environments, a round at a time."""

    def __init__(
        self, environments: Sequence[dm_env.Environment], actor: VectorActor
    ) -> None:
        """Starts no episode yet.

        Args:
          environments: to act in; where one has `game_over`, an episode that ends
            without it goes on in the next, as after a lost life.
          actor: with a policy state and an adder for each.
        """
        self._environments = environments
        self._actor = actor
        self._timesteps: list[dm_env.TimeStep | None] = [None] * len(environments)
        self._actions: np.ndarray | None = None
        # Games under way, across lost lives: return and length so far.
        self._games = [EpisodeResult(0.0, 0)] * len(environments)

    def select(self) -> None:
        """Selects the next step's actions now, with the parameters that the actor has.

        What is dispatched to the device after it does not keep the step waiting.
        """
        if self._actions is not None:
            return
        observations = []
        for i, environment in enumerate(self._environments):
            timestep = self._timesteps[i]
            if timestep is None or timestep.last():
                timestep = environment.reset()
                self._actor.observe_first(i, timestep)
            observations.append(timestep.observation)
        self._actions = self._actor.select_actions(observations)

    def step(self) -> list[EpisodeResult]:
        """Takes one step in each environment, with one call of the policy.

        The actions are those of `select` if it was called before, selected now if not.

        Returns:
          The games that ended with it; a lost life ends none.
        """
        self.select()
        actions, self._actions = self._actions, None
        assert actions is not None
        ended = []
        for i, environment in enumerate(self._environments):
            timestep = environment.step(actions[i])
            self._timesteps[i] = timestep
            self._actor.observe(i, actions[i], timestep)
            episode_return, length = self._games[i]
            game = EpisodeResult(episode_return + float(timestep.reward), length + 1)
            if timestep.last() and getattr(environment, "game_over", True):
                ended.append(game)
                game = EpisodeResult(0.0, 0)
            self._games[i] = game
        return ended


def evaluate(
    environment: dm_env.Environment,
    actor: core.Actor,
    episodes: int,
    *,
    check: Callable[[], None] = lambda: None,
    on_start: Callable[[int], None] = lambda _: None,
) -> list[EpisodeResult]:
    """Plays episodes with the parameters that the actor's source has now.

    Args:
      environment: to play in.
      actor: with the evaluation policy.
      episodes: how many.
      check: called at each step; if it raises, the evaluation is broken off.
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
        observers=[_AtEachStep(check)],
    )
    results = []
    for episode in range(1, episodes + 1):
        on_start(episode)
        result = loop.run_episode()
        results.append(
            EpisodeResult(float(result["episode_return"]), result["episode_length"])
        )
    return results


class _AtEachStep(observers.EnvLoopObserver):
    """Calls a function at each step."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function

    def observe_first(self, env: dm_env.Environment, timestep: dm_env.TimeStep) -> None:
        """Calls it at an episode's start."""
        del env, timestep
        self._function()

    def observe(
        self, env: dm_env.Environment, timestep: dm_env.TimeStep, action: Any
    ) -> None:
        """Calls it after a step."""
        del env, timestep, action
        self._function()

    def get_metrics(self) -> Mapping[str, Any]:
        """Returns no metrics."""
        return {}
