"""What a run's folder keeps when the run resumes from a checkpoint."""

from unittest import mock

from acme.utils import counting

from acme_moe.agents.cql import CQLConfig
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.learner_session import LearnerSession
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from acme_moe.runs.state import RunState
from tests.programs import rows
from tests.runs import tiny


def positions(folder):
    return [(row["kind"], row["agent_steps"]) for row in rows(folder / "scores.csv")]


def test_what_came_after_the_checkpoint_is_forgotten(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    result = EpisodeResult(1.0, 100)
    for steps, kind in ((100, "training"), (200, "evaluation"), (250, "training")):
        folder.add_score(RunState(agent_steps=steps), kind, 1, result)
    folder.forget_scores_after(RunState(agent_steps=200, evaluated_at=200))
    assert positions(tmp_path) == [("training", "100"), ("evaluation", "200")]


def test_a_measurement_between_the_checkpoint_and_the_next_update_is_forgotten(
    tmp_path,
):
    text = "agent_steps,learner_steps\n100,10\n148,12\n150,12\n152,13\n"
    for log in ("learner", "diagnostics"):
        (tmp_path / f"{log}.csv").write_text(text)
    folder = RunFolder(tmp_path, tiny.spec())
    folder.forget_updates_after(RunState(agent_steps=148, learner_steps=12))
    measured = (tmp_path / "diagnostics.csv").read_text().split()
    assert measured == ["agent_steps,learner_steps", "100,10", "148,12"]
    # The learner may have been told of more steps than the resumed run has.
    assert (tmp_path / "learner.csv").read_text().split() == [*measured, "150,12"]


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


def test_files_that_a_full_disk_left_empty_get_their_columns(tmp_path):
    names = ("scores", "learner", "diagnostics")
    row = {"agent_steps": 100, "learner_steps": 9}
    for name, left in zip(names, (b"", b"", b"\0" * 20), strict=True):
        (tmp_path / f"{name}.csv").write_bytes(left)
    for _ in range(2):
        folder = RunFolder(tmp_path, tiny.spec())
        state = RunState(agent_steps=100, learner_steps=10)
        folder.forget_scores_after(state)
        folder.forget_updates_after(state)
        folder.add_score(state, "training", 1, EpisodeResult(1.0, 100))
        for name in names[1:]:
            folder.make_full_logger(name).write(row)
        folder.close()
    assert positions(tmp_path) == [("training", "100")] * 2
    for name in names[1:]:
        log = rows(tmp_path / f"{name}.csv")
        assert [row["learner_steps"] for row in log] == ["9"] * 2


def test_a_resumed_run_may_log_more_and_less_than_before(tmp_path):
    logged = (
        {"agent_steps": 36, "learner_steps": 9, "loss": 0.5},
        {"agent_steps": 40, "learner_steps": 10, "expert_entropy": 2.0, "zeros": 0},
        {"agent_steps": 44, "learner_steps": 11, "loss": 0.25},
    )
    for row in logged:
        folder = RunFolder(tmp_path, tiny.spec())
        folder.forget_updates_after(RunState(learner_steps=20))
        logger = folder.make_full_logger("learner")
        logger.write(row)
        folder.close()
    written = rows(tmp_path / "learner.csv")
    for row, values in zip(logged, written, strict=True):
        given = {name: float(value) for name, value in values.items() if value}
        assert given == row


def test_without_agent_steps_updates_tell_the_position(tmp_path):
    spec = OfflineRunSpec(run=OfflineRunConfig(), agent=CQLConfig())
    folder = RunFolder(tmp_path, spec)
    for updates in (50, 100):
        state = RunState(learner_steps=updates)
        folder.add_score(state, "evaluation", 1, EpisodeResult(1.0, 100))
    folder.forget_scores_after(RunState(learner_steps=100, evaluated_at=50))
    (row,) = rows(tmp_path / "scores.csv")
    assert row["learner_steps"] == "50"


def test_each_score_has_its_wall_time(tmp_path):
    folder = RunFolder(tmp_path, tiny.spec())
    for seconds in (1.5, 2.5):
        state = RunState(agent_steps=100, wall_seconds=seconds)
        folder.add_score(state, "training", 1, EpisodeResult(1.0, 100))
    scores = rows(tmp_path / "scores.csv")
    assert [row["wall_seconds"] for row in scores] == ["1.5", "2.5"]


def old_and_new_score(folder, text, state):
    """The rows of a folder with old scores, 100 steps long, after a new one."""
    (folder / "scores.csv").write_text(text)
    run_folder = RunFolder(folder, tiny.spec())
    run_folder.forget_scores_after(RunState(agent_steps=100))
    run_folder.add_score(state, "training", 2, EpisodeResult(1.0, 100))
    return rows(folder / "scores.csv")


def test_scores_from_before_wall_times_get_an_empty_column(tmp_path):
    scores = old_and_new_score(
        tmp_path,
        "agent_steps,learner_steps,kind,episode,episode_return,episode_length,"
        "human_normalized_score\n100,1,training,1,3.0,50,0.5\n",
        RunState(agent_steps=200, wall_seconds=7.0),
    )
    assert [row["wall_seconds"] for row in scores] == ["", "7.0"]
    assert [row["agent_steps"] for row in scores] == ["100", "200"]


def test_scores_from_before_updates_were_counted_keep_their_columns(tmp_path):
    scores = old_and_new_score(
        tmp_path,
        "actor_steps,kind,episode,episode_return,episode_length,"
        "human_normalized_score\n100,training,1,3.0,50,0.5\n",
        RunState(agent_steps=200, learner_steps=9),
    )
    assert [row["learner_steps"] for row in scores] == ["", "9"]
    assert [row["episode_return"] for row in scores] == ["3.0", "1.0"]


def test_scores_with_a_column_of_the_users_keep_the_rows_that_follow(tmp_path):
    scores = old_and_new_score(
        tmp_path,
        "agent_steps,kind,episode,episode_return,note\n100,training,1,3.0,mine\n",
        RunState(agent_steps=200),
    )
    assert [row["note"] for row in scores] == ["mine", ""]
    RunFolder(tmp_path, tiny.spec()).forget_scores_after(RunState(agent_steps=200))
    assert positions(tmp_path) == [("training", "100"), ("training", "200")]


def test_zeros_that_a_crash_left_are_forgotten(tmp_path):
    (tmp_path / "learner.csv").write_bytes(
        b"learner_steps,loss\n1,0.5\n2,0.\0\0\0\0\n\0\0\0"
    )
    RunFolder(tmp_path, tiny.spec()).forget_updates_after(RunState(learner_steps=1))
    assert (tmp_path / "learner.csv").read_text().split() == [
        "learner_steps,loss",
        "1,0.5",
    ]


def test_scores_are_on_the_disk_before_a_checkpoint_that_counts_them():
    calls = mock.Mock()
    calls.saves.save.return_value.replay_paths = ()
    # What else it has makes no difference here, and takes seconds to make.
    session = object.__new__(LearnerSession)
    session.learner, session.data = calls.learner, mock.Mock(stored=())
    session._spec, session._folder = tiny.spec(), calls.folder
    session._checkpoints, session._stores_transitions = calls.saves, False
    session._counter = counting.Counter()
    session.save(RunState)
    assert [name for name, *_ in calls.mock_calls] == [
        "learner.save",
        "folder.sync_scores",
        "saves.save",
    ]
