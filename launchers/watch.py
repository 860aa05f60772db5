r"""Films an agent at play, and which parts of the picture its experts take.

    python launchers/watch.py --checkpoint=runs/pong --out=pong.mp4

The agent of a run's newest checkpoint, or of a given one, plays with the evaluation
policy. Beside the game stand the dispatch weights of its mixture and its Q-values.
"""

import sys
from pathlib import Path

import console
from absl import app, flags

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", None, "Folder of a run, or of one of its checkpoints.", required=True
)
OUT = flags.DEFINE_string(
    "out", None, "File to write, NAME.mp4 or NAME.gif.", required=True
)
EPISODES = flags.DEFINE_integer("episodes", 1, "Games to play.", lower_bound=1)
MAX_STEPS = flags.DEFINE_integer(
    "max_steps",
    1_000,
    "Agent steps, one frame each, after which it ends all the same; 0 for no limit.",
    lower_bound=0,
)
FPS = flags.DEFINE_float(
    "fps", 15.0, "Frames a second; 15 is the speed of the console.", lower_bound=0.1
)
SEED = flags.DEFINE_integer("seed", 0, "Of emulator and policy.", lower_bound=0)


def main() -> int:
    """Plays, films, and says how it went."""
    out = Path(OUT.value)
    from acme_moe.experiments import video

    try:
        write = video.writer_for(out)
    except ValueError as error:
        console.fail(f"--out: {error}")
    if not out.parent.is_dir():
        console.fail(f"--out: {out.parent} is not a folder")

    from acme_moe.experiments import watching
    from acme_moe.experiments.checkpoints import DamagedCheckpointError
    from acme_moe.experiments.drawing import draw

    try:
        experiment, checkpoint = watching.find_checkpoint(Path(CHECKPOINT.value))
    except watching.NoCheckpointError as error:
        console.fail(f"--checkpoint: {error}")
    except DamagedCheckpointError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    moments = watching.play(
        experiment,
        checkpoint,
        episodes=EPISODES.value,
        max_steps=MAX_STEPS.value or None,
        seed=SEED.value,
    )
    frames = write(map(draw, moments), out, FPS.value)
    print(f"{checkpoint.path}: {frames} agent steps of {experiment.run.game} in {out}")
    return 0


def _parse(argv: list[str]) -> list[str]:
    rest = app.parse_flags_with_usage(argv)
    if len(rest) > 1:
        console.fail(f"{rest[1]!r} is not a flag; --help names them")
    return rest


if __name__ == "__main__":
    console.be_quiet()
    app.run(lambda _: main(), flags_parser=_parse)
