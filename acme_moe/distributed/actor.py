"""The node that acts."""

from __future__ import annotations

import dataclasses
import time

import jax
import reverb

from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.nodes import Remote, RemoteVariables
from acme_moe.distributed.registration import Kind, register
from acme_moe.distributed.status import Phase
from acme_moe.distributed.waits import Seconds
from acme_moe.environments.parallel import make_vector_environment
from acme_moe.runs.assembly import Parts, environment_maker
from acme_moe.runs.episodes import EpisodeResult, VectorEnvironmentLoop
from acme_moe.runs.spec import OnlineRunSpec


class ActorNode:
    """Takes the steps that the coordinator grants, and writes them to replay."""

    def __init__(
        self,
        coordinator: Remote,
        learner: Remote,
        replay_client: reverb.Client,
        spec: OnlineRunSpec,
        config: DistributedConfig,
        number: int,
    ) -> None:
        """Waits until the learner has parameters.

        Args:
          coordinator: client of the coordinator.
          learner: client of the learner, which has the parameters.
          replay_client: client of the server that this actor writes to.
          spec: the run.
          config: settings of the distributed run.
          number: number of this actor, from 0.
        """
        self._number = number
        self._coordinator = coordinator
        self._period = config.parameter_period
        self._num_environments = spec.run.num_environments
        policy_seed, *environment_seeds = register(
            coordinator,
            f"actor_{number}",
            spec,
            Kind.ACTOR,
            number,
            count=1 + self._num_environments,
        )
        coordinator.actor_enters(number)
        epsilon = config.epsilon(number)
        if epsilon is not None:
            spec = dataclasses.replace(spec, agent=spec.agent.with_epsilon(epsilon))
        parts = Parts(spec)
        builder, environment_spec = parts.builder, parts.environment_spec
        self._variables = RemoteVariables(learner)
        self._actor = builder.make_vector_actor(
            jax.random.PRNGKey(policy_seed),
            builder.make_policy(parts.network, environment_spec),
            environment_spec,
            self._variables,
            [
                builder.make_adder(replay_client, environment_spec)
                for _ in environment_seeds
            ],
        )
        self._environments = make_vector_environment(
            environment_maker(spec),
            environment_seeds,
            environment_spec,
            # The actors share the cores already.
            spec.run.environment_processes or 1,
        )
        self._loop = VectorEnvironmentLoop(self._environments, self._actor)

    def run(self) -> None:
        """Acts to the end of the run."""
        rounds = report = taken = 0
        episodes: list[EpisodeResult] = []
        while True:
            report += 1
            grant = self._coordinator.act(
                self._number, report, taken, episodes, self._variables.age
            )
            taken, episodes = 0, []
            if grant.over:
                break
            if not grant.agent_steps:
                time.sleep(Seconds.ACTOR_ASKS_AGAIN)
            while taken < grant.agent_steps:
                episodes += self._loop.step()
                taken += self._num_environments
                rounds += 1
                if rounds % self._period == 0:
                    self._actor.update()
        self._actor.close()
        self._environments.close()
        # No node ends before the run does: a process that ends earlier is a fault.
        while self._coordinator.phase() != Phase.ENDED:
            time.sleep(Seconds.ASK_WHETHER_OVER)
        self._coordinator.leave(f"actor_{self._number}")
