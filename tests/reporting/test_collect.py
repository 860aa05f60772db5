"""What is compared, and what is missing."""

import numpy as np
import pytest

from acme_moe.reporting.collect import collect
from acme_moe.reporting.comparison import Line
from acme_moe.reporting.curves import Curve, curve_of, on_grid
from acme_moe.reporting.runs import BrokenRunError, read_run
from tests.reporting.folders import (
    FIELDS,
    GAMES,
    episode_return,
    planned,
    write_all,
    write_run,
)


def test_a_curve_has_the_means_of_evaluations(tmp_path):
    write_run(tmp_path, evaluation=(0.5, 2.0), training=(1.0, 3.0))
    curve = curve_of(read_run(tmp_path), "evaluation")
    np.testing.assert_array_equal(curve.positions, [400, 800])
    np.testing.assert_allclose(curve.scores, [0.5, 2.0])
    np.testing.assert_allclose(
        curve.returns, [episode_return("Breakout", s) for s in (0.5, 2.0)]
    )
    np.testing.assert_allclose(curve.hours, [1, 2])
    curve = curve_of(read_run(tmp_path), "training")
    np.testing.assert_array_equal(curve.positions, [400, 800])
    np.testing.assert_allclose(curve.scores, [1.0, 3.0])
    np.testing.assert_allclose(curve.hours, [0.9, 1.9])


def test_the_last_iteration_ends_with_the_run(tmp_path):
    # As of 100,000 agent steps between evaluations that are 250,000 apart.
    write_run(tmp_path, evaluation_every=150)
    curve = curve_of(read_run(tmp_path), "training")
    np.testing.assert_array_equal(curve.positions, [600, 800])


def test_a_run_on_fixed_data_is_over_updates(tmp_path):
    write_run(tmp_path, num_iterations=2, updates_per_iteration=100)
    run = read_run(tmp_path)
    np.testing.assert_array_equal(curve_of(run, "evaluation").positions, [100, 200])


def test_a_run_without_wall_times_has_a_curve_all_the_same(tmp_path):
    write_run(tmp_path, fields=FIELDS[:-1])
    curve = curve_of(read_run(tmp_path), "evaluation")
    assert np.isnan(curve.hours).all()
    np.testing.assert_allclose(curve.scores, [0, 1])


def test_final_scores_are_the_last_and_each_has_its_run_and_its_game():
    last = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]])
    ends, games = np.array([100.0, 200.0]), ("Asterix", "Breakout", "Pong")
    # Seeds in no order; the scores were higher before.
    line = Line(
        series="a",
        curves={
            game: {
                seed: Curve(ends, ends, ends, np.array([score + 5, score]))
                for seed, score in ((7, last[1, i]), (3, last[0, i]))
            }
            for i, game in enumerate(games)
        },
    )
    np.testing.assert_array_equal(line.final_scores(games), last)
    points, scores = line.scores_over(games, "positions")
    np.testing.assert_array_equal(points, ends)
    np.testing.assert_array_equal(scores, np.stack([last + 5, last], axis=-1))


def test_curves_are_compared_where_all_of_them_are():
    def curve(positions, scores):
        positions = np.array(positions)
        # One is not recorded, between two that are.
        hours = np.where(np.arange(len(positions)) == 1, np.nan, positions)
        return Curve(positions, hours, positions, np.array(scores))

    curves = [curve([1.0, 3, 5], [10.0, 30, 50]), curve([2.0, 4, 8], [0.0, 4, 8])]
    points, scores = on_grid(curves, "positions")
    np.testing.assert_array_equal(points, [2, 3, 4, 5])
    np.testing.assert_allclose(scores, [[20, 30, 40, 50], [0, 2, 4, 5]])
    assert on_grid(curves, "hours") is None
    # Of many points a few, over the whole length.
    long = np.arange(1_000.0)
    points, scores = on_grid([curve(long, 2 * long)], "positions")
    assert (points[0], points[-1], len(points)) == (0, 999, 100)
    np.testing.assert_array_equal(scores, [2 * points])


def test_a_complete_study(tmp_path):
    write_all(tmp_path, planned(tmp_path))
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert panel.title == "DQN\n2 games, 2 seeds"
    assert panel.games == GAMES
    assert comparison.missing == ()
    scores = panel.final_scores()
    np.testing.assert_allclose(scores["Baseline"], np.zeros((2, 2)), atol=1e-9)
    np.testing.assert_allclose(scores["Soft MoE"], np.ones((2, 2)))


def test_fewer_seeds_than_planned_are_stated_and_never_averaged_unevenly(tmp_path):
    cells = planned(tmp_path)
    unfinished = "dqn-soft_moe/Pong/0"
    scores = {"dqn-soft_moe/Breakout/0": 0.25}
    write_all(tmp_path, [c for c in cells if c.name != unfinished], scores)
    write_run(tmp_path / unfinished, game="Pong", status="running")
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert panel.title == "DQN\n2 games, 1-2 of 2 seeds"
    assert panel.final_scores()["Baseline"].shape == (2, 2)
    # The first finished run of each game.
    np.testing.assert_allclose(panel.final_scores()["Soft MoE"], [[0.25, 1]])
    assert panel.lines[1].num_left_out(panel.games) == 1
    assert comparison.missing == ((unfinished, "stopped: ended without saving"),)


