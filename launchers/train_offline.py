r"""Trains an agent on fixed data of an Atari game, and evaluates it on the game.

    python launchers/train_offline.py --config=configs/cql_atari.py \
        --config.game=Pong --config.dataset.path=DIR --config.dataset.fraction=0.05 \
        --workdir=runs/cql

DIR is one game and run of the DQN Replay Dataset, or what an online run wrote with
--config.record=DIR. Any field of the config is set as --config.FIELD=VALUE. A run that
was stopped goes on with `python launchers/train_offline.py --workdir=runs/cql`.
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

    from acme_moe.experiments.config import OfflineExperiment

    workdir = Path(config_flag.WORKDIR.value)
    experiment = program.load_experiment(OfflineExperiment, workdir)

    from acme_moe.experiments.offline_run import OfflineRun

    return program.train(OfflineRun, experiment, workdir)


if __name__ == "__main__":
    config_flag.run(main)
