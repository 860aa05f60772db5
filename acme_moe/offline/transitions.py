"""Finds the rows of a file that start a transition, and makes the transitions."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from acme_moe.offline.reader import Columns


class TransitionSettings(NamedTuple):
    """Settings of transitions.

    Attributes:
      stack: frames that an observation holds.
      n_step: rewards that a transition sums, fewer where the episode ends before.
      discount: the agent's discount, applied between those rewards.
      max_abs_reward: each reward is clipped to plus or minus this, if not None.
    """

    stack: int
    n_step: int
    discount: float
    max_abs_reward: float | None


class RowTransitions(NamedTuple):
    """Transitions in terms of the rows of a file.

    Attributes:
      first: `int64 [n]`, row of the oldest frame of the observation.
      offset: `uint8 [n]`, rows from there to the oldest frame of the next observation;
        a wider type where `n_step` is above 255.
      action: `int32 [n]`.
      reward: `float32 [n]`, as in `acme_moe.learning.Transition`.
      discount: `float32 [n]`, the same.
    """

    first: np.ndarray
    offset: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    discount: np.ndarray


def valid_rows(columns: Columns, settings: TransitionSettings) -> np.ndarray:
    """Finds the rows at which a whole transition starts, `int64 [n]`, ascending.

    The observation's frames and the n steps lie in one episode and one file. The rows
    of zeros at the start of an episode start no transition, because the stack of each
    would reach back into the episode before. After a terminal no observation is needed,
    so the last n steps of such an episode start transitions too. The last n steps of a
    truncated episode do not, because its last observation was not recorded.
    """
    rows = np.arange(len(columns.last))
    starts = np.concatenate([[True], columns.last[:-1]])
    start = np.maximum.accumulate(np.where(starts, rows, 0))
    end = _ends(columns)
    whole_stack = rows - start >= settings.stack - 1
    whole_steps = rows + settings.n_step <= end
    ends_before = columns.terminal[end] & (rows + settings.n_step > end)
    return np.flatnonzero(whole_stack & (whole_steps | ends_before) & ~columns.excluded)


def make_transitions(
    columns: Columns, settings: TransitionSettings, rows: np.ndarray
) -> RowTransitions:
    """Makes the transitions that start at `rows`, all of them valid ones."""
    end = _ends(columns)[rows]
    terminal = rows + settings.n_step > end
    limit = math.inf if settings.max_abs_reward is None else settings.max_abs_reward
    rewards = np.clip(columns.reward, -limit, limit)
    total = np.zeros(len(rows))
    for step in range(settings.n_step):
        row = rows + step
        inside = row <= end
        total += np.where(
            inside, settings.discount**step * rewards[np.minimum(row, end)], 0.0
        )
    # A terminal's next observation is not used: the last one that exists takes its
    # place.
    offset = np.where(terminal, end - rows, settings.n_step)
    discount = np.where(terminal, 0.0, settings.discount ** (settings.n_step - 1))
    return RowTransitions(
        rows - (settings.stack - 1),
        offset.astype(np.min_scalar_type(settings.n_step)),
        columns.action[rows],
        total.astype(np.float32),
        discount.astype(np.float32),
    )


def needed_rows(transitions: RowTransitions, stack: int, rows: int) -> np.ndarray:
    """Finds the rows whose frames the transitions need, `int64 [m]`, ascending."""
    # +1 where a window starts, -1 after its end.
    change = np.zeros(rows + 1, np.int32)
    np.add.at(change, transitions.first, 1)
    np.add.at(change, transitions.first + transitions.offset + stack, -1)
    return np.flatnonzero(np.cumsum(change[:-1]) > 0)


def _ends(columns: Columns) -> np.ndarray:
    """Finds, for each row, the last row of its episode in this file."""
    rows = np.arange(len(columns.last))
    last = np.where(columns.last, rows, len(rows) - 1)
    return np.minimum.accumulate(last[::-1])[::-1]
