"""Games that agents play: in training, a round at a time, and in evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dm_env
import numpy as np
from acme import core

from acme_moe.agents.vector_actor import VectorActor
from acme_moe.environments.vector import VectorEnvironment


class EpisodeResult(NamedTuple):
    """One episode.

    Attributes:
      episode_return: undiscounted, of unclipped rewards.
      episode_length: number of agent steps.
    """

    episode_return: float
    episode_length: int


class VectorEnvironmentLoop:
    """Acts in one or several environments, a round at a time."""

    def __init__(self, environments: VectorEnvironment, actor: VectorActor) -> None:
        """Starts no episode yet.

        Args:
          environments: environments to act in.
          actor: an actor with a policy state and an adder for each.
        """
        self._environments = environments
        self._actor = actor
        # To act on next; None before the first episode.
        self._timesteps: list[dm_env.TimeStep | None] = [None] * len(environments)
        self._actions: np.ndarray | None = None
        # Games under way, across lost lives: return and length so far.
        self._games = [EpisodeResult(0.0, 0)] * len(environments)

    def select(self) -> None:
        """Selects actions with the actor's present parameters, and starts the step.

        Whatever is dispatched to the device afterwards does not delay the policy, and
        environments in other processes step while it runs.
        """
        if self._actions is not None:
            return
        self._actions = self._actor.select_actions(self._observations())
        self._environments.start_step(self._actions)

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
        for i, timestep in enumerate(self._environments.finish_step()):
            self._timesteps[i] = timestep
            self._actor.observe(i, actions[i], timestep)
            episode_return, length = self._games[i]
            game = EpisodeResult(episode_return + float(timestep.reward), length + 1)
            if timestep.last() and self._environments.game_over(i):
                ended.append(game)
                game = EpisodeResult(0.0, 0)
            self._games[i] = game
        return ended

    def state(self) -> dict[str, Any]:
        """Returns the games under way, as plain values."""
        return {"games": self._games}

    def restore(
        self,
        state: Mapping[str, Any],
        timesteps: Sequence[dm_env.TimeStep | None],
        actions: np.ndarray | None,
    ) -> None:
        """Goes on where a run had come to.

        Args:
          state: as `state` returned it.
          timesteps: latest step of each environment.
          actions: actions of the step that is under way; None if there is none.
        """
        self._games = [EpisodeResult(*game) for game in state["games"]]
        self._timesteps = list(timesteps)
        self._actions = actions

    def _observations(self) -> list[Any]:
        """Starts an episode wherever one is due; returns the observations to act on."""
        starting = [i for i, t in enumerate(self._timesteps) if t is None or t.last()]
        if starting:
            timesteps = self._environments.reset(starting)
            for i, timestep in zip(starting, timesteps, strict=True):
                self._timesteps[i] = timestep
                self._actor.observe_first(i, timestep)
        return [timestep.observation for timestep in self._timesteps if timestep]


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
      environment: environment to play in.
      actor: an actor with the evaluation policy.
      episodes: how many.
      check: called at each step; may raise to break off the evaluation.
      on_start: called with the number, from 1, of each episode that starts.

    Returns:
      One result per episode.
    """
    actor.update(wait=True)
    results = []
    for episode in range(1, episodes + 1):
        on_start(episode)
        timestep = environment.reset()
        actor.observe_first(timestep)
        check()
        episode_return, length = 0.0, 0
        while not timestep.last():
            action = actor.select_action(timestep.observation)
            timestep = environment.step(action)
            actor.observe(action, next_timestep=timestep)
            check()
            episode_return += float(timestep.reward)
            length += 1
        results.append(EpisodeResult(episode_return, length))
    return results
