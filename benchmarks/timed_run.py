"""A run in turns with its parts alone, for `benchmarks/training.py`."""

from __future__ import annotations

import functools
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dm_env
import jax
import numpy as np
from acme.utils import loggers

from acme_moe.runs.assembly import make_environment
from acme_moe.runs.online import OnlineRun
from acme_moe.runs.progress import Progress

Part = tuple[Callable[[], None], int]
"""What is timed, and of how many agent steps, updates or batches that is."""


class TimedRun(OnlineRun):
    """A run that takes turns with its parts alone, and with dopamine if it is given.

    Attributes:
      milliseconds: of each part, after `run`; medians over the turns.
    """

    milliseconds: dict[str, float]

    def __init__(
        self,
        spec: Any,
        workdir: Path,
        updates: int,
        turns: int,
        dopamine: Callable[[int], None] | None,
    ) -> None:
        super().__init__(spec, workdir)
        self._updates, self._turns, self._dopamine = updates, turns, dopamine

    def _train(self, progress: Progress) -> None:
        agent, num = self._spec.agent, self._num_environments
        warm_up = agent.min_replay_size // num
        rounds = max(1, round(self._updates / agent.replay_ratio / num))
        steps = rounds * num

        def whole(rounds: int = rounds) -> None:
            for _ in range(rounds):
                self._step(progress)
            self.learner.check()

        # Past the warm-up, and until everything is compiled.
        whole(warm_up + max(4, round(4 / agent.replay_ratio / num)))
        parts: dict[str, Part] = {
            "whole": (whole, steps),
            "emulator": self._emulator(),
            "policy": self._policy(),
            "add": self._add(),
            "batch": self._batch(),
            "update": self._update(),
        }
        for name in ("policy", "update", "batch"):
            parts[name][0]()
        if self._dopamine is not None:
            self._dopamine(warm_up + 20)
            parts["dopamine"] = (functools.partial(self._dopamine, steps), steps)
        times: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(self._turns):
            for name, (take, count) in parts.items():
                started = time.perf_counter()
                take()
                times[name].append(1e3 * (time.perf_counter() - started) / count)
        self.milliseconds = {k: statistics.median(v) for k, v in times.items()}

    @property
    def _observation(self) -> Any:
        spec = self._parts.environment_spec.observations
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), spec)

    def _emulator(self) -> Part:
        environment = make_environment(self._spec, 1)
        rng = np.random.default_rng(0)

        def emulator() -> None:
            timestep = environment.reset()
            for _ in range(400):
                action = rng.integers(environment.action_spec().num_values)
                last = timestep.last()
                timestep = environment.reset() if last else environment.step(action)

        return emulator, 400

    def _policy(self) -> Part:
        num, observation = self._num_environments, self._observation

        def policy() -> None:
            for _ in range(100):
                self._actor.select_actions([observation] * num)

        return policy, 100 * num

    def _add(self) -> Part:
        observation = self._observation
        parts = self._parts
        adder = parts.builder.make_adder(self._client, parts.environment_spec)
        step = dm_env.transition(np.float32(0), observation, np.float32(1))

        def add() -> None:
            adder.add_first(dm_env.restart(observation))
            for _ in range(100):
                adder.add(np.int32(0), step)
            adder.reset()

        return add, 100

    def _batch(self) -> Part:
        # Fetched ahead by a thread where replay is a server.
        drawn = self._session.data.samples

        def batch() -> None:
            for _ in range(self._updates):
                jax.block_until_ready(next(drawn))

        return batch, self._updates

    def _update(self) -> Part:
        parts = self._parts
        alone = parts.builder.make_learner(
            jax.random.PRNGKey(0),
            parts.network,
            itertools.repeat(next(self._session.data.samples)),
            lambda *_: loggers.NoOpLogger(),
            parts.environment_spec,
            self._client,
        )

        def update() -> None:
            for _ in range(self._updates):
                alone.step()
            alone.check()

        return update, self._updates
