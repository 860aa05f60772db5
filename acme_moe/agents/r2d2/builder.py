"""The Acme builder of R2D2."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import reverb
from acme import specs
from acme.agents.jax import actor_core

from acme_moe import diagnostics, learning, replay
from acme_moe.agents.online import OnlineAgentBuilder
from acme_moe.agents.r2d2.config import R2D2Config
from acme_moe.agents.r2d2.policy import recurrent_epsilon_greedy
from acme_moe.networks import RecurrentNetwork, make_recurrent_network


class R2D2Builder(OnlineAgentBuilder[R2D2Config, RecurrentNetwork]):
    """R2D2: a recurrent network, trained on prioritised sequences.

    Observations may be those of Acme's `ObservationActionRewardWrapper`, of which the
    LSTM then sees the action and the reward, or any others.
    """

    table = "sequences"
    batch_type = learning.Sequences

    @property
    def priority_exponent(self) -> float:
        """Sequences are drawn in proportion to this power of their priority."""
        return self.config.priority_exponent

    @property
    def steps_per_item(self) -> int:
        """The period; the ends of short episodes come more often."""
        return self.config.sequence_period

    def make_objective(self, network: RecurrentNetwork) -> learning.Objective:
        """Rescaled n-step double Q-learning after a burn-in."""
        return learning.recurrent_q_learning(
            network,
            burn_in_length=self.config.burn_in_length,
            discount=self.config.discount,
            n_step=self.config.n_step,
            importance_exponent=self.config.importance_exponent,
            max_priority_weight=self.config.max_priority_weight,
        )

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> RecurrentNetwork:
        """The agent's network; fits Acme's `network_factory`.

        Raises:
          ValueError: if the action is not one integer of a known range.
        """
        return make_recurrent_network(
            self.config.network,
            self._num_actions(environment_spec),
            self.config.lstm_size,
            self.config.head_width,
        )

    def make_adder(
        self,
        replay_client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.SequenceAdder:
        """An adder of sequences that overlap."""
        del policy
        return replay.SequenceAdder(
            replay_client,
            environment_spec,
            table=self.table,
            burn_in_length=self.config.burn_in_length,
            trace_length=self.config.trace_length,
            period=self.config.sequence_period,
            max_abs_reward=self.config.max_abs_reward,
        )

    def make_policy(
        self,
        networks: RecurrentNetwork,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy, with an epsilon for each episode beside the run's."""
        del environment_spec
        config = self.config
        spread = np.geomspace(config.epsilon, config.max_epsilon, config.num_epsilons)
        return recurrent_epsilon_greedy(
            networks,
            self._epsilon(evaluation),
            episode_epsilons=(0.0,) if evaluation else spread.tolist(),
            evaluation=evaluation,
        )

    def make_probe(self, networks: RecurrentNetwork) -> diagnostics.Probe:
        """Looks at the last step of each sequence, with all before it unrolled."""
        return learning.recurrent_probe(
            networks, burn_in_length=self.config.burn_in_length
        )

    def _signature(self, environment_spec: specs.EnvironmentSpec) -> Any:
        network = self.make_network(environment_spec)
        batch = jax.eval_shape(lambda: network.initial_state(1))
        state = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), batch
        )
        steps = self.config.burn_in_length + self.config.trace_length
        return replay.sequence_signature(environment_spec, state, steps)

    def _decode(self, observation_spec: Any, batch: Any) -> learning.Sequences:
        return batch._replace(
            observation=replay.decode_frame_sequences(
                observation_spec, batch.observation
            )
        )
