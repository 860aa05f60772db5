"""Adapts any builder of this package to the interface of Acme's release 0.4.0.

Acme's main branch passes the environment's spec and the policy to a builder's methods;
0.4.0 has an older interface without them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import jax
import reverb
from acme import core, specs
from acme.adders import base as adders
from acme.agents.jax import actor_core, actors, builders
from acme.utils import counting, loggers

from acme_moe import learning, replay, validation
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.learning.learner import Learner


class Acme040Builder(builders.GenericActorLearnerBuilder):
    """A builder for `acme.jax.layouts` of release 0.4.0.

    Give the layout `policy_network=builder.make_policy(networks, environment_spec)`.
    """

    def __init__(
        self,
        builder: OnlineBuilder[Any],
        environment_spec: specs.EnvironmentSpec,
        *,
        alternating: bool = True,
    ) -> None:
        """Wraps a builder.

        Args:
          builder: any of `acme_moe.agents`.
          environment_spec: spec of the environment.
          alternating: whether the layout itself keeps the replay ratio, by alternating
            between acting and learning, as `LocalLayout` does (see `layout_settings`).
            A distributed layout does not, and the replay table keeps the ratio instead.
        """
        self._builder = builder
        self._spec = environment_spec
        self._alternating = alternating

    @property
    def layout_settings(self) -> dict[str, Any]:
        """Arguments of `LocalLayout` that make it keep the agent's settings.

        Raises:
          ValueError: if the layout would realise another replay ratio, because it
            rounds down the agent steps per learner call, or the calls per agent step.
        """
        config = self._builder.config
        calls_per_step = config.replay_ratio / config.sgd_steps_per_call
        samples_per_insert = config.batch_size * config.replay_ratio
        samples_per_call = config.batch_size * config.sgd_steps_per_call
        # Computed as the layout does, so that its rounding errors show here, too.
        steps_per_call = samples_per_call / samples_per_insert
        if steps_per_call > 1:
            kept = 1 / int(steps_per_call)
        else:
            kept = int(1 / steps_per_call)
        if not math.isclose(kept, calls_per_step):
            raise validation.not_accepted(
                "replay_ratio",
                config.replay_ratio,
                "in this layout sgd_steps_per_call "
                f"({config.sgd_steps_per_call}) times or divided by a whole number",
            )
        return {
            "min_replay_size": config.min_replay_size,
            "samples_per_insert": samples_per_insert,
            "batch_size": config.batch_size,
            "num_sgd_steps_per_step": config.sgd_steps_per_call,
        }

    def make_replay_tables(
        self, environment_spec: specs.EnvironmentSpec
    ) -> list[reverb.Table]:
        """Makes the builder's tables."""
        tables = self._builder.make_replay_tables(environment_spec)
        if self._alternating:
            return [replay.without_ratio(table) for table in tables]
        return tables

    def make_dataset_iterator(
        self, replay_client: reverb.Client
    ) -> Iterator[learning.Sample]:
        """Makes the builder's batches."""
        return self._builder.make_dataset_iterator(replay_client)

    def make_adder(self, replay_client: reverb.Client) -> adders.Adder:
        """Makes the builder's adder."""
        return self._builder.make_adder(replay_client, self._spec)

    def make_actor(
        self,
        random_key: jax.Array,
        policy_network: actor_core.ActorCore,
        adder: adders.Adder | None = None,
        variable_source: core.VariableSource | None = None,
    ) -> actors.GenericActor:
        """Makes the builder's actor; the policy is what its `make_policy` returns."""
        return self._builder.make_actor(
            random_key, policy_network, self._spec, variable_source, adder
        )

    def make_learner(
        self,
        random_key: jax.Array,
        networks: Any,
        dataset: Iterator[learning.Sample],
        replay_client: reverb.Client | None = None,
        counter: counting.Counter | None = None,
    ) -> Learner:
        """Makes the builder's learner, with Acme's default logger."""
        return self._builder.make_learner(
            random_key,
            networks,
            dataset,
            loggers.make_default_logger,
            self._spec,
            replay_client,
            counter,
        )
