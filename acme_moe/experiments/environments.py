"""The environments of a run."""

from __future__ import annotations

import dataclasses

from acme.wrappers import ObservationActionRewardWrapper

from acme_moe.environments import AtariEnvironment
from acme_moe.experiments.config import AnyExperiment


def make_environment(
    experiment: AnyExperiment, seed: int, *, evaluation: bool = False
) -> AtariEnvironment | ObservationActionRewardWrapper:
    """An environment to train in, or to evaluate in.

    Args:
      experiment: whose game it is, and whose agent may want to see the action and the
        reward before each observation.
      seed: of the emulator.
      evaluation: what it is for. Evaluation has the same settings, but its episodes
        always last for a whole game.
    """
    config = experiment.run.environment
    if evaluation:
        config = dataclasses.replace(config, terminal_on_life_loss=False)
    environment = AtariEnvironment(experiment.run.game, seed, config)
    if experiment.agent.wants_action_and_reward:
        return ObservationActionRewardWrapper(environment)
    return environment
