"""The items of R2D2: sequences."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from acme import specs
from acme.agents.jax import actor_core

from acme_moe import diagnostics, learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.items import Items
from acme_moe.agents.r2d2.config import R2D2Config
from acme_moe.networks import RecurrentNetwork


class Sequences(Items[R2D2Config, RecurrentNetwork]):
    """Overlapping sequences, for recurrent networks.

    Observations may be those of Acme's `ObservationActionRewardWrapper`, whose action
    and reward the recurrent core then sees, or any others.
    """

    table = "sequences"
    batch_type = learning.Sequences

    @property
    def steps_per_item(self) -> int:
        """The period of the sequences.

        An episode of T steps has `1 + max(0, ceil((T - trace_length) / period))`
        sequences. Each then stands for fewer steps than the period if the episode is
        short, and for more if it is neither short nor long.
        """
        return self._config.sequence_period

    def make_policy(
        self,
        network: RecurrentNetwork,
        epsilon: policies.EpsilonSchedule,
        *,
        evaluation: bool,
        prioritized: bool,
    ) -> actor_core.ActorCore:
        """Makes an epsilon-greedy policy with an epsilon for each episode."""
        del prioritized  # A new sequence has priority 1.
        config = self._config
        spread = np.geomspace(config.epsilon, config.max_epsilon, config.num_epsilons)
        return policies.epsilon_greedy(
            network,
            epsilon,
            evaluation=evaluation,
            episode_epsilons=(0.0,) if evaluation else spread.tolist(),
        )

    def make_probe(self, network: RecurrentNetwork) -> diagnostics.Probe:
        """Makes a probe of each sequence's last step, unrolled from its start."""
        return learning.recurrent_probe(
            network, burn_in_length=self._config.burn_in_length
        )

    def make_adder(
        self,
        replay_client: replay.ReplayClient,
        environment_spec: specs.EnvironmentSpec,
    ) -> replay.SequenceAdder:
        """Makes an adder of overlapping sequences."""
        return replay.SequenceAdder(
            replay_client,
            environment_spec,
            table=self.table,
            burn_in_length=self._config.burn_in_length,
            trace_length=self._config.trace_length,
            period=self._config.sequence_period,
            max_abs_reward=self._config.max_abs_reward,
        )

    def signature(
        self, environment_spec: specs.EnvironmentSpec, network: RecurrentNetwork
    ) -> learning.Sequences:
        """Returns the signature of a table of sequences."""
        batch = jax.eval_shape(lambda: network.initial_state(1))
        state = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batch
        )
        steps = self._config.burn_in_length + self._config.trace_length
        return replay.sequence_signature(environment_spec, state, steps)

    def decode(self, observation_spec: Any, batch: Any) -> learning.Sequences:
        """Stacks the sequences' frames."""
        observation = replay.decode_frame_sequences(observation_spec, batch.observation)
        return batch._replace(observation=observation)
