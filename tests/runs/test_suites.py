"""Short runs on each suite but Atari, from the command line to a film."""

import json

import cv2
import pytest

from tests.programs import rows
from tests.runs.test_own_environment import acme_moe

SHORT = [
    "--config.max_agent_steps=140",
    "--config.min_replay_size=60",
    "--config.max_replay_size=1000",
    "--config.batch_size=4",
    "--config.evaluation_every=140",
    "--config.evaluation_episodes=1",
    "--config.network.num_experts=2",
    "--config.network.expert_width=8",
]
MLP = [
    "--config.network.encoder=mlp",
    "--config.network.tokenizer=per_samp",
    "--config.network.mlp_widths=(16,)",
]
RUNS = {
    "dqn_minatar": ["--config=dqn_minatar", "--config.game=space_invaders"],
    "r2d2_catch": [
        "--config=r2d2_atari",
        "--config.environment.name=bsuite",
        *MLP,
        "--config.lstm_size=8",
        "--config.head_width=8",
        "--config.burn_in_length=2",
        "--config.trace_length=4",
        "--config.sequence_period=2",
        "--config.replay_ratio=0.25",
    ],
}


@pytest.mark.parametrize("name", RUNS)
def test_it_trains_and_is_filmed(name, tmp_path):
    limit = ["--config.environment.max_episode_steps=40"] if "minatar" in name else []
    workdir = tmp_path / "run"
    done = acme_moe("train", *RUNS[name], *SHORT, *limit, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    summary = json.loads((workdir / "summary.json").read_text())
    assert summary["learner_steps"] == 20
    assert summary["game"] in ("SpaceInvaders", "Catch")
    assert summary["evaluation_human_normalized_score"] is None
    assert rows(workdir / "scores.csv")
    film = tmp_path / "film.mp4"
    flags = [f"--checkpoint={workdir}", f"--out={film}", "--max_steps=5"]
    watched = acme_moe("watch", *flags)
    assert watched.returncode == 0, watched.stderr
    video = cv2.VideoCapture(str(film))
    assert video.read()[0]


@pytest.mark.parametrize("game", ["CartPole-v1", "tests.gymnasium_room:Room-v0"])
def test_gymnasium(game, tmp_path):
    """Vectors and dictionaries, and what a report says of one."""
    pytest.importorskip("gymnasium")
    done = acme_moe(
        "train",
        "--config=dqn_atari",
        "--config.environment.name=gymnasium",
        f"--config.game={game}",
        *MLP,
        *SHORT,
        f"--workdir={tmp_path / 'run'}",
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["game"], summary["status"]) == (game, "finished")
    assert summary["learner_steps"] > 0
    if game == "CartPole-v1":
        # A report of the other is enough.
        return
    reported = acme_moe(
        "report", f"--workdir={tmp_path}", f"--out={tmp_path / 'out'}", "--reps=20"
    )
    assert reported.returncode == 0, reported.stderr
    (run,) = rows(tmp_path / "out" / "runs.csv")
    assert run["game"] == game
    assert run["human_normalized_score"] == ""
