"""Environments whose state can be saved: as the actions that led to it.

Not every emulator lets its state be read, and a state that can be read is seldom plain
data. But an environment should do the same for the same seed and actions, so these are
kept, and a resumed run plays them again. Each environment is made anew now and then, so
that its actions never become many.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dm_env
import numpy as np
import tree

from acme_moe.environments.vector import Past, VectorEnvironment

RENEWAL_STEPS = 20_000
"""Steps after which an environment is made anew, once the game that it plays is over.

Making it takes milliseconds, and playing as many steps again up to 10 s on Atari.
"""


class NotDeterministicError(RuntimeError):
    """An environment gave another observation for the same seed and actions."""


class RememberedEnvironments(VectorEnvironment):
    """Environments that remember what they played since they were made.

    Attributes:
      timesteps: the latest of each; None before its first.
    """

    def __init__(
        self,
        make: Callable[[Sequence[int]], VectorEnvironment],
        seed: Callable[[int, int], int],
        num_environments: int,
        renewal_steps: int = RENEWAL_STEPS,
    ) -> None:
        """Makes the environments.

        Args:
          make: makes the environments of some seeds.
          seed: returns the seed of an environment, given its index and how often it was
            made before.
          num_environments: number of environments.
          renewal_steps: see `RENEWAL_STEPS`.
        """
        self._seed = seed
        self._renewal_steps = renewal_steps
        self._times_made = [0] * num_environments
        self._environments = make([seed(i, 0) for i in range(num_environments)])
        self._actions: list[list[int]] = [[] for _ in range(num_environments)]
        self._pending: np.ndarray | None = None
        self.timesteps: list[dm_env.TimeStep | None] = [None] * num_environments

    def __len__(self) -> int:
        return len(self._environments)

    def reset(self, indices: Sequence[int]) -> list[dm_env.TimeStep]:
        """Starts an episode in some of the environments."""
        old = [
            i
            for i in indices
            if len(self._actions[i]) >= self._renewal_steps and self.game_over(i)
        ]
        for i in old:
            self._times_made[i] += 1
        seeds = [self._seed(i, self._times_made[i]) for i in old]
        self.make_again(old, [Past(seed, [], in_episode=False) for seed in seeds])
        timesteps = self._environments.reset(indices)
        for i, timestep in zip(indices, timesteps, strict=True):
            self.timesteps[i] = timestep
        return timesteps

    def start_step(self, actions: np.ndarray) -> None:
        """Starts a step in each environment."""
        self._pending = actions
        self._environments.start_step(actions)

    def finish_step(self) -> list[dm_env.TimeStep]:
        """Waits for the step, and notes its actions."""
        timesteps = self._environments.finish_step()
        assert self._pending is not None
        for past, action in zip(self._actions, self._pending.tolist(), strict=True):
            past.append(action)
        self._pending = None
        self.timesteps = list(timesteps)
        return timesteps

    def game_over(self, index: int) -> bool:
        """Returns whether an episode that just ended was the last of its game."""
        return self._environments.game_over(index)

    def make_again(
        self, indices: Sequence[int], pasts: Sequence[Past]
    ) -> list[dm_env.TimeStep | None]:
        """Replaces some environments by new ones that have played the same."""
        timesteps = self._environments.make_again(indices, pasts)
        for i, past, timestep in zip(indices, pasts, timesteps, strict=True):
            self._actions[i] = list(past.actions)
            self.timesteps[i] = timestep
        return timesteps

    def close(self) -> None:
        """Closes each environment."""
        self._environments.close()

    def state(self) -> dict[str, np.ndarray]:
        """Returns what `restore` needs, with the actions of a step under way."""
        pending: Any = [] if self._pending is None else self._pending
        return {
            "times_made": np.array(self._times_made, np.int64),
            "steps": np.array([len(past) for past in self._actions], np.int64),
            "actions": np.concatenate([np.array(x, np.int32) for x in self._actions]),
            "pending": np.array(pending, np.int32),
            "in_episode": np.array([bool(t and not t.last()) for t in self.timesteps]),
            "checksums": np.array([_checksum(t) for t in self.timesteps], np.int64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Plays again what led to a state, and starts the step that was under way.

        Args:
          state: as `state` returned it.

        Returns:
          The actions of that step; None if there was none.

        Raises:
          NotDeterministicError: if an environment ends up at another observation.
        """
        self._times_made = state["times_made"].tolist()
        ends = np.cumsum(state["steps"])[:-1]
        pasts = np.split(state["actions"], ends)
        timesteps = self.make_again(
            range(len(pasts)),
            [
                Past(
                    self._seed(i, self._times_made[i]),
                    actions.tolist(),
                    bool(state["in_episode"][i]),
                )
                for i, actions in enumerate(pasts)
            ],
        )
        for i, (actions, timestep) in enumerate(zip(pasts, timesteps, strict=True)):
            if _checksum(timestep) != state["checksums"][i]:
                raise NotDeterministicError(
                    f"environment {i}: was made again with its seed and played its "
                    f"{len(actions)} actions again, and gave another observation; only "
                    "of environments that depend on seed and actions alone can a "
                    "seeded run be resumed exactly (set checkpoint_replay to False to "
                    "go on in new games, and to True again once it has; or delete the "
                    "checkpoints to begin anew)"
                )
        if not len(state["pending"]):
            return None
        self.start_step(state["pending"])
        return state["pending"]


def _checksum(timestep: dm_env.TimeStep | None) -> int:
    """Returns the CRC-32 of an observation; -1 if there is none yet."""
    if timestep is None:
        return -1
    leaves: list[Any] = tree.flatten(timestep.observation)
    crc = 0
    for leaf in leaves:
        crc = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), crc)
    return crc
