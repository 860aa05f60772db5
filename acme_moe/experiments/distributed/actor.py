"""The node that acts."""

from __future__ import annotations

import time

from acme_moe.experiments.acting import Acting
from acme_moe.experiments.config import Experiment
from acme_moe.experiments.distributed import parts as parts_lib
from acme_moe.experiments.distributed.rpc import Remote, RemoteVariables
from acme_moe.experiments.distributed.settings import DistributedConfig
from acme_moe.experiments.distributed.state import Phase

# Seconds between two questions of an actor that has to wait for the learner.
_ASK_AGAIN = 0.01
# And of one that has nothing left to do.
_ASK_IF_OVER = 0.2


class ActorNode:
    """Plays as many steps as the coordinator gives it, and writes them to replay."""

    def __init__(
        self,
        experiment: Experiment,
        config: DistributedConfig,
        number: int,
        coordinator: Remote,
        learner: Remote,
        replay_client: object,
    ) -> None:
        """Waits until the learner has parameters.

        Args:
          experiment: the settings.
          config: of the distribution.
          number: of this actor, from 0.
          coordinator: the node that counts.
          learner: the node with the parameters.
          replay_client: of the server that this actor writes to.
        """
        self._number = number
        self._coordinator = coordinator
        self._period = config.parameter_period
        self._num_environments = experiment.run.num_environments
        entered = coordinator.enter(f"actor_{number}")
        coordinator.actor_enters(number)
        parts = parts_lib.Parts(experiment, epsilon=config.epsilon(number))
        key, seeds = parts.seeds(
            parts_lib.ACTOR, number, **entered, count=self._num_environments
        )
        self._variables = RemoteVariables(learner)
        self._actor = parts.builder.make_vector_actor(
            key,
            parts.builder.make_policy(parts.network, parts.spec),
            self._variables,
            [parts.builder.make_adder(replay_client, parts.spec) for _ in seeds],
        )
        self._acting = Acting([parts.environment(seed) for seed in seeds], self._actor)

    def run(self) -> None:
        """Acts to the end of the run."""
        rounds = sequence = taken = 0
        episodes: list[tuple[float, int]] = []
        while True:
            sequence += 1
            lease = self._coordinator.act(
                self._number, sequence, taken, episodes, self._variables.age
            )
            taken, episodes = 0, []
            if lease < 0:
                break
            if lease == 0:
                time.sleep(_ASK_AGAIN)
            while taken < lease:
                games = self._acting.step()
                taken += self._num_environments
                episodes += [
                    (game.episode_return, game.episode_length) for game in games
                ]
                rounds += 1
                if rounds % self._period == 0:
                    self._actor.update()
        self._actor.close()
        # No node ends before the run: a process that is gone is a fault.
        while self._coordinator.phase() != Phase.ENDED.value:
            time.sleep(_ASK_IF_OVER)
        self._coordinator.leave(f"actor_{self._number}")
