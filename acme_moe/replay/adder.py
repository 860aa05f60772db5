"""The adder that writes n-step transitions, with every frame stored once."""

from __future__ import annotations

from collections import deque
from typing import Any

import dm_env
import numpy as np
import reverb
import tensorflow as tf
import tree
from acme import specs
from acme.adders import base

from acme_moe.learning.types import Transition
from acme_moe.replay import frames
from acme_moe.specs import StackedFrames


def transition_signature(environment_spec: specs.EnvironmentSpec) -> Transition:
    """The signature of a table that `NStepAdder` writes to."""

    def tensor_spec(spec: specs.Array) -> tf.TensorSpec:
        return tf.TensorSpec(frames.stored_shape(spec), spec.dtype, spec.name)

    def nest(structure: Any) -> Any:
        return tree.map_structure(tensor_spec, structure)

    return Transition(
        observation=nest(environment_spec.observations),
        action=nest(environment_spec.actions),
        reward=tf.TensorSpec((), tf.float32, "reward"),
        discount=tf.TensorSpec((), tf.float32, "discount"),
        next_observation=nest(environment_spec.observations),
    )


class NStepAdder(base.Adder):
    """Writes each agent step as one n-step transition.

    Differs from `acme.adders.reverb.NStepTransitionAdder` in what the paper's agents
    ask for: frames are stored once (see `acme_moe.replay.frames`), rewards are
    clipped before they are summed, and an episode's start gives no additional
    shorter transitions. Its end gives the n - 1 shorter ones, so that an episode of
    T steps is exactly T transitions, each of which ends at the last observation at
    the latest: with discount 0 after a terminal, bootstrapping after a truncation.

    Row i > 0 of the writer holds o_i, a_{i-1} and the return of the transition that
    ends at o_i, so one append a step suffices.
    """

    def __init__(
        self,
        client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        *,
        table: str,
        n_step: int,
        discount: float,
        max_abs_reward: float = np.inf,
        max_in_flight_items: int = 25,
    ) -> None:
        """Makes an adder; it connects at the first step.

        Args:
          client: of the replay server.
          environment_spec: of the environment, which decides what is stored.
          table: to write to.
          n_step: steps a transition spans.
          discount: the agent's, between the rewards of one transition.
          max_abs_reward: each reward is clipped to plus or minus this.
          max_in_flight_items: transitions sent before a step waits for the server.
        """
        self._client = client
        self._spec = environment_spec.observations
        self._stack = frames.stack_size(self._spec)
        self._blank = frames.blank(self._spec)
        self._table = table
        self._n_step = n_step
        self._discount = discount
        self._max_abs_reward = max_abs_reward
        self._max_in_flight_items = max_in_flight_items
        self._writer: reverb.TrajectoryWriter | None = None
        # (clipped reward, environment discount) of the steps that still await
        # their transition.
        self._window: deque[tuple[float, float]] = deque(maxlen=n_step)
        self._episode_open = False
        self._priority = 1.0

    def add_first(self, timestep: dm_env.TimeStep) -> None:
        """Starts an episode.

        Raises:
          ValueError: if `timestep` is not a first one.
        """
        if not timestep.first():
            raise ValueError(
                "add_first: needs the timestep that reset() returned, got one of type "
                f"{timestep.step_type!r}"
            )
        self.reset()
        if self._writer is None:
            self._writer = self._client.trajectory_writer(
                num_keep_alive_refs=self._stack + 2 * self._n_step
            )
        for _ in range(self._stack - 1):
            self._writer.append({"observation": self._blank})
        first = frames.newest(self._spec, timestep.observation)
        self._writer.append({"observation": first})
        self._episode_open = True

    def add(
        self, action: Any, next_timestep: dm_env.TimeStep, extras: Any = ()
    ) -> None:
        """Records an action and what came of it; writes the transition that it ends.

        Args:
          action: as the environment was given it.
          next_timestep: as the environment returned it.
          extras: the policy's; `extras["priority"]`, if it is there, is what the
            items enter the table with from now on, else 1.

        Raises:
          ValueError: if no episode is open.
        """
        if extras:
            self._priority = float(extras["priority"])
        if not self._episode_open or self._writer is None:
            raise ValueError("add: no episode is open; call add_first before")
        limit = self._max_abs_reward
        reward = min(max(float(next_timestep.reward), -limit), limit)
        self._window.append((reward, float(next_timestep.discount)))
        self._writer.append(
            {
                "observation": frames.newest(self._spec, next_timestep.observation),
                "action": action,
                **self._return(),
            }
        )
        if len(self._window) == self._n_step:
            self._write_transition(rows_after_last=0)
        if next_timestep.last():
            self._write_shorter()
            self.reset()
        else:
            self._writer.flush(self._max_in_flight_items)

    def _write_shorter(self) -> None:
        """The transitions that start in the episode's last n - 1 steps."""
        assert self._writer is not None
        if len(self._window) < self._n_step:
            # An episode shorter than n: its first transition is not written yet.
            self._write_transition(rows_after_last=0)
        rows_after_last = 0
        while len(self._window) > 1:
            self._window.popleft()
            rows_after_last += 1
            self._writer.append(self._return())
            self._write_transition(rows_after_last)

    def _return(self) -> dict[str, np.float32]:
        """Return and discount of the window, the discount one factor short."""
        value, factor, total = 0.0, 1.0, 1.0
        for reward, discount in self._window:
            value += factor * reward
            total = factor * discount
            factor = total * self._discount
        return {"reward": np.float32(value), "discount": np.float32(total)}

    def _write_transition(self, rows_after_last: int) -> None:
        """Writes the window; its last observation lies that many rows back."""
        assert self._writer is not None
        history = self._writer.history
        end = -rows_after_last
        start = end - len(self._window)

        def observation(stop: int) -> Any:
            def column(spec: specs.Array, values: Any) -> Any:
                if isinstance(spec, StackedFrames):
                    return values[stop - spec.stack : stop or None]
                return values[stop - 1]

            return tree.map_structure(column, self._spec, history["observation"])

        self._writer.create_item(
            table=self._table,
            priority=self._priority,
            trajectory=Transition(
                observation=observation(start),
                action=tree.map_structure(lambda c: c[start], history["action"]),
                reward=history["reward"][-1],
                discount=history["discount"][-1],
                next_observation=observation(end),
            ),
        )

    def flush(self) -> None:
        """Waits until the server holds every transition that was written."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Sends what is left and disconnects."""
        if self._writer is not None:
            self._writer.flush()
            self._writer.close()
            self._writer = None
        self._episode_open = False

    def reset(self) -> None:
        """Ends the episode; what was written stays."""
        if self._writer is not None:
            self._writer.end_episode(clear_buffers=True)
        self._window.clear()
        self._episode_open = False
