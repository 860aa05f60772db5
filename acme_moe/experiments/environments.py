"""The environments of a run."""

from __future__ import annotations

import dm_env
import numpy as np
from acme.wrappers import EnvironmentWrapper, ObservationActionRewardWrapper

from acme_moe.environments import AtariEnvironment
from acme_moe.experiments.config import AnyExperiment


class WholeGames(EnvironmentWrapper):
    """Plays whole games as episodes where an `AtariEnvironment` ends one with a life.

    After a lost life the agent still sees what it sees in training, the first
    observation of the next life with all earlier frames blank, as in the reference's
    evaluation. The rewards are those of the game.
    """

    def step(self, action: int | np.integer | np.ndarray) -> dm_env.TimeStep:
        """Takes a step, and goes on with the next life where one was lost."""
        timestep = self._environment.step(action)
        if not timestep.last() or self._environment.game_over:
            return timestep
        return dm_env.TimeStep(
            dm_env.StepType.MID,
            timestep.reward,
            np.float32(1),
            self._environment.reset().observation,
        )


def make_environment(
    experiment: AnyExperiment, seed: int, *, evaluation: bool = False
) -> AtariEnvironment | EnvironmentWrapper:
    """An environment to train in, or to evaluate in.

    Args:
      experiment: whose game it is, and whose agent may want to see the action and the
        reward before each observation.
      seed: of the emulator.
      evaluation: what it is for. Evaluation has the same settings, but its episodes
        always last for a whole game. A recurrent agent's state lasts as long.
    """
    run = experiment.run
    environment = AtariEnvironment(run.game, seed, run.environment)
    if evaluation:
        environment = WholeGames(environment)
    if experiment.agent.wants_action_and_reward:
        return ObservationActionRewardWrapper(environment)
    return environment
