"""What a run's folder keeps when the run resumes from a checkpoint."""

import csv

from acme_moe.agents.cql import CQLConfig
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.spec import OfflineRunConfig, OfflineRunSpec
from acme_moe.runs.state import RunState
from tests.runs import tiny


def positions(folder):
    with (folder / "scores.csv").open(newline="") as stream:
        return [(row["kind"], row["agent_steps"]) for row in csv.DictReader(stream)]


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    result = EpisodeResult(1.0, 100)
    for steps, kind in ((100, "training"), (200, "evaluation"), (250, "training")):
        folder.add_score(RunState(agent_steps=steps), kind, 1, result)
    folder.forget_scores_after(RunState(agent_steps=200, evaluated_at=200))
    assert positions(tmp_path) == [("training", "100"), ("evaluation", "200")]


def test_an_evaluation_right_after_the_checkpoint_is_forgotten_too(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    result = EpisodeResult(1.0, 100)
    for steps in (100, 200):
        folder.add_score(RunState(agent_steps=steps), "evaluation", 1, result)
    # Saved at step 200, before the evaluation there.
    folder.forget_scores_after(RunState(agent_steps=200, evaluated_at=100))
    assert positions(tmp_path) == [("evaluation", "100")]


def test_a_row_that_a_kill_cut_short_is_forgotten(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    folder.add_score(RunState(agent_steps=100), "training", 1, EpisodeResult(1.0, 100))
    with (tmp_path / "scores.csv").open("a") as stream:
        stream.write("150,12,train")
    folder.forget_scores_after(RunState(agent_steps=200))
    assert positions(tmp_path) == [("training", "100")]


def test_without_agent_steps_updates_tell_the_position(tmp_path):
    spec = OfflineRunSpec(run=OfflineRunConfig(), agent=CQLConfig())
    folder = RunFolder(tmp_path, spec)
    for updates in (50, 100):
        state = RunState(learner_steps=updates)
        folder.add_score(state, "evaluation", 1, EpisodeResult(1.0, 100))
    folder.forget_scores_after(RunState(learner_steps=100, evaluated_at=50))
    with (tmp_path / "scores.csv").open(newline="") as stream:
        assert [row["learner_steps"] for row in csv.DictReader(stream)] == ["50"]


def test_each_score_has_its_wall_time(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    for seconds in (1.5, 2.5):
        state = RunState(agent_steps=100, wall_seconds=seconds)
        folder.add_score(state, "training", 1, EpisodeResult(1.0, 100))
    with (tmp_path / "scores.csv").open(newline="") as stream:
        assert [row["wall_seconds"] for row in csv.DictReader(stream)] == ["1.5", "2.5"]


def test_scores_from_before_wall_times_get_an_empty_column(tmp_path):
    (tmp_path / "scores.csv").write_text(
        "agent_steps,learner_steps,kind,episode,episode_return,episode_length,"
        "human_normalized_score\n100,1,training,1,3.0,50,0.5\n"
    )
    folder = RunFolder(tmp_path, tiny.spec())
    folder.forget_scores_after(RunState(agent_steps=100))
    state = RunState(agent_steps=200, wall_seconds=7.0)
    folder.add_score(state, "training", 2, EpisodeResult(1.0, 100))
    with (tmp_path / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["wall_seconds"] for row in rows] == ["", "7.0"]
    assert [row["agent_steps"] for row in rows] == ["100", "200"]
