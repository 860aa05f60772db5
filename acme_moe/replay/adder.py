"""The base of the adders: a writer, an episode's bounds, and frames stored once."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

import dm_env
import numpy as np
import tree
from acme import specs
from acme.adders import base

from acme_moe.replay import frames
from acme_moe.replay.interface import ReplayClient, TrajectoryWriter
from acme_moe.replay.local.writer import LocalWriter


class EpisodeAdder(base.Adder):
    """Base of adders that write an episode's steps as rows, which items refer to.

    Row i > 0 of an episode holds o_i and what a subclass makes of the action and the
    outcome before it, so that each step takes one append. Row 0 holds o_0; blank rows
    come before it.
    """

    # Items sent before a step waits for the server.
    _MAX_IN_FLIGHT_ITEMS = 1

    def __init__(
        self,
        client: ReplayClient,
        environment_spec: specs.EnvironmentSpec,
        *,
        table: str,
        blank_rows: int,
        rows_kept: int,
        max_abs_reward: float | None,
    ) -> None:
        """Makes an adder, which connects at the first episode.

        Args:
          client: client of replay.
          environment_spec: spec of the environment, which says how frames are stored.
          table: name of the table to write to.
          blank_rows: blank rows before an episode, in addition to those of its first
            stack of frames.
          rows_kept: rows that an item can span, in addition to those of a stack of
            frames.
          max_abs_reward: each reward is clipped to plus or minus this, if not None.
        """
        self._client = client
        self._spec = environment_spec.observations
        self._action_spec = environment_spec.actions
        stack = frames.stack_size(self._spec)
        self._blank_rows = stack - 1 + blank_rows
        self._rows_kept = stack - 1 + rows_kept
        self._table = table
        self._limit = math.inf if max_abs_reward is None else max_abs_reward
        self._connection: TrajectoryWriter | None = None
        self._episode_open = False
        self._priority = 1.0

    @abc.abstractmethod
    def _add_step(self, row: dict[str, Any], reward: float, discount: float) -> None:
        """Appends a row, with further columns, and writes the item that it completes.

        Args:
          row: the row's columns so far, with `observation` and `action`.
          reward: the clipped reward.
          discount: the environment's discount.
        """

    @abc.abstractmethod
    def _end_episode(self) -> None:
        """Writes the items that are left after the last step."""

    def _make_writer(self) -> TrajectoryWriter:
        """Connects to replay."""
        return self._client.trajectory_writer(num_keep_alive_refs=self._rows_kept)

    def _blank_step(self) -> dict[str, Any]:
        """Returns the columns, besides its observation, of a row without a step."""
        return {}

    def _extra_columns(self, extras: Any) -> dict[str, Any]:
        """Returns the columns of a step's row that come from the policy's extras."""
        del extras
        return {}

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
        if self._connection is None:
            self._connection = self._make_writer()
        blank = {"observation": frames.blank(self._spec), **self._blank_step()}
        for _ in range(self._blank_rows):
            self._writer.append(blank)
        first = frames.newest(self._spec, timestep.observation)
        self._writer.append({**blank, "observation": first})
        self._episode_open = True

    def add(
        self, action: Any, next_timestep: dm_env.TimeStep, extras: Any = ()
    ) -> None:
        """Adds an action and its outcome; writes the item that it completes.

        Args:
          action: as the environment took it.
          next_timestep: as the environment returned it.
          extras: the policy's extras. `extras["priority"]`, if present, is the priority
            of new items from now on; until the first one it is 1.

        Raises:
          ValueError: if no episode is open.
        """
        if not self._episode_open:
            raise ValueError("add: no episode is open; call add_first before")
        # Acme's actors pass None if there are no extras.
        extras = () if extras is None else extras
        if "priority" in extras:
            self._priority = float(extras["priority"])
        row = {
            "observation": frames.newest(self._spec, next_timestep.observation),
            "action": tree.map_structure(
                lambda spec, x: np.asarray(x, spec.dtype), self._action_spec, action
            ),
            **self._extra_columns(extras),
        }
        reward = min(max(float(next_timestep.reward), -self._limit), self._limit)
        self._add_step(row, reward, float(next_timestep.discount))
        if next_timestep.last():
            self._end_episode()
            self.reset()
        else:
            self._writer.flush(self._MAX_IN_FLIGHT_ITEMS)

    def _create_item(self, trajectory: Any) -> None:
        """Writes an item, a nest of columns of the writer's history."""
        self._writer.create_item(self._table, self._priority, trajectory)

    @property
    def _writer(self) -> TrajectoryWriter:
        assert self._connection is not None
        return self._connection

    def flush(self) -> None:
        """Waits until replay holds every item that was written."""
        if self._connection is not None:
            self._connection.flush()

    def close(self) -> None:
        """Sends what is left and disconnects."""
        if self._connection is not None:
            self._connection.flush()
            self._connection.close()
            self._connection = None
        self._episode_open = False

    def state(self) -> dict[str, Any]:
        """Returns the open episode as plain values; for replay in the process only."""
        rows: dict[str, Any] = {}
        if self._connection is not None:
            assert isinstance(self._connection, LocalWriter)
            rows = self._connection.state()
        return {
            "episode_open": self._episode_open,
            "priority": self._priority,
            "rows": rows,
            **self._episode_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes what `state` returned, once replay is restored."""
        writer = self._connection = self._make_writer()
        assert isinstance(writer, LocalWriter)
        writer.restore(
            state["rows"], {"observation": self._spec, "action": self._action_spec}
        )
        self._episode_open = state["episode_open"]
        self._priority = state["priority"]
        self._restore_episode(state)

    @abc.abstractmethod
    def _episode_state(self) -> dict[str, Any]:
        """Returns what a subclass keeps of the open episode, as plain values."""

    @abc.abstractmethod
    def _restore_episode(self, state: Mapping[str, Any]) -> None:
        """Takes what `_episode_state` returned."""

    def reset(self) -> None:
        """Ends the episode; what was written stays."""
        if self._connection is not None:
            self._connection.end_episode(clear_buffers=True)
        self._episode_open = False
