r"""Trains an agent on a game in many processes.

    acme-moe train_distributed --config=dqn_atari --config.game=Pong --num_actors=4 \
        --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE. A run that was stopped, by
Ctrl-C or otherwise, is resumed by `acme-moe train_distributed --workdir=runs/pong`; its
other flags, except --launch_type, are then those that it had.
"""

import dataclasses
import os
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from acme_moe import compilation, files
from acme_moe.cli import outcome, run_flags
from acme_moe.cli.console import fail


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, or resumes, and says how it ended; returns the exit status."""
    launch_type = flags.DEFINE_enum(
        "launch_type",
        "local_mp",
        ["local_mp", "local_mt"],
        "local_mp: processes; local_mt: threads of one process, for debugging.",
    )
    distribution = (
        flags.DEFINE_integer("num_actors", None, "Processes that act; 4 in a new run."),
        flags.DEFINE_integer(
            "num_replay_servers", None, "Reverb servers; 1 in a new run."
        ),
        flags.DEFINE_integer(
            "parameter_period",
            None,
            "Rounds of an actor, each a step in all of its environments, between two "
            "pulls of parameters; 100 in a new run.",
        ),
        flags.DEFINE_float(
            "apex_epsilon",
            None,
            "Gives actor i of N the final epsilon VALUE ** (1 + 7 i / (N - 1)), as "
            "Ape-X does with 0.4; without it all have the agent's.",
        ),
    )
    given = run_flags.parse(argv, __doc__)
    compilation.keep()  # For the nodes' processes too.

    from acme_moe.distributed import config as config_lib
    from acme_moe.runs.spec import RunSpec

    changes: dict[str, Any] = {
        flag.name: flag.value for flag in distribution if flag.value is not None
    }
    any_run: Any = RunSpec  # Abstract: of runs that act, and of those on fixed data.
    spec = given.load_spec(any_run)
    try:
        config = dataclasses.replace(config_lib.read(given.workdir), **changes)
        config_lib.check(config, spec)
    except ValueError as error:
        fail(error)

    from acme_moe.disk import DiskError
    from acme_moe.distributed import launch
    from acme_moe.processes import InterruptedRunError
    from acme_moe.runs.errors import permanent_errors

    try:
        summary = launch.run_distributed(
            spec, given.workdir, config, launch_type=launch_type.value
        )
        status = outcome.finished(summary, given.workdir)
    except InterruptedRunError as interrupt:
        saved = files.read_json(given.workdir / "summary.json")
        status = outcome.interrupted(
            interrupt, f"{saved[spec.steps_key]} {spec.unit}", given
        )
    except DiskError as error:
        status = outcome.out_of_room(error, given)
    except launch.FailedRunError as error:
        status = outcome.failed(error)
    except permanent_errors() as error:  # Imports what they come from.
        status = outcome.failed(error)
    if launch_type.value == "local_mt":
        # Servers' threads may still be there, and the interpreter would wait for them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
