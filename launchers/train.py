r"""Trains an agent on an Atari game in one process.

    python launchers/train.py --config=configs/dqn_atari.py --config.game=Pong \
        --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE, nested ones as
--config.network.num_experts=4. A run that was stopped, by Ctrl-C or otherwise,
goes on with `python launchers/train.py --workdir=runs/pong`.
"""

import os
import shlex
import sys
from pathlib import Path

import config_flag
from absl import flags

flags.adopt_module_key_flags(config_flag)


def main() -> int:
    """Trains, or goes on training, and says how it ended."""
    from acme_moe.experiments import config as config_lib

    workdir = Path(config_flag.WORKDIR.value)
    try:
        experiment = config_lib.from_config_dict(config_flag.CONFIG.value)
        config_lib.check_continues(experiment, workdir)
    except ValueError as error:
        config_flag.fail(str(error))

    from acme_moe.experiments.checkpoints import DamagedCheckpointError
    from acme_moe.experiments.interrupts import InterruptedRunError
    from acme_moe.experiments.training import TrainingRun
    from acme_moe.learning.learner import NonFiniteLossError

    try:
        with TrainingRun(experiment, workdir) as run:
            if run.agent_steps:
                print(f"going on after {run.agent_steps} agent steps", file=sys.stderr)
            summary = run.run()
    except InterruptedRunError as interrupt:
        python = os.path.relpath(sys.executable)
        if python.startswith(".."):
            python = sys.executable
        command = shlex.join([python, sys.argv[0], f"--workdir={workdir}"])
        print(
            f"\n{interrupt}: saved after {run.agent_steps} agent steps. "
            f"To go on:\n  {command}",
            file=sys.stderr,
        )
        return 128 + interrupt.signum
    except (NonFiniteLossError, DamagedCheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    mean = summary["evaluation_return_mean"]
    print(
        f"{summary['agent']} on {summary['game']}: "
        f"{summary['agent_steps']} agent steps, {summary['learner_steps']} updates "
        f"in {summary['wall_seconds']:.0f} s"
        + ("" if mean is None else f"; evaluation return {mean:g}")
        + f"\n{workdir}"
    )
    return 0


if __name__ == "__main__":
    config_flag.run(main)
