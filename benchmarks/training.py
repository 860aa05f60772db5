"""Whole training, beside the sum of what its parts take alone.

    python benchmarks/training.py
    python benchmarks/training.py --agents=rainbow --dopamine_python=/path/to/bin/python
    python benchmarks/training.py --environment=minatar --encoder=minatar_cnn \
        --agents=dqn --game=Breakout --updates=200 --num_environments=1,8

A run of each agent on a real game in one process: emulator, policy, replay and learner,
without evaluation and checkpoints. The floor of an agent step is the emulator's step,
the policy's call and the update's share, each measured alone in the same run, in turns
with the whole; the whole may be below their sum, for the update overlaps with the rest.
What is above their sum is the loop's own time: adders, replay, batches, logs. The
prediction adds to the floor an insert and the update's share of a batch, each alone as
well, and supposes that nothing overlaps.
With `--dopamine_python`, an interpreter that has dopamine-rl 4.1.2, flax, gin-config,
gymnasium, ale-py, opencv and snappy, its Rainbow plays the same game with the same
network at the same ratio in between. Medians over the rounds.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dm_env
import dopamine_process
import numpy as np
from absl import app, flags, logging
from tables import Table, write_json

from acme_moe import memory

_AGENTS = flags.DEFINE_list(
    "agents", ["dqn", "rainbow", "der", "drq_eps"], "Agents; r2d2 takes long."
)
_ENCODERS = flags.DEFINE_list("encoder", ["nature_cnn", "impala"], "Encoders.")
_NUM_ENVIRONMENTS = flags.DEFINE_list("num_environments", ["1"], "Games at once.")
_ENVIRONMENT = flags.DEFINE_enum(
    "environment", "atari", ["atari", "minatar"], "Suite, whose presets are used."
)
_MOES = flags.DEFINE_list("moe", ["soft"], "Penultimate layers.")
_GAME = flags.DEFINE_string("game", "Pong", "Game.")
_SEEDED = flags.DEFINE_bool(
    "seeded", False, "Replay in the process, in place of Reverb."
)
_UPDATES = flags.DEFINE_integer("updates", 10, "Updates a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds.")

_WARM_UP = 200


@dataclasses.dataclass
class Result:
    """Medians of one agent, in milliseconds of an agent step."""

    agent: str
    encoder: str
    moe: str
    num_environments: int
    replay_ratio: float
    agent_steps_per_second: float
    updates_per_second: float
    whole_ms: float
    emulator_ms: float
    policy_ms: float
    update_ms: float
    own_us: float
    add_ms: float
    batch_ms: float
    predicted_ms: float
    floor_share: float
    dopamine_ms: float | None


def make_spec(agent: str, encoder: str, moe: str, num_environments: int) -> Any:
    """Returns the suite's preset of an agent with a short warm-up."""
    from acme_moe.runs.config import from_config_dict, load_config

    name = "r2d2_atari" if agent == "r2d2" else f"{agent}_{_ENVIRONMENT.value}"
    config = load_config(name)
    config.game = _GAME.value
    config.num_environments = num_environments
    # A multiple of any number of environments that is likely.
    config.max_agent_steps = 50_400_000
    config.evaluation_episodes = 0
    config.min_replay_size = _WARM_UP * num_environments
    config.max_replay_size = 20_000
    config.replay.seeded = _SEEDED.value
    config.network.encoder = encoder
    config.network.moe = moe
    return from_config_dict(config)


