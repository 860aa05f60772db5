"""Run folders with known scores, studies of them, and files of scores."""

import csv
import json

from acme_moe.environments import SCORES
from acme_moe.studies import catalogue
from acme_moe.studies.plan import make_plan
from acme_moe.studies.plan_file import write_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.scales import Scale
from acme_moe.studies.study import Study

GAMES = ("Breakout", "Pong")

FIELDS = (
    "agent_steps",
    "learner_steps",
    "kind",
    "episode",
    "episode_return",
    "episode_length",
    "human_normalized_score",
    "wall_seconds",
)


def episode_return(game, score):
    """The return with a human-normalised score."""
    low, high, _ = SCORES[game]
    return low + score * (high - low)


def write_run(
    folder,
    game="Breakout",
    seed=0,
    evaluation=(0.0, 1.0),
    training=(0.5, 0.5),
    moe="soft",
    status="finished",
    agent="dqn",
    fields=FIELDS,
    made_with=None,
    **config,
):
    """A run of 100 agent steps between two of its `evaluation` scores.

    The training games of an iteration, one 0.1 above and one 0.1 below, end within it.
    An hour passes between two evaluations.
    """
    every = 100
    folder.mkdir(parents=True, exist_ok=True)
    length = every * len(evaluation)
    settings = {
        "agent": agent,
        "game": game,
        "seed": seed,
        "max_agent_steps": length,
        "evaluation_every": every,
        "environment": {"frame_skip": 4},
        "network": {"moe": moe, "num_experts": 8, "encoder": "impala"},
        **config,
    }
    summary = {
        "status": status,
        "agent": agent,
        "game": game,
        "seed": seed,
        "agent_steps": length,
        "learner_steps": length,
        "wall_seconds": 3_600 * len(evaluation),
    }
    # Runs of earlier versions do not have it.
    summary |= made_with or {}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "summary.json").write_text(json.dumps(summary))
    rows = []
    for i, (trained, evaluated) in enumerate(zip(training, evaluation, strict=True)):
        for at, kind, score in (
            (every * i + 30, "training", trained - 0.1),
            (every * i + 90, "training", trained + 0.1),
            (every * (i + 1), "evaluation", evaluated - 0.2),
            (every * (i + 1), "evaluation", evaluated + 0.2),
        ):
            row = (at, at, kind, 1, episode_return(game, score), 50, score)
            rows.append((*row, 3_600 * at / every))
    with (folder / "scores.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fields, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(dict(zip(FIELDS, row, strict=True)) for row in rows)


def planned(workdir, num_seeds=2):
    """A study of two arms on two games; the names of its runs."""
    study = Study(
        name="two_arms",
        title="Two arms",
        games=GAMES,
        num_seeds=num_seeds,
        arms=catalogue.arms((catalogue.DQN,), (catalogue.BASELINE, catalogue.SOFT_MOE)),
    )
    plan = make_plan(study, Scale(name="tiny"))
    write_plan(plan, workdir)
    return expand(plan, workdir)


def write_all(workdir, cells, last=None):
    """Runs with the scores `last[name]`, or 0 for the baseline and 1 for Soft MoE."""
    for cell in cells:
        moe = cell.settings["network.moe"]
        score = (last or {}).get(cell.name, float(moe == "soft"))
        write_run(
            workdir / cell.name,
            game=cell.settings["game"],
            seed=cell.settings["seed"],
            moe=moe,
            evaluation=(0.0, score),
        )


def write_external(path, rows, header=("game", "seed", "agent", "frames", "score")):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path
