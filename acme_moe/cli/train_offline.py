r"""Trains an agent on fixed data of a game, and evaluates it on the game.

    acme-moe train_offline --config=cql_atari --config.game=Pong \
        --config.dataset.path=DIR --config.dataset.fraction=0.05 --workdir=runs/cql

DIR is one game and run of the DQN Replay Dataset, or what an online run wrote with
--config.record=DIR. Any field of the config is set as --config.FIELD=VALUE. A run that
was stopped is resumed by `acme-moe train_offline --workdir=runs/cql`.
"""

import sys
from collections.abc import Sequence

from acme_moe import compilation, memory
from acme_moe.cli import outcome, run_flags


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, or resumes, and says how it ended; returns the exit status."""
    given = run_flags.parse(argv, __doc__)
    memory.keep_freed()
    compilation.keep()

    from acme_moe.runs.spec import OfflineRunSpec

    spec = given.load_spec(OfflineRunSpec)

    from acme_moe.runs.offline import OfflineRun

    return outcome.train(OfflineRun, spec, given)


if __name__ == "__main__":
    sys.exit(main())
