"""An agent on bsuite's Catch, as the checks of it play and train it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import reverb
from acme.utils import counting, loggers

from acme_moe import learning, replay
from acme_moe.agents.config import AgentConfig, OnlineAgentConfig
from acme_moe.agents.dqn import DQNBuilder, DQNConfig
from acme_moe.environments.bsuite_suite import BsuiteConfig
from acme_moe.environments.vector import SequentialEnvironments
from acme_moe.networks import NetworkConfig
from acme_moe.networks import parts as network_parts
from acme_moe.runs.assembly import Parts, environment_maker
from acme_moe.runs.episodes import VectorEnvironmentLoop
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import RunSpec


class Batches:
    """Batches of a source, or one held batch over and over.

    Attributes:
      held: the batch to repeat; None to take those of the source.
    """

    def __init__(self, source: Iterator[learning.Sample]) -> None:
        """Takes the source."""
        self._source = source
        self.held: learning.Sample | None = None

    def __iter__(self) -> Iterator[learning.Sample]:
        return self

    def __next__(self) -> learning.Sample:
        return next(self._source) if self.held is None else self.held


class Session:
    """The parts of a run in one process, made one after the other.

    An agent that learns from fixed data is given what a DQN writes to replay.

    Attributes:
      spec: the run.
      parts: parts of the run.
      batches: the batches that learners take.
      learner: the agent's learner.
      loop: steps the environment.
      actor: acts in the environment.
      logger: has what the learners have logged.
    """

    batches: Batches
    learner: Any
    loop: VectorEnvironmentLoop
    actor: Any

    def __init__(
        self, spec: RunSpec, builder: Any, stack: contextlib.ExitStack
    ) -> None:
        """Makes the network; nothing is played yet.

        Args:
          spec: the run.
          builder: builder of its agent.
          stack: closes everything.
        """
        self.spec = spec
        self.parts = Parts(spec, builder)
        self._stack = stack
        self._online = isinstance(spec.agent, OnlineAgentConfig)
        self._client: reverb.Client | None = None
        self.logger = loggers.InMemoryLogger()

    def connect(self) -> None:
        """Makes replay, the learner and the actor."""
        parts = self.parts
        player, network = parts.builder, parts.network
        if not self._online:
            player = DQNBuilder(_player(self.spec.agent))
            network = player.make_network(parts.environment_spec)
        tables = player.make_replay_tables(parts.environment_spec)
        server, self._client = replay.start_server(tables)
        self._stack.callback(server.stop)
        self.batches = Batches(player.make_dataset_iterator(self._client))
        self.learner = self.make_learner(seed=0)
        source = self.learner
        if not self._online:
            source = self._make_learner(player, network, seed=0)
        self.actor = player.make_vector_actor(
            jax.random.PRNGKey(1),
            player.make_policy(network, parts.environment_spec),
            parts.environment_spec,
            source,
            [player.make_adder(self._client, parts.environment_spec)],
        )
        self._stack.callback(self.actor.close)
        environments = SequentialEnvironments(environment_maker(self.spec), [0])
        self.loop = VectorEnvironmentLoop(environments, self.actor)

    def stored(self) -> int:
        """Returns the number of items in replay."""
        assert self._client is not None
        self.actor.flush()
        return sum(x.current_size for x in self._client.server_info().values())

    def make_learner(self, seed: int) -> Any:
        """Makes another learner of the same batches."""
        return self._make_learner(self.parts.builder, self.parts.network, seed)

    def _make_learner(self, builder: Any, network: Any, seed: int) -> Any:
        learner = builder.make_learner(
            jax.random.PRNGKey(seed),
            network,
            self.batches,
            lambda *_: self.logger,
            self.parts.environment_spec,
            self._client if self._online else None,
            counting.Counter(),
        )
        self._stack.callback(learner.close)
        return learner


def on_catch(spec: RunSpec) -> RunSpec:
    """Returns a run of the same agent in one Catch, with a short warm-up."""
    image = not network_parts.takes_vectors(spec.agent.network.encoder)
    run = dataclasses.replace(
        spec.run, game="Catch", environment=BsuiteConfig(catch_image=image)
    )
    agent = spec.agent
    if isinstance(agent, OnlineAgentConfig):
        assert isinstance(run, OnlineRunConfig)
        run = dataclasses.replace(run, num_environments=1)
        size = max(agent.steps_to_first_item, agent.batch_size)
        agent = dataclasses.replace(
            agent, min_replay_size=size, max_replay_size=100 * size
        )
    return dataclasses.replace(spec, run=run, agent=agent)


def _player(settings: AgentConfig) -> DQNConfig:
    """Returns a DQN whose items are those that an offline agent learns from."""
    shared = ("batch_size", "sgd_steps_per_call", "n_step", "discount")
    return DQNConfig(
        network=NetworkConfig(
            encoder="mlp", tokenizer="per_samp", moe="none", expert_width=8
        ),
        max_abs_reward=settings.max_abs_reward,
        min_replay_size=settings.n_step,
        **{name: getattr(settings, name) for name in shared},
    )
