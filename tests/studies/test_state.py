"""A run's state is what its folder says."""

import dataclasses
import os

import pytest

from acme_moe.runs import config as config_lib
from acme_moe.studies import cost, locks, tables
from acme_moe.studies.state import (
    WITHOUT_EFFECT,
    FolderState,
    comparable,
    last_line,
    read_state,
)
from tests.studies.runs import planned, write_run


def test_nothing_is_waiting(tmp_path):
    assert read_state(planned(), tmp_path) == FolderState(state="waiting")


def test_finished(tmp_path):
    write_run(tmp_path / planned().name)
    expected = FolderState(state="finished", position=100, wall_seconds=50.0)
    assert read_state(planned(), tmp_path) == expected


@pytest.mark.parametrize(
    ("run", "state", "reason"),
    [
        ({"status": "interrupted", "steps": 40}, "stopped", "interrupted"),
        ({"status": "running", "steps": 40}, "stopped", "ended without saving"),
        ({"status": "finished", "length": 200}, "stopped", "shorter than asked for"),
        ({"status": "failed: loss is nan"}, "failed", "loss is nan"),
        (
            {"network": {"moe": "none"}},
            "failed",
            "other settings there: network.moe is 'none', not 'soft'",
        ),
        ({"game": None}, "failed", "other settings there: game is None, not 'Pong'"),
    ],
)
def test_what_is_not_finished_says_why(tmp_path, run, state, reason):
    write_run(tmp_path / planned().name, **run)
    found = read_state(planned(), tmp_path)
    assert (found.state, found.reason) == (state, reason)


def test_a_tuple_is_the_list_that_the_config_has(tmp_path):
    run = planned(**{"network.mlp_widths": (256, 128)})
    write_run(tmp_path / run.name, network={"moe": "soft", "mlp_widths": [256, 128]})
    assert read_state(run, tmp_path).finished
    write_run(tmp_path / run.name, network={"moe": "soft", "mlp_widths": [256]})
    reason = "network.mlp_widths is (256,), not (256, 128)"
    assert read_state(run, tmp_path).reason == f"other settings there: {reason}"


def test_fixed_data_may_have_moved(tmp_path):
    write_run(tmp_path / planned().name, dataset={"path": "/old"})
    assert read_state(planned(**{"dataset.path": "/new"}), tmp_path).state == "finished"


@pytest.mark.parametrize(
    "setting",
    [
        {"checkpoint_every_minutes": 5.0},
        {"loggers": "csv"},
        {"dataset": {"workers": 8}},
    ],
)
def test_settings_without_effect_may_have_changed(tmp_path, setting):
    write_run(tmp_path / planned().name)
    assert read_state(planned(**setting), tmp_path).finished
    # However they are written.
    assert comparable({**setting, "seed": 1}) == {"seed": 1}


def test_what_has_no_effect_may_change_when_a_run_is_resumed():
    of_one_process = {x for x in WITHOUT_EFFECT if not x.startswith("distributed.")}
    assert of_one_process <= config_lib._MAY_CHANGE


def test_a_run_on_fixed_data_counts_updates(tmp_path):
    write_run(
        tmp_path / planned().name, num_iterations=2, updates_per_iteration=50, steps=0
    )
    assert read_state(planned(), tmp_path).state == "stopped"


@pytest.mark.parametrize("text", ["", "{", '"x"', "\xff"])
def test_a_damaged_summary_is_no_success(tmp_path, text):
    folder = tmp_path / planned().name
    write_run(folder)
    (folder / "summary.json").write_text(text, encoding="latin-1")
    assert read_state(planned(), tmp_path).state == "stopped"


def test_a_run_that_left_only_a_log_failed_with_its_last_line(tmp_path):
    folder = tmp_path / planned().name
    folder.mkdir(parents=True)
    (folder / "sweep.log").write_text(
        "Traceback\nValueError: no\n\nPass --helpshort or --helpfull to see help\n"
        "[reverb/cc/platform/default/server.cc:84] Shutting down replay server\n"
    )
    found = read_state(planned(), tmp_path)
    assert (found.state, found.reason) == ("failed", "ValueError: no")


def test_the_last_line_of_a_long_log(tmp_path):
    path = tmp_path / "log"
    path.write_text("x" * 10_000 + "\nthe end\n")
    assert last_line(path) == "the end"
    assert last_line(tmp_path / "none") == ""


