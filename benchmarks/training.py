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
import tempfile
from pathlib import Path
from typing import Any

from absl import app, flags, logging
from dopamine_process import PYTHON, Worker
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
    dopamine: Worker | None,
) -> Result:
    """Measures one agent."""
    from timed_run import TimedRun

    def play(steps: int) -> None:
        """Lets dopamine take agent steps."""
        assert dopamine is not None
        dopamine.ask({"encoder": encoder, "game": _GAME.value, "steps": steps})

    spec = make_spec(agent, encoder, moe, num_environments)
    ratio = spec.agent.replay_ratio
    with (
        tempfile.TemporaryDirectory() as folder,
        TimedRun(
            *(spec, Path(folder), _UPDATES.value, _ROUNDS.value),
            play if dopamine else None,
        ) as run,
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
    dopamine = Worker("dopamine_training.py") if PYTHON.value else None
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
