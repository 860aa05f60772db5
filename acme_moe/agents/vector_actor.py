"""An actor for several environments at once: one call of the policy for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dm_env
import jax
import numpy as np
import tree
from acme import core, specs
from acme.adders import base as adders
from acme.agents.jax import actor_core
from acme.jax import variable_utils

from acme_moe.agents import vector_policy
from acme_moe.agents.acting_device import ParametersOn
from acme_moe.replay import frames


class VectorActor:
    """An `acme.agents.jax.actors.GenericActor` for several environments.

    Each environment has a policy state and an adder of its own. The network sees one
    batch of all observations, which costs far less than one call for each.

    A step is one call on the device: the newest frames go up, the actions and what the
    adders need come back. Parameters, policy states and stacks of frames stay there.
    """

    def __init__(
        self,
        policy: actor_core.ActorCore,
        random_key: jax.Array,
        environment_spec: specs.EnvironmentSpec,
        variable_source: core.VariableSource,
        environment_adders: Sequence[adders.Adder],
        device: jax.Device,
    ) -> None:
        """Makes an actor; compiles nothing yet.

        Args:
          policy: policy for one environment.
          random_key: random key of the actions.
          environment_spec: spec of the environments.
          variable_source: source of the parameters.
          environment_adders: one for each environment.
          device: device that the policy runs on.
        """
        self._spec = environment_spec.observations
        self._client = variable_utils.VariableClient(
            ParametersOn(variable_source, device), ""
        )
        # Restored variables, used in place of the client's until the next `update`.
        self._restored: Any = None
        self._device = device
        self._adders = environment_adders
        self._first = np.zeros(len(environment_adders), bool)
        self._extras: Any = ()
        self._step = vector_policy.make_step(policy, self._spec)
        # Committed to the device, which is where every step then runs.
        self._carry = jax.device_put(
            vector_policy.start(
                policy, random_key, self._spec, len(environment_adders)
            ),
            device,
        )

    def observe_first(self, index: int, timestep: dm_env.TimeStep) -> None:
        """Starts an episode of one environment."""
        self._first[index] = True
        self._adders[index].add_first(timestep)

    def select_actions(self, observations: Sequence[Any]) -> np.ndarray:
        """Selects actions `int32 [environments]`, given one observation of each."""
        newest = [frames.newest(self._spec, x) for x in observations]
        batch = tree.map_structure(lambda *x: np.stack(x), *newest)
        carry, outputs = self._step(
            self._variables, self._carry, batch, self._first.copy()
        )
        actions, self._extras = jax.device_get(outputs)
        # Only now: on a CPU, dropping buffers that a call took over waits for the call.
        self._carry = carry
        self._first[:] = False
        return actions

    def observe(
        self, index: int, action: np.int32, next_timestep: dm_env.TimeStep
    ) -> None:
        """Adds the outcome of one environment's action to replay."""
        extras = jax.tree.map(lambda x: x[index], self._extras)
        self._adders[index].add(action, next_timestep, extras)

    @property
    def _variables(self) -> Any:
        return self._client.params if self._restored is None else self._restored

    def update(self, wait: bool = False) -> None:
        """Takes the newest parameters."""
        self._restored = None
        self._client.update(wait)

    def state(self) -> dict[str, Any]:
        """Returns all that acting depends on, except adders, as nests of arrays."""
        return {
            "variables": self._variables,
            "carry": self._carry,
            "first": self._first,
            "extras": self._extras,
        }

    def state_spec(self) -> dict[str, Any]:
        """Returns nests like those of a `state` once actions have been selected."""
        num = len(self._adders)
        blank = jax.tree.map(
            lambda x: np.zeros((num, *x.shape), x.dtype), frames.blank(self._spec)
        )
        _, (_, extras) = jax.eval_shape(
            self._step, self._variables, self._carry, blank, self._first
        )
        return {**self.state(), "extras": extras}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes what `state` returned once actions have been selected."""
        self._restored, self._carry = jax.device_put(
            (state["variables"], state["carry"]), self._device
        )
        self._first = state["first"].copy()
        self._extras = state["extras"]

    def flush(self) -> None:
        """Waits until the replay server holds all that was written."""
        for adder in self._adders:
            adder.flush()

    def close(self) -> None:
        """Sends what is left and disconnects."""
        for adder in self._adders:
            adder.close()
