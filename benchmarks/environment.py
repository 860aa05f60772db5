"""Agent steps per second of an Atari environment, beside the bare emulator's frames.

Both play the same game with the same seed and actions, in short turns, so that a busy
machine slows both. Seconds are those of the processor, all threads together: what other
programs take in between does not count. The ratio is the environment's steps per second
over a quarter (the frame skip is 4) of the emulator's frames per second: an environment
that costs nothing besides the emulator would reach 1. The figures are medians, those of
the preprocessing's parts over single steps and the others over turns.

A second table has several environments at once, in a process for each core as a run has
them, beside bare emulators in as many processes; seconds are the clock's.

    python benchmarks/environment.py --game=Pong,Seaquest --json=environment.json
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from absl import app, flags
from tables import Table, write_json

from acme_moe.environments import AtariConfig, resolve_game
from acme_moe.environments.atari import AtariEnvironment
from acme_moe.environments.making import EnvironmentMaker
from acme_moe.environments.parallel import make_vector_environment
from acme_moe.environments.screen import Screen, stack_frames
from acme_moe.specs import make_environment_spec

_GAMES = flags.DEFINE_list("game", ["Pong", "Seaquest"], "Games.")
_STEPS = flags.DEFINE_integer("steps", 50, "Agent steps a turn.", lower_bound=1)
_TURNS = flags.DEFINE_integer("turns", 100, "Turns a game.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Of emulator and actions.")
_ENVIRONMENTS = flags.DEFINE_list("environments", ["1", "4", "16"], "Numbers of them.")

_FLOOR = 0.75  # What the ratio has to reach.
_FLOOR_MANY = 0.8
_CONFIG = AtariConfig()
_PARTS = ("grayscale", "maximum", "resize", "stack")


class _Emulator:
    """The game without an environment."""

    def __init__(self, environment: AtariEnvironment) -> None:
        self._ale = environment.ale
        self._ale.reset_game()
        self._actions = tuple(self._ale.getMinimalActionSet())
        self._screen = Screen(self._ale, _CONFIG.screen_size)
        self._frames = [self._screen.resize()] * _CONFIG.frame_stack

    def play(self, actions: list[int]) -> None:
        """Plays the frames of these agent steps, and nothing else."""
        ale = self._ale
        for action in actions:
            code = self._actions[action]
            for _ in range(_CONFIG.frame_skip):
                ale.act(code)
            if ale.game_over():
                ale.reset_game()

    def time_parts(self, actions: list[int]) -> dict[str, float]:
        """Microseconds that each part of the preprocessing takes an agent step."""
        times: dict[str, list[float]] = {part: [] for part in _PARTS}
        for action in actions:
            self.play([action])
            marks = [time.process_time()]
            self._screen.fetch(0)
            self._screen.fetch(1)
            marks.append(time.process_time())
            self._screen.pool()
            marks.append(time.process_time())
            newest = self._screen.resize()
            marks.append(time.process_time())
            self._frames = [*self._frames[1:], newest]
            stack_frames(self._frames)
            marks.append(time.process_time())
            for part, seconds in zip(_PARTS, np.diff(marks), strict=True):
                times[part].append(1e6 * float(seconds))
        return {part: statistics.median(values) for part, values in times.items()}


def _measure(game: str, steps: int, turns: int, seed: int) -> dict[str, Any]:
    """Plays a game both ways in turns; the figures of one row of the table."""
    environment = AtariEnvironment(game, seed, _CONFIG)
    emulator = _Emulator(AtariEnvironment(game, seed, _CONFIG))
    rng = np.random.default_rng(seed)
    steps_per_second, frames_per_second, ratios = [], [], []
    environment.reset()
    for i in range(turns + 1):
        actions = rng.integers(environment.action_spec().num_values, size=steps)
        chosen = actions.tolist()
        start = time.process_time()
        for action in chosen:
            environment.step(action)
        middle = time.process_time()
        emulator.play(chosen)
        end = time.process_time()
        if i == 0:  # Warms up.
            continue
        steps_per_second.append(steps / (middle - start))
        frames_per_second.append(steps * _CONFIG.frame_skip / (end - middle))
        ratios.append((end - middle) / (middle - start))
    return {
        "game": game,
        "emulator_frames_per_second": statistics.median(frames_per_second),
        "agent_steps_per_second": statistics.median(steps_per_second),
        "ratio": statistics.median(ratios),
        "floor": _FLOOR,
        "microseconds": emulator.time_parts(
            rng.integers(environment.action_spec().num_values, size=500).tolist()
        ),
    }


class _EmulatorProcess:
    """A bare emulator in a process of its own."""

    def __init__(self, game: str, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, game, seed), daemon=True
        )
        self._process.start()

    def start(self, actions: list[int]) -> None:
        """Starts playing the frames of these agent steps."""
        self._connection.send(actions)

    def finish(self) -> None:
        """Waits for their end."""
        self._connection.recv()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, game: str, seed: int) -> None:
    emulator = _Emulator(AtariEnvironment(game, seed, _CONFIG))
    while True:
        emulator.play(connection.recv())
        connection.send(None)


def _measure_many(
    game: str, num: int, steps: int, turns: int, seed: int
) -> dict[str, Any]:
    """Plays several environments and as many bare emulators as processes, in turns."""
    make = EnvironmentMaker(game=game, config=_CONFIG)
    spec = make_environment_spec(make(seed))
    environments = make_vector_environment(make, range(num), spec)
    processes = min(num, len(os.sched_getaffinity(0)))
    emulators = [_EmulatorProcess(game, seed + i) for i in range(processes)]
    rng = np.random.default_rng(seed)
    actions = rng.integers(spec.actions.num_values, size=(turns + 1, steps, num))
    environments.reset(range(num))
    rates = []
    for turn in actions:
        start = time.perf_counter()
        for chosen in turn:
            timesteps = environments.step(chosen)
            last = [i for i, timestep in enumerate(timesteps) if timestep.last()]
            if last:
                environments.reset(last)
        middle = time.perf_counter()
        # As many agent steps in all, to a step or so for each process.
        share = turn.reshape(-1)[: turn.size // processes].tolist()
        for emulator in emulators:
            emulator.start(share)
        for emulator in emulators:
            emulator.finish()
        end = time.perf_counter()
        played = processes * len(share)
        rates.append((turn.size / (middle - start), played / (end - middle)))
    environments.close()
    for emulator in emulators:
        emulator.close()
    ours, floor = np.array(rates[1:]).T  # The first warms up.
    return {
        "game": game,
        "environments": num,
        "processes": processes,
        "emulator_steps_per_second": float(np.median(floor)),
        "agent_steps_per_second": float(np.median(ours)),
        "ratio": float(np.median(ours / floor)),
        "floor": _FLOOR_MANY,
    }


def main(_: list[str]) -> None:
    """Prints a row a game, then one for each number of environments."""
    try:
        games = [resolve_game(name) for name in _GAMES.value]
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    table = Table(
        {
            "game": "<20",
            "frames/s": ">10.0f",
            "steps/s": ">9.0f",
            "ratio": ">7.3f",
            "floor": ">7.2f",
            **{f"{part} us": f">{len(part) + 5}.1f" for part in _PARTS},
        }
    )
    one = []
    for game in games:
        row = _measure(game, _STEPS.value, _TURNS.value, _SEED.value)
        one.append(row)
        *figures, parts = row.values()
        table.add(*figures, *parts.values())
    print()
    table = Table(
        {
            "game": "<20",
            "environments": ">13",
            "processes": ">10",
            "emulators alone, steps/s": ">25.0f",
            "steps/s": ">9.0f",
            "ratio": ">7.3f",
            "floor": ">7.2f",
        }
    )
    several = []
    for game, num in itertools.product(games, map(int, _ENVIRONMENTS.value)):
        turns = max(1, _TURNS.value // 10)
        row = _measure_many(game, num, _STEPS.value, turns, _SEED.value)
        several.append(row)
        table.add(*row.values())
    write_json({"one": one, "several": several})


if __name__ == "__main__":
    app.run(main)
