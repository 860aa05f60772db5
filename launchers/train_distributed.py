r"""Trains an agent on an Atari game in many processes.

    python launchers/train_distributed.py --config=configs/dqn_atari.py \
        --config.game=Pong --num_actors=4 --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE. A run that was stopped, by
Ctrl-C or otherwise, goes on with
`python launchers/train_distributed.py --workdir=runs/pong`; its other flags are then
those that it had.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import config_flag
import outcome
import program
from absl import flags

flags.adopt_module_key_flags(config_flag)

_LAUNCH_TYPE = flags.DEFINE_enum(
    "launch_type",
    "local_mp",
    ["local_mp", "local_mt"],
    "Processes, or threads of one process to look for errors.",
)
_NUM_ACTORS = flags.DEFINE_integer(
    "num_actors", None, "Processes that act; 4 in a new run."
)
_NUM_REPLAY_SERVERS = flags.DEFINE_integer(
    "num_replay_servers", None, "Reverb servers; 1 in a new run."
)
_PARAMETER_PERIOD = flags.DEFINE_integer(
    "parameter_period",
    None,
    "Steps of an actor between two pulls of parameters; 100 in a new run.",
)
_APEX_EPSILON = flags.DEFINE_float(
    "apex_epsilon",
    None,
    "Gives actor i of N the final epsilon VALUE ** (1 + 7 i / (N - 1)), as Ape-X "
    "does with 0.4; without it all have the agent's.",
)


def main() -> int:
    """Trains, or goes on training, and says how it ended."""
    from acme_moe.experiments.config import AnyExperiment
    from acme_moe.experiments.distributed import settings

    workdir = Path(config_flag.WORKDIR.value)
    given: dict[str, Any] = {
        flag.name: flag.value
        for flag in (
            _NUM_ACTORS,
            _NUM_REPLAY_SERVERS,
            _PARAMETER_PERIOD,
            _APEX_EPSILON,
        )
        if flag.value is not None
    }
    kind: Any = AnyExperiment  # Of runs that act, and of those on fixed data.
    experiment = program.load_experiment(kind, workdir)
    try:
        config = dataclasses.replace(settings.read(workdir), **given)
    except ValueError as error:
        config_flag.fail(str(error))

    from acme_moe.experiments.distributed import launch
    from acme_moe.experiments.interrupts import InterruptedRunError

    try:
        summary = launch.run_distributed(
            experiment, workdir, config, launch_type=_LAUNCH_TYPE.value
        )
        status = outcome.finished(summary, workdir)
    except InterruptedRunError as interrupt:
        saved = json.loads((workdir / "summary.json").read_text())
        done = f"{saved[experiment.fact]} {experiment.unit}"
        status = outcome.interrupted(str(interrupt), interrupt.signum, done, workdir)
    except launch.FailedRunError as error:
        status = outcome.failed(error)
    if _LAUNCH_TYPE.value == "local_mt":
        # Servers' threads may still be there, and the interpreter would wait for them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    config_flag.run(main)
