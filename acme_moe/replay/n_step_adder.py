"""The adder that writes n-step transitions, with every frame stored once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import tree
from acme import specs

from acme_moe.replay.adder import EpisodeAdder
from acme_moe.replay.interface import ReplayClient, TrajectoryWriter
from acme_moe.replay.transitions import pack_step
from acme_moe.specs import StackedFrames

# Rows of frames that are compressed together. More rows take less memory, but all of
# them are decompressed for each item that refers to one. See benchmarks/replay.py.
_CHUNK_LENGTH = 6


class NStepAdder(EpisodeAdder):
    """Adder that writes each agent step as one n-step transition.

    It differs from `acme.adders.reverb.NStepTransitionAdder` in what the paper's agents
    need: frames are stored once (see `acme_moe.replay.frames`), rewards are clipped
    before they are summed, and an episode's start adds no shorter transitions. Its end
    adds n - 1 shorter ones, so that an episode of T steps is exactly T transitions.
    None of them reaches beyond the last observation: after a terminal the discount is
    0, and after a truncation the target bootstraps from that observation.

    A row holds the action and the return of the transition that ends at its
    observation; `acme_moe.replay.transitions` says which rows an item holds.
    """

    _MAX_IN_FLIGHT_ITEMS = 25

    def __init__(
        self,
        client: ReplayClient,
        environment_spec: specs.EnvironmentSpec,
        *,
        table: str,
        n_step: int,
        discount: float,
        max_abs_reward: float | None = None,
    ) -> None:
        """Makes an adder, which connects at the first episode.

        Args:
          client: see `EpisodeAdder`.
          environment_spec: see `EpisodeAdder`.
          table: see `EpisodeAdder`.
          n_step: steps that a transition spans.
          discount: the agent's discount, applied between a transition's rewards.
          max_abs_reward: see `EpisodeAdder`.
        """
        super().__init__(
            client,
            environment_spec,
            table=table,
            blank_rows=0,
            # A chunk that an item waiting to be sent refers to must be kept, or it is
            # sent again, and the server holds it twice.
            rows_kept=2 * n_step + 1 + _CHUNK_LENGTH + self._MAX_IN_FLIGHT_ITEMS,
            max_abs_reward=max_abs_reward,
        )
        self._n_step = n_step
        self._discount = discount
        # (action, clipped reward, environment discount) of the steps whose transitions
        # are not complete.
        self._window: deque[tuple[Any, float, float]] = deque(maxlen=n_step)

    def _make_writer(self) -> TrajectoryWriter:
        # Items do not have the columns of the table's signature.
        writer = self._client.trajectory_writer(self._rows_kept, validate_items=False)
        paths = [
            ("observation", *path)
            for path, spec in tree.flatten_with_path(self._spec)
            if isinstance(spec, StackedFrames)
        ]
        for path in [*paths, ("step",)]:
            writer.configure(
                path,
                num_keep_alive_refs=self._rows_kept,
                max_chunk_length=_CHUNK_LENGTH,
            )
        return writer

    def _add_step(self, row: dict[str, Any], reward: float, discount: float) -> None:
        self._window.append((row.pop("action"), reward, discount))
        self._writer.append({**row, **self._step()})
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
            self._writer.append(self._step())
            self._write_transition(rows_after_last)

    def _step(self) -> dict[str, np.ndarray]:
        """Packs action, return and discount of the window.

        The discount lacks the agent's last factor, which the learner applies.
        """
        value, factor, total = 0.0, 1.0, 1.0
        for _, reward, discount in self._window:
            value += factor * reward
            total = factor * discount
            factor = total * self._discount
        action, *_ = self._window[0]
        return {"step": pack_step(action, value, total)}

    def _write_transition(self, rows_after_last: int) -> None:
        """Writes the window's transition; its last observation is so many rows back."""
        history = self._writer.history
        last = -1 - rows_after_last
        steps = len(self._window)

        def rows(spec: specs.Array, column: Any) -> Any:
            before = spec.stack - 1 if isinstance(spec, StackedFrames) else 0
            return column[last - steps - before : last + 1 or None]

        self._create_item(
            (
                tree.map_structure(rows, self._spec, history["observation"]),
                history["step"][-1],
            )
        )

    def _episode_state(self) -> dict[str, Any]:
        return {
            "window": [
                ([np.asarray(x).tolist() for x in tree.flatten(action)], *rest)
                for action, *rest in self._window
            ]
        }

    def _restore_episode(self, state: Mapping[str, Any]) -> None:
        specs = tree.flatten(self._action_spec)
        for leaves, reward, discount in state["window"]:
            action = tree.unflatten_as(
                self._action_spec,
                [
                    np.asarray(leaf, spec.dtype)
                    for leaf, spec in zip(leaves, specs, strict=True)
                ],
            )
            self._window.append((action, reward, discount))

    def reset(self) -> None:
        """Ends the episode; what was written stays."""
        super().reset()
        self._window.clear()
