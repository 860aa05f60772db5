r"""Trains an agent on an Atari game in one process.

    python launchers/train.py --config=configs/dqn_atari.py --config.game=Pong \
        --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE, nested ones as
--config.network.num_experts=4. A run that was stopped, by Ctrl-C or otherwise,
goes on with `python launchers/train.py --workdir=runs/pong`.
"""

from pathlib import Path

import config_flag
import program
from absl import flags

flags.adopt_module_key_flags(config_flag)


def main() -> int:
    """Trains, or goes on training, and says how it ended."""
    from acme_moe import memory

    memory.keep_freed()

    from acme_moe.experiments.config import Experiment

    workdir = Path(config_flag.WORKDIR.value)
    experiment = program.load_experiment(Experiment, workdir)

    from acme_moe.experiments.training import TrainingRun

    return program.train(TrainingRun, experiment, workdir)


if __name__ == "__main__":
    config_flag.run(main)