def measure(
    agent: str,
    encoder: str,
    moe: str,
    num_environments: int,
    dopamine: _Dopamine | None,
) -> Result:
    """Measures one agent."""
    import jax
    from acme.utils import loggers

    from acme_moe.runs.assembly import make_environment
    from acme_moe.runs.online import OnlineRun
    from acme_moe.runs.progress import Progress

    spec = make_spec(agent, encoder, moe, num_environments)
    ratio = spec.agent.replay_ratio
    rounds_of_steps = max(1, round(_UPDATES.value / ratio / num_environments))
    steps = rounds_of_steps * num_environments

    class Timed(OnlineRun):
        """A run that takes turns with its parts alone."""

        milliseconds: dict[str, float]

        def _train(self, progress: Progress) -> None:
            def whole(rounds: int = rounds_of_steps) -> None:
                for _ in range(rounds):
                    self._act(progress)
                    self._learn()
                self.learner.check()

            # Past the warm-up, and until everything is compiled.
            whole(_WARM_UP + max(4, round(4 / ratio / num_environments)))
            parts = {"whole": (whole, steps), **self._alone()}
            times: dict[str, list[float]] = {name: [] for name in parts}
            for _ in range(_ROUNDS.value):
                for name, (run, count) in parts.items():
                    started = time.perf_counter()
                    run()
                    seconds = time.perf_counter() - started
                    times[name].append(1e3 * seconds / count)
            self.milliseconds = {k: statistics.median(v) for k, v in times.items()}

        def _alone(self) -> dict[str, tuple[Callable[[], Any], int]]:
            environment = make_environment(spec, 1)
            rng = np.random.default_rng(0)

            def emulator() -> None:
                timestep = environment.reset()
                for _ in range(400):
                    action = rng.integers(environment.action_spec().num_values)
                    last = timestep.last()
                    timestep = environment.reset() if last else environment.step(action)

            environment_spec = self._parts.environment_spec
            observation = jax.tree.map(
                lambda spec: np.zeros(spec.shape, spec.dtype),
                environment_spec.observations,
            )

            def policy() -> None:
                for _ in range(100):
                    self._actor.select_actions([observation] * num_environments)

            alone = self._parts.builder.make_learner(
                jax.random.PRNGKey(0),
                self._parts.network,
                itertools.repeat(next(self._session.data.samples)),
                lambda *_: loggers.NoOpLogger(),
                environment_spec,
                self._client,
            )

            def update() -> None:
                for _ in range(_UPDATES.value):
                    alone.step()
                alone.check()

            # Fetched ahead by a thread where replay is a server.
            drawn = self._session.data.samples

            def batch() -> None:
                for _ in range(_UPDATES.value):
                    jax.block_until_ready(next(drawn))

            adder = self._parts.builder.make_adder(self._client, environment_spec)
            step = dm_env.transition(np.float32(0), observation, np.float32(1))

            def add() -> None:
                adder.add_first(dm_env.restart(observation))
                for _ in range(100):
                    adder.add(np.int32(0), step)
                adder.reset()

            for warm in (policy, update, batch):
                warm()
            parts: dict[str, tuple[Callable[[], Any], int]] = {
                "emulator": (emulator, 400),
                "policy": (policy, 100 * num_environments),
                "add": (add, 100),
                "batch": (batch, _UPDATES.value),
                "update": (update, _UPDATES.value),
            }
            if dopamine is not None:
                parts["dopamine"] = (dopamine.steps(encoder, steps), steps)
            return parts

    with (
        tempfile.TemporaryDirectory() as folder,
        Timed(spec, Path(folder)) as run,
    ):
        run.run()
        ms = run.milliseconds
    floor = ms["emulator"] + ms["policy"] + ratio * ms["update"]
    return Result(
        agent,
        encoder,
        moe,
        num_environments,
        ratio,
        1e3 / ms["whole"],
        ratio * 1e3 / ms["whole"],
        ms["whole"],
        ms["emulator"],
        ms["policy"],
        ratio * ms["update"],
        1e3 * (ms["whole"] - floor),
        ms["add"],
        ratio * ms["batch"],
        floor + ms["add"] + ratio * ms["batch"],
        floor / ms["whole"],
        ms.get("dopamine"),
    )


class _Dopamine:
    """dopamine's Rainbow in a process of its own."""

    def __init__(self) -> None:
        self._process = dopamine_process.start("dopamine_agent.py")

    def steps(self, encoder: str, count: int) -> Callable[[], None]:
        """Returns a function that takes agent steps, once that has warmed up."""
        request = {"encoder": encoder, "game": _GAME.value}

        def run(steps: int = count) -> None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({**request, "steps": steps}) + "\n")
            self._process.stdin.flush()
            if self._process.stdout.readline().strip() != "done":
                raise RuntimeError("dopamine's process ended; see its message above")

        run(_WARM_UP + 20)
        return run

    def close(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.wait()


def main(_: list[str]) -> None:
    """Prints a row for each agent and encoder."""
    logging.set_verbosity(logging.ERROR)
    memory.keep_freed()  # As launchers/train.py does.
    table = Table(
        {
            "agent": "<10",
            "encoder": "<12",
            "moe": "<6",
            "games": ">6",
            "ratio": ">9g",
            "steps/s": ">9.1f",
            "updates/s": ">11.2f",
            "whole ms": ">10.2f",
            "emulator ms": ">13.2f",
            "policy ms": ">11.2f",
            "update ms": ">11.2f",
            "own us": ">9.0f",
            "add ms": ">8.2f",
            "batch ms": ">10.2f",
            "predicted": ">11.2f",
            "floor/whole": ">13.2f",
            "dopamine ms": ">13.1f",
            "times": ">7.1f",
        }
    )
    dopamine = _Dopamine() if dopamine_process.PYTHON.value else None
    results = []
    for agent, encoder, moe, games in itertools.product(
        _AGENTS.value, _ENCODERS.value, _MOES.value, map(int, _NUM_ENVIRONMENTS.value)
    ):
        theirs = dopamine if (agent, moe, games) == ("rainbow", "soft", 1) else None
        result = measure(agent, encoder, moe, games, theirs)
        results.append(result)
        other = result.dopamine_ms
        table.add(*dataclasses.astuple(result), other and other / result.whole_ms)
    if dopamine is not None:
        dopamine.close()
    write_json(results)


if __name__ == "__main__":
    app.run(main)
