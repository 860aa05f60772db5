"""Acting in one or several environments, a round at a time."""

from __future__ import annotations

from collections.abc import Sequence

import dm_env

from acme_moe.agents.vector_actor import VectorActor
from acme_moe.environments import AtariEnvironment
from acme_moe.experiments.evaluation import EpisodeResult


class Acting:
    """Environments and the actor that plays in all of them."""

    def __init__(
        self, environments: Sequence[AtariEnvironment], actor: VectorActor
    ) -> None:
        """Starts no episode yet.

        Args:
          environments: to act in.
          actor: with a policy state and an adder for each.
        """
        self._environments = environments
        self._actor = actor
        self._timesteps: list[dm_env.TimeStep | None] = [None] * len(environments)
        self._games = [_Game() for _ in environments]

    def step(self) -> list[EpisodeResult]:
        """Takes one step in each environment, with one call of the policy.

        Returns:
          The games that ended with it; a lost life ends none.
        """
        observations = []
        for i, environment in enumerate(self._environments):
            timestep = self._timesteps[i]
            if timestep is None or timestep.last():
                timestep = environment.reset()
                self._actor.observe_first(i, timestep)
            observations.append(timestep.observation)
        actions = self._actor.select_actions(observations)
        ended = []
        for i, environment in enumerate(self._environments):
            timestep = environment.step(actions[i])
            self._timesteps[i] = timestep
            self._actor.observe(i, actions[i], timestep)
            game = self._games[i]
            game.add(float(timestep.reward))
            if timestep.last() and environment.game_over:
                ended.append(game.result)
                self._games[i] = _Game()
        return ended


class _Game:
    """A training game under way, across lost lives."""

    def __init__(self) -> None:
        self._return = 0.0
        self._length = 0

    def add(self, reward: float) -> None:
        """Takes note of an agent step."""
        self._return += reward
        self._length += 1

    @property
    def result(self) -> EpisodeResult:
        """The game so far."""
        return EpisodeResult(self._return, self._length)