def test_a_game_that_one_line_lacks_is_compared_in_none(tmp_path):
    cells = planned(tmp_path)
    write_all(
        tmp_path, [c for c in cells if not c.name.startswith("dqn-baseline/Pong")]
    )
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert panel.games == ("Breakout",)
    assert panel.title == "DQN\n1 of 2 games, 2 seeds"
    assert [missing.reason for missing in comparison.missing] == ["not started"] * 2


def test_an_arm_without_a_run_does_not_empty_the_figure(tmp_path):
    cells = planned(tmp_path)
    write_all(tmp_path, [c for c in cells if c.arm == "dqn-soft_moe"])
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert [line.label for line in panel.lines] == ["Soft MoE"]
    assert len(comparison.missing) == 4


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("scores.csv", ",".join(FIELDS) + "\n100,100,evaluation,1,3.", "line 2 is dam"),
        ("scores.csv", ",".join(FIELDS) + "\n\0\0\0", "scores.csv: is damaged"),
        ("scores.csv", "agent_steps\n", "names of its columns"),
        ("scores.csv", ",".join(FIELDS) + "\n", "no evaluation game ended"),
        ("scores.csv", None, "has no scores.csv"),
        ("summary.json", '{"status": "fin', "stopped"),
        ("config.json", "", "other settings there"),
    ],
)
def test_half_written_folders_are_listed(tmp_path, name, text, reason):
    cells = planned(tmp_path)
    write_all(tmp_path, cells)
    damaged = tmp_path / cells[0].name / name
    damaged.unlink()
    if text is not None:
        damaged.write_text(text)
    comparison = collect(tmp_path)["evaluation"]
    (missing,) = comparison.missing
    assert missing.run == cells[0].name
    assert reason in missing.reason
    (panel,) = comparison.panels
    assert panel.final_scores()["Baseline"].shape == (1, 2)


def test_any_folder_of_runs_is_grouped_by_agent_and_settings(tmp_path):
    for moe in ("none", "soft"):
        for seed in (0, 1):
            write_run(tmp_path / f"{moe}_{seed}", moe=moe, seed=seed)
    write_run(tmp_path / "again", moe="soft", seed=1)
    write_run(tmp_path / "open", moe="soft", seed=2, status="interrupted")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert panel.title == "dqn\n1 game, 2 seeds"
    assert {line.label for line in panel.lines} == {"Baseline", "Soft MoE"}
    reasons = {missing.run: missing.reason for missing in comparison.missing}
    assert reasons.pop("open") == "interrupted"
    assert "has no summary.json" in reasons.pop("empty")
    assert list(reasons.values()) == ["another run has its settings, game and seed"]


def test_lines_without_a_game_in_common_are_listed(tmp_path):
    write_run(tmp_path / "a", moe="none", game="Pong")
    write_run(tmp_path / "b", moe="soft", game="Breakout")
    comparison = collect(tmp_path)["evaluation"]
    assert comparison.panels == ()
    assert comparison.missing == (("dqn", "its lines have no game in common"),)


def test_a_line_that_shares_no_game_does_not_empty_the_panel(tmp_path):
    write_run(tmp_path / "demo", moe="soft", game="RoadRunner", loss="huber")
    for moe in ("none", "soft"):
        write_run(tmp_path / moe, moe=moe, game="Pong", loss="squared")
    comparison = collect(tmp_path)["evaluation"]
    (panel,) = comparison.panels
    assert panel.games == ("Pong",)
    assert len(panel.lines) == 2
    (missing,) = comparison.missing
    assert missing.run == 'dqn, Soft MoE, loss="huber"'
    assert missing.reason == "it shares no game with the others"


def test_a_line_alone_is_told_by_its_agent_and_layer(tmp_path):
    write_run(tmp_path / "run")
    (panel,) = collect(tmp_path)["evaluation"].panels
    assert panel.lines[0].label == "dqn with Soft MoE, 8 experts (impala)"


def test_runs_of_an_arm_that_differ_in_what_the_study_leaves_open(tmp_path):
    cells = planned(tmp_path, num_seeds=3)
    write_all(tmp_path, cells)
    old = "dqn-baseline/Pong/1"
    write_run(tmp_path / old, game="Pong", seed=1, moe="none", loss="huber")
    comparison = collect(tmp_path)["evaluation"]
    ((name, reason),) = comparison.missing
    assert name == old
    assert reason == 'other settings than its arm\'s: loss="huber" for nothing'
    assert comparison.panels[0].lines[0].num_runs(GAMES) == 2


def test_no_run_at_all_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        collect(tmp_path)
    with pytest.raises(BrokenRunError, match=r"has no config.json"):
        read_run(tmp_path)
