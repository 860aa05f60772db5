r"""Trains an agent on a game in one process.

    acme-moe train --config=dqn_atari --config.game=Pong --workdir=runs/pong

Any field of the config is set as --config.FIELD=VALUE, nested ones as
--config.network.num_experts=4. A run that was stopped, by Ctrl-C or otherwise, is
resumed by `acme-moe train --workdir=runs/pong`.
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

    from acme_moe.runs.spec import OnlineRunSpec

    spec = given.load_spec(OnlineRunSpec)

    from acme_moe.runs.online import OnlineRun

    return outcome.train(OnlineRun, spec, given)


if __name__ == "__main__":
    sys.exit(main())