def test_a_locked_folder_is_running_until_the_lock_is_left(tmp_path):
    folder = tmp_path / planned().name
    write_run(folder, status="running", steps=40)
    lock = locks.take(folder)
    assert lock is not None
    assert locks.take(folder) is None
    assert read_state(planned(), tmp_path).state == "running"
    os.close(lock)
    assert read_state(planned(), tmp_path).state == "stopped"


def state_of(state, position=0, seconds=None):
    return FolderState(state=state, position=position, wall_seconds=seconds)


def test_speeds_are_measured_ones_only(tmp_path):
    runs = [planned(f"{arm}/Pong/{seed}") for arm in "ab" for seed in (0, 1)]
    states = {
        "a/Pong/0": state_of("finished", 100, 50.0),
        "a/Pong/1": state_of("finished", 100, 150.0),
        "b/Pong/0": state_of("stopped", 10, 30.0),
        "b/Pong/1": state_of("waiting"),
    }
    finished = cost.seconds_per_step(runs, states, finished_only=True)
    assert finished == {"a": 1.0}
    assert cost.seconds_per_step(runs, states, finished_only=False) == {
        "a": 1.0,
        "b": 3.0,
    }


def test_costs_follow_from_config_and_settings(tmp_path):
    online = planned(max_agent_steps=1_000, min_replay_size=200)
    assert cost.steps(online) == (1_000, 200)
    doubled = planned(max_agent_steps=1_000, min_replay_size=200, replay_ratio=2.0)
    assert cost.steps(doubled) == (1_000, 1_600)
    # 50 M agent steps, an update every fourth after 20,000: the paper's DQN.
    assert cost.steps(planned()) == (50_000_000, 12_495_000)
    # A config file need not have every field.
    mine = tmp_path / "mine.py"
    mine.write_text("def get_config():\n    return {'max_agent_steps': 30_000}\n")
    run = dataclasses.replace(planned(), config=str(mine))
    assert cost.steps(run) == (30_000, 2_500)
    # What is set is a config only as a whole.
    mine.write_text(
        "def get_config():\n"
        "    return {'loss': 'quantile', 'network': {'num_quantiles': 8}}\n"
    )
    other = {"agent": "rainbow", "loss": "c51", "network.num_quantiles": None}
    run = dataclasses.replace(run, settings=other)
    assert cost.steps(run).agent_steps == 50_000_000


def test_time_left_and_hours():
    runs = [planned(f"{arm}/Pong/0", max_agent_steps=36_000) for arm in "ab"]
    states = {"a/Pong/0": state_of("stopped", 18_000), "b/Pong/0": state_of("waiting")}
    assert cost.seconds_left(runs, {}, states, runs, 1) is None
    # 18,000 steps at 0.5 s, and 36,000 of an arm taken to be as fast; two at once.
    assert cost.seconds_left(runs, {"a": 0.5}, states, runs, 2) == 13_500
    # A run that acts says nothing of one that learns from fixed data.
    offline = dataclasses.replace(
        planned("c/Pong/0", num_iterations=2, updates_per_iteration=10),
        config="cql_atari",
    )
    states["c/Pong/0"] = state_of("waiting")
    everything = [*runs, offline]
    assert cost.seconds_left([offline], {"a": 0.5}, states, everything, 1) is None
    assert cost.seconds_left([offline], {"c": 3.0}, states, everything, 1) == 60
    assert cost.hours(runs, {"a": 0.5}) == (5.0, 1, 1)
    assert cost.hours(runs, {}) == (0, 0, 2)


def test_tables_never_make_up_hours():
    runs = [planned(max_agent_steps=36_000)]
    states = {runs[0].name: state_of("waiting")}
    unknown = tables.cost_table(runs, states, {}, "")
    assert "hours: not known" in unknown
    known = tables.cost_table(runs, states, {"arm": 0.5}, "at 2 steps/s")
    assert "hours of one device, at 2 steps/s: 5.0 for 1 runs" in known
    assert "36,000" in known


def test_the_table_says_what_failed_and_why():
    runs = [planned("a/Pong/0"), planned("b/Pong/0")]
    states = {
        "a/Pong/0": state_of("finished"),
        "b/Pong/0": FolderState(state="failed", reason="loss is nan"),
    }
    text = tables.state_table(runs, states)
    assert "b/Pong/0: failed: loss is nan" in text
    assert text.splitlines()[1].split() == ["a", "1", "0", "0", "0", "0"]
    assert text.splitlines()[3].split() == ["all", "1", "0", "0", "1", "0"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (600, "10 min"), (7_200, "2 h"), (360_000, "4 d 4 h")],
)
def test_durations(seconds, words):
    assert tables.duration(seconds) == words
