r"""Trains an agent on a game in one process.

    python launchers/train.py --config=configs/dqn_atari.py --config.game=Pong \
        --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE, nested ones as
--config.network.num_experts=4. A run that was stopped, by Ctrl-C or otherwise, is
resumed by `python launchers/train.py --workdir=runs/pong`.
"""

import sys

from acme_moe.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
