"""Records a video of an agent at play, and of what each of its experts looks at.

    acme-moe watch --checkpoint=runs/pong --out=pong.mp4

The agent of a run's newest checkpoint, or of a given one, plays with the evaluation
policy. Beside the game, the video shows its Q-values and, where the tokens of its
mixture are places of the picture, their dispatch weights.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from acme_moe import compilation
from acme_moe.cli import outcome
from acme_moe.cli.console import fail, parse_flags


def main(argv: Sequence[str] | None = None) -> int:
    """Plays, records, and says how it went; returns the exit status."""
    folder = flags.DEFINE_string(
        "checkpoint",
        None,
        "Folder of a run, or of one of its checkpoints.",
        required=True,
    )
    file = flags.DEFINE_string(
        "out", None, "File to write, NAME.mp4 or NAME.gif.", required=True
    )
    episodes = flags.DEFINE_integer("episodes", 1, "Games to play.", lower_bound=1)
    max_steps = flags.DEFINE_integer(
        "max_steps",
        1_000,
        "Agent steps, one frame each, after which the video ends in any case; 0 for no "
        "limit.",
        lower_bound=0,
    )
    fps = flags.DEFINE_float(
        "fps",
        15.0,
        "Frames a second; 15 is the speed of the console.",
        lower_bound=0.1,
    )
    seed = flags.DEFINE_integer(
        "seed", 0, "Seed of emulator and policy.", lower_bound=0, upper_bound=2**32 - 1
    )
    parse_flags(argv, __doc__)
    compilation.keep()

    from acme_moe.environments import UnplayableError
    from acme_moe.viewing import film

    out = Path(file.value)
    try:
        write = film.writer_for(out)
    except ValueError as error:
        fail(f"--out: {error}")
    if not out.parent.is_dir():
        fail(f"--out: {out.parent} is not a folder")

    from acme_moe import disk
    from acme_moe.networks.token_grid import NoTokenGridError
    from acme_moe.runs.trained import NoCheckpointError, load
    from acme_moe.viewing import drawing, play

    try:
        agent = load(folder.value, seed=seed.value)
    except NoCheckpointError as error:
        fail(f"--checkpoint: {error}")
    except ValueError as error:
        return outcome.failed(error)
    decisions = play.play(
        agent,
        episodes=episodes.value,
        max_steps=max_steps.value or None,
        seed=seed.value,
    )
    try:
        with disk.writing(out):
            frames = write(map(drawing.draw, decisions), out, fps.value)
    except (disk.DiskError, UnplayableError) as error:
        return outcome.failed(error)
    game = agent.spec.run.game
    print(f"{agent.checkpoint.path}: {frames} agent steps of {game} in {out}")
    try:
        agent.token_grid()
    except NoTokenGridError as error:
        print(f"without maps of the routing: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
