"""The adder that writes sequences of steps, with every frame stored once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tree
from acme import specs

from acme_moe.learning.types import Sequences
from acme_moe.replay import frames
from acme_moe.replay.adder import EpisodeAdder
from acme_moe.replay.interface import ReplayClient
from acme_moe.specs import StackedFrames

CORE_STATE = "core_state"


def sequence_signature(
    environment_spec: specs.EnvironmentSpec, state_spec: Any, steps: int
) -> Sequences:
    """Returns the signature of a table that `SequenceAdder` writes to.

    Args:
      environment_spec: spec of the environment.
      state_spec: nest of anything with the shapes and dtypes of the core's state.
      steps: number of steps of a sequence, including its burn-in.
    """

    def observation(spec: specs.Array) -> specs.Array:
        shape = frames.stored_sequence_shape(spec, steps + 1)
        return specs.Array(shape, spec.dtype, spec.name)

    return Sequences(
        observation=tree.map_structure(observation, environment_spec.observations),
        action=tree.map_structure(
            lambda spec: specs.Array((steps, *spec.shape), spec.dtype, spec.name),
            environment_spec.actions,
        ),
        reward=specs.Array((steps,), np.float32, "reward"),
        discount=specs.Array((steps,), np.float32, "discount"),
        mask=specs.Array((steps,), bool, "mask"),
        start_state=tree.map_structure(
            lambda spec: specs.Array(spec.shape, spec.dtype), state_spec
        ),
    )


class SequenceAdder(EpisodeAdder):
    """Adder that writes an episode as overlapping sequences.

    A sequence is a burn-in, which only warms up the recurrent state, and the steps
    after it, which are learnt from. For a period P, the latter start at the episode's
    steps 0, P, 2P and so on, until one sequence reaches the episode's end, so that
    every step is learnt from. A sequence is padded before the episode's start, where
    the whole burn-in of the first one lies, and after the episode's end.

    It differs from `acme.adders.reverb.SequenceAdder` in padding the start, without
    which no step of the first burn-in is ever learnt from, and in storing frames once
    (see `acme_moe.replay.frames`) and the core's state only where a sequence starts.
    """

    def __init__(
        self,
        client: ReplayClient,
        environment_spec: specs.EnvironmentSpec,
        *,
        table: str,
        burn_in_length: int,
        trace_length: int,
        period: int,
        max_abs_reward: float | None = None,
    ) -> None:
        """Makes an adder, which connects at the first episode.

        Args:
          client: see `EpisodeAdder`.
          environment_spec: see `EpisodeAdder`.
          table: see `EpisodeAdder`.
          burn_in_length: steps of the burn-in.
          trace_length: steps that are learnt from, at least `period`.
          period: steps between the starts of two sequences, at least `burn_in_length`.
          max_abs_reward: see `EpisodeAdder`.
        """
        super().__init__(
            client,
            environment_spec,
            table=table,
            blank_rows=burn_in_length,
            rows_kept=burn_in_length + trace_length + 1,
            max_abs_reward=max_abs_reward,
        )
        self._burn_in_length = burn_in_length
        self._trace_length = trace_length
        self._period = period
        self._padding = {
            "action": frames.blank(self._action_spec),
            **self._step(reward=0.0, discount=0.0, happened=False),
        }
        self._steps = 0
        # The steps before this one are learnt from in the sequences written so far.
        self._covered = 0
        self._next_end = trace_length

    def _step(self, reward: float, discount: float, happened: bool) -> dict[str, Any]:
        return {
            "reward": np.float32(reward),
            "discount": np.float32(discount),
            "mask": np.bool_(happened),
        }

    def _blank_step(self) -> dict[str, Any]:
        # Without a burn-in, no sequence has a step before the episode's first.
        return self._padding if self._burn_in_length else {}

    def _extra_columns(self, extras: Any) -> dict[str, Any]:
        """Returns the core's state before the step, if a sequence starts there."""
        starts = (self._steps + self._burn_in_length) % self._period == 0
        if self._steps and not starts:
            return {}
        if CORE_STATE not in extras:
            raise ValueError(
                f"extras: {extras!r} is not accepted; a dict with {CORE_STATE!r}, the "
                "recurrent state before the action"
            )
        return {CORE_STATE: tree.map_structure(np.asarray, extras[CORE_STATE])}

    def _add_step(self, row: dict[str, Any], reward: float, discount: float) -> None:
        self._writer.append({**row, **self._step(reward, discount, happened=True)})
        self._steps += 1
        if self._steps == self._next_end:
            self._write_sequence()

    def _end_episode(self) -> None:
        """Pads and writes the last sequence, if some steps are in none yet."""
        if self._covered == self._steps:
            return
        padding = {"observation": frames.blank(self._spec), **self._padding}
        for _ in range(self._next_end - self._steps):
            self._writer.append(padding)
        self._write_sequence()

    def _write_sequence(self) -> None:
        """Writes the sequence that ends with the last row."""
        steps = self._burn_in_length + self._trace_length
        start = -steps if self._covered else -self._trace_length
        history = self._writer.history

        def observations(spec: specs.Array, column: Any) -> Any:
            before = spec.stack - 1 if isinstance(spec, StackedFrames) else 0
            return column[-(steps + 1 + before) :]

        def each(name: str) -> Any:
            return tree.map_structure(lambda column: column[-steps:], history[name])

        self._create_item(
            Sequences(
                observation=tree.map_structure(
                    observations, self._spec, history["observation"]
                ),
                action=each("action"),
                reward=each("reward"),
                discount=each("discount"),
                mask=each("mask"),
                start_state=tree.map_structure(
                    lambda column: column[start], history[CORE_STATE]
                ),
            ),
        )
        self._covered = self._next_end
        self._next_end += self._period

    def _episode_state(self) -> dict[str, Any]:
        return {
            "steps": self._steps,
            "covered": self._covered,
            "next_end": self._next_end,
        }

    def _restore_episode(self, state: Mapping[str, Any]) -> None:
        self._steps, self._covered = state["steps"], state["covered"]
        self._next_end = state["next_end"]

    def reset(self) -> None:
        """Ends the episode; what was written stays."""
        super().reset()
        self._steps = self._covered = 0
        self._next_end = self._trace_length
