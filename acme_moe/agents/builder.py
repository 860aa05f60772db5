"""The Acme builder that online agents without a memory share.

Each adds its objective.
"""

from __future__ import annotations

from typing import Any, Generic

import reverb
from acme import specs
from acme.agents.jax import actor_core

from acme_moe import learning, replay
from acme_moe.agents import policy as policies
from acme_moe.agents.online import Config, OnlineAgentBuilder
from acme_moe.agents.transitions import TransitionAgentBuilder
from acme_moe.networks import Network


class ValueAgentBuilder(
    TransitionAgentBuilder[Config],
    OnlineAgentBuilder[Config, Network],
    Generic[Config],
):
    """An agent that learns from n-step transitions."""

    table = "transitions"
    batch_type = learning.Transition

    def make_adder(
        self,
        replay_client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        policy: Any = None,
    ) -> replay.NStepAdder:
        """An adder of n-step transitions with clipped rewards."""
        del policy
        return replay.NStepAdder(
            replay_client,
            environment_spec,
            table=self.table,
            n_step=self.config.n_step,
            discount=self.config.discount,
            max_abs_reward=self.config.max_abs_reward,
        )

    def make_policy(
        self,
        networks: Network,
        environment_spec: specs.EnvironmentSpec,
        evaluation: bool = False,
    ) -> actor_core.ActorCore:
        """Epsilon-greedy: decaying with the run, or small and fixed in evaluation."""
        del environment_spec
        return policies.epsilon_greedy(
            networks,
            self._epsilon(evaluation),
            evaluation=evaluation,
            prioritized=self.prioritized and not evaluation,
        )

    def _signature(self, environment_spec: specs.EnvironmentSpec) -> Any:
        return replay.transition_signature(environment_spec)
