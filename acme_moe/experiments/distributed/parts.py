"""What the nodes that work have in common."""

from __future__ import annotations

import jax
import numpy as np
from acme import specs
from acme.wrappers import ObservationActionRewardWrapper

from acme_moe import agents
from acme_moe.agents.config import AgentConfig
from acme_moe.environments import AtariEnvironment
from acme_moe.experiments.config import AnyExperiment, Experiment
from acme_moe.experiments.environments import make_environment

# One for each kind of node, so that no two draw the same numbers.
REPLAY, LEARNER, EVALUATOR, ACTOR = range(4)


class Parts:
    """Builder, network and seeds of one node."""

    def __init__(
        self, experiment: AnyExperiment, *, epsilon: float | None = None
    ) -> None:
        """Makes them from the settings.

        Args:
          experiment: the settings.
          epsilon: the actor's own final exploration, where it has one.
        """
        agent: AgentConfig = experiment.agent
        if epsilon is not None:
            assert isinstance(experiment, Experiment)
            agent = experiment.agent.with_epsilon(epsilon)
        self.experiment = experiment
        self.builder = agents.load_builder(experiment.run.agent, agent)
        environment = self.environment(0)
        self.spec = specs.make_environment_spec(environment)
        environment.close()
        self.network = self.builder.make_network(self.spec)

    def environment(
        self, seed: int, *, evaluation: bool = False
    ) -> AtariEnvironment | ObservationActionRewardWrapper:
        """One environment of the run."""
        return make_environment(self.experiment, seed, evaluation=evaluation)

    def seeds(
        self, kind: int, number: int, position: int, started: int, count: int = 0
    ) -> tuple[jax.Array, list[int]]:
        """A random key, and `count` seeds of environments.

        A node that starts again is not to see what it has seen before.

        Args:
          kind: of node.
          number: of the node within its kind.
          position: of the run when the node started.
          started: how often it was started before.
          count: how many seeds.
        """
        entropy = [self.experiment.run.seed, position, kind, number, started]
        state = np.random.SeedSequence(entropy).generate_state(1 + count) >> 1
        return jax.random.PRNGKey(int(state[0])), [int(x) for x in state[1:]]
