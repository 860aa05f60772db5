"""An actor for several environments at once: one call of the policy for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dm_env
import jax
import numpy as np
import tree
from acme.adders import base as adders
from acme.agents.jax import actor_core
from acme.jax import variable_utils


class VectorActor:
    """An `acme.agents.jax.actors.GenericActor` for several environments.

    Each environment has a policy state and an adder of its own. The network sees one
    batch of all observations, which on a CPU costs far less than one call for each.
    """

    def __init__(
        self,
        policy: actor_core.ActorCore,
        random_key: jax.Array,
        variable_client: variable_utils.VariableClient,
        environment_adders: Sequence[adders.Adder],
    ) -> None:
        """Makes an actor on the CPU.

        Args:
          policy: for one environment.
          random_key: of the actions.
          variable_client: source of the parameters.
          environment_adders: one for each environment.
        """
        self._key = random_key
        self._client = variable_client
        self._adders = environment_adders
        self._init = jax.jit(policy.init, backend="cpu")
        self._set = jax.jit(
            lambda states, i, state: jax.tree.map(
                lambda all_, one: all_.at[i].set(one), states, state
            ),
            backend="cpu",
        )
        self._policy = jax.jit(
            jax.vmap(policy.select_action, in_axes=(None, 0, 0)), backend="cpu"
        )
        self._extras = jax.jit(jax.vmap(policy.get_extras), backend="cpu")
        self._has_extras = bool(
            jax.tree.leaves(
                jax.eval_shape(
                    lambda key: policy.get_extras(policy.init(key)), random_key
                )
            )
        )
        first = self._init(random_key)
        self._states = jax.tree.map(
            lambda x: np.stack([x] * len(environment_adders)), first
        )
        self._extras_now: Any = None

    def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
        """Starts an episode of one environment."""
        self._key, key = jax.random.split(self._key)
        self._states = self._set(self._states, index, self._init(key))
        self._adders[index].add_first(timestep)

    def select_actions(self, observations: Sequence[Any]) -> np.ndarray:
        """Selects actions `int32 [environments]`, given one observation of each."""
        batch = tree.map_structure(lambda *x: np.stack(x), *observations)
        actions, self._states = self._policy(self._client.params, batch, self._states)
        if self._has_extras:
            self._extras_now = jax.tree.map(np.asarray, self._extras(self._states))
        return np.asarray(actions)

    def observe(
        self, index: int, action: np.int32, next_timestep: dm_env.TimeStep
    ) -> None:
        """Adds the outcome of one environment's action to replay."""
        extras = ()
        if self._has_extras:
            extras = jax.tree.map(lambda x: x[index], self._extras_now)
        self._adders[index].add(action, next_timestep, extras)

    def update(self, wait: bool = False) -> None:
        """Takes the newest parameters."""
        self._client.update(wait)

    def flush(self) -> None:
        """Waits until the replay server holds all that was written."""
        for adder in self._adders:
            adder.flush()

    def close(self) -> None:
        """Sends what is left and disconnects."""
        for adder in self._adders:
            adder.close()
