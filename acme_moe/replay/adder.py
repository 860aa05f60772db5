"""The adder that writes n-step transitions, with every frame stored once."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import reverb
import tensorflow as tf
import tree
from acme import specs

from acme_moe.learning.types import Transition
from acme_moe.replay import frames
from acme_moe.replay.episodes import EpisodeAdder
from acme_moe.specs import StackedFrames


def transition_signature(environment_spec: specs.EnvironmentSpec) -> Transition:
    """Returns the signature of a table that `NStepAdder` writes to."""

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


class NStepAdder(EpisodeAdder):
    """Writes each agent step as one n-step transition.

    Differs from `acme.adders.reverb.NStepTransitionAdder` as the paper's agents need:
    frames are stored once (see `acme_moe.replay.frames`), rewards are clipped before
    they are summed, and an episode's start adds no shorter transitions. Its end adds
    n - 1 shorter ones, so that an episode of T steps is exactly T transitions, each of
    which ends at the last observation at the latest: with discount 0 after a terminal,
    bootstrapping after a truncation.

    A row holds the return of the transition that ends at its observation.
    """

    def __init__(
        self,
        client: reverb.Client,
        environment_spec: specs.EnvironmentSpec,
        *,
        table: str,
        n_step: int,
        discount: float,
        max_abs_reward: float | None = None,
        max_in_flight_items: int = 25,
    ) -> None:
        """Makes an adder; it connects at the first step.

        Args:
          client: of the replay server.
          environment_spec: of the environment; frames are stored as it says.
          table: to write to.
          n_step: steps that a transition spans.
          discount: the agent's, between the rewards of one transition.
          max_abs_reward: each reward is clipped to plus or minus this, if not None.
          max_in_flight_items: transitions sent before a step waits for the server.
        """
        super().__init__(
            client,
            environment_spec,
            table=table,
            blank_rows=0,
            rows_kept=2 * n_step + 1,
            max_abs_reward=max_abs_reward,
            max_in_flight_items=max_in_flight_items,
        )
        self._n_step = n_step
        self._discount = discount
        # (clipped reward, environment discount) of the steps whose transitions are not
        # complete.
        self._window: deque[tuple[float, float]] = deque(maxlen=n_step)

    def _add_step(self, row: dict[str, Any], reward: float, discount: float) -> None:
        self._window.append((reward, discount))
        self._writer.append({**row, **self._return()})
        if len(self._window) == self._n_step:
            self._write_transition(rows_after_last=0)

    def _end_episode(self) -> None:
        """Writes the transitions that start in the episode's last n - 1 steps."""
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
        """Computes return and discount of the window, the discount one factor short."""
        value, factor, total = 0.0, 1.0, 1.0
        for reward, discount in self._window:
            value += factor * reward
            total = factor * discount
            factor = total * self._discount
        return {"reward": np.float32(value), "discount": np.float32(total)}

    def _write_transition(self, rows_after_last: int) -> None:
        """Writes the window, whose last observation lies that many rows back."""
        history = self._writer.history
        end = -rows_after_last
        start = end - len(self._window)

        def observation(stop: int) -> Any:
            def column(spec: specs.Array, values: Any) -> Any:
                if isinstance(spec, StackedFrames):
                    return values[stop - spec.stack : stop or None]
                return values[stop - 1]

            return tree.map_structure(column, self._spec, history["observation"])

        self._create_item(
            Transition(
                observation=observation(start),
                action=tree.map_structure(lambda c: c[start], history["action"]),
                reward=history["reward"][-1],
                discount=history["discount"][-1],
                next_observation=observation(end),
            ),
        )

    def reset(self) -> None:
        """Ends the episode; what was written stays."""
        super().reset()
        self._window.clear()
