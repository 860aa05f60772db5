"""Reports on environments without reference scores, and on several suites at once."""

import csv
import json

import numpy as np
import pytest

from acme_moe.reporting import curve_figures, style
from acme_moe.reporting.collect import collect
from acme_moe.reporting.comparison import BASELINE, HUMAN, NONE, Line
from acme_moe.reporting.curves import Curve
from acme_moe.reporting.external import read_external
from acme_moe.reporting.panels import make_panel
from acme_moe.reporting.report import write_report
from acme_moe.reporting.run_figure import draw_curve
from acme_moe.reporting.runs import read_run
from tests.programs import rows
from tests.reporting.folders import episode_return, write_run


def write_plain_run(folder, environment, **settings):
    """A run whose scores are of an environment without references."""
    write_run(folder, environment=environment, **settings)
    path = folder / "scores.csv"
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        plain = [{**row, "human_normalized_score": ""} for row in reader]
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, reader.fieldnames)
        writer.writeheader()
        writer.writerows(plain)


@pytest.fixture
def two_suites(tmp_path):
    """Two lines on MinAtar's Asterix and one on Atari's, which is another game."""
    for moe in ("none", "soft"):
        folder = tmp_path / f"minatar_{moe}"
        write_plain_run(folder, {"name": "minatar"}, game="Asterix", moe=moe)
    write_run(tmp_path / "atari", game="Asterix", evaluation=(0.0, 0.5))
    return tmp_path


def test_each_suite_has_a_panel_and_games_of_one_name_are_not_mixed(two_suites):
    comparison = collect(two_suites)["evaluation"]
    assert comparison.missing == ()
    panels = {panel.name: panel for panel in comparison.panels}
    atari, minatar = panels["dqn, atari"], panels["dqn, minatar"]
    assert len(minatar.lines) == 2
    assert (atari.normalization, minatar.normalization) == (HUMAN, NONE)
    (scores,) = atari.final_scores().values()
    assert scores == pytest.approx(0.5)
    for returns in minatar.final_scores().values():
        assert returns == pytest.approx(episode_return("Asterix", 1.0))
    assert style.iqm_label(atari, "training") == "IQM human-normalised score, training"
    assert style.iqm_label(minatar, "training") == "IQM return, training"
    # An agent step of MinAtar is one frame.
    (curve, _) = (line.curves["Asterix"][0] for line in minatar.lines)
    assert curve.positions.tolist() == [100, 200]
    figure = curve_figures.scores_over(comparison, "positions", reps=10)
    # In millions only where runs are as long.
    (axes,) = (axes for axes in figure.axes if "minatar" in axes.get_title())
    assert axes.get_xlabel() == "frames"
    assert {x for line in axes.lines for x in line.get_xdata()} == {100, 200}
    labels = {axes.get_ylabel() for axes in figure.axes}
    assert labels == {
        "IQM human-normalised score, evaluation",
        "IQM return, evaluation",
    }


@pytest.mark.usefixtures("undrawn")
def test_the_page_and_the_tables_say_which_are_normalised(two_suites, tmp_path):
    out = tmp_path / "out"
    write_report(two_suites, out, reps=10)
    text = (out / "report.md").read_text()
    assert (
        "human-normalised (in dqn, atari); not normalised, as there are no reference"
        in text
    )
    assert text.endswith("## Runs that are in no figure\n\nNone.\n")
    aggregates = rows(out / "aggregates.csv")
    metrics = {
        panel: {row["metric"] for row in aggregates if row["panel"] == panel}
        for panel in ("dqn, atari", "dqn, minatar")
    }
    # The optimality gap is the distance to the reference.
    assert metrics["dqn, atari"] - metrics["dqn, minatar"] == {"Optimality gap"}


def test_a_curve_without_reference_has_no_line_of_random_play(two_suites):
    for name, labels in (("atari", 1), ("minatar_soft", 0)):
        (axes,) = draw_curve(read_run(two_suites / name)).axes
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert texts.count("random play") == labels


def test_external_scores_of_a_suite_stand_in_its_panel(two_suites, tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text(
        "game,seed,agent,frames,score,environment\nasterix,0,Theirs,200,7,minatar\n"
    )
    path.write_text(f"{path.read_text()}Catch,0,Others,200,7,bsuite\n")
    comparison = collect(two_suites, read_external(path))["evaluation"]
    panels = comparison.panels
    labels = {panel.name: [line.label for line in panel.lines] for panel in panels}
    assert "Theirs" in labels["dqn, minatar"]
    assert "Theirs" not in labels["dqn, atari"]
    (unused,) = comparison.missing
    assert unused.run == "Others (external)"
    assert "dqn, minatar: its games are bsuite's" in unused.reason
    (minatar,) = (panel for panel in panels if panel.name == "dqn, minatar")
    assert minatar.final_scores()["Theirs"] == pytest.approx(7)


def test_one_return_without_a_score_makes_all_of_a_panel_returns(tmp_path):
    write_run(tmp_path / "scored", moe="none")
    write_plain_run(tmp_path / "unscored", {"name": "atari"}, moe="soft")
    config = json.loads((tmp_path / "unscored" / "config.json").read_text())
    config["environment"] = {"frame_skip": 4}
    (tmp_path / "unscored" / "config.json").write_text(json.dumps(config))
    (panel,) = collect(tmp_path)["evaluation"].panels
    assert panel.normalization == NONE
    for returns in panel.final_scores().values():
        assert returns == pytest.approx(episode_return("Breakout", 1.0))


def line(series, **returns):
    """A line with runs that end at these returns, by game, after half of them."""
    axis = np.array([1.0, 2.0])
    unknown = np.full(2, np.nan)
    return Line(
        series=series,
        curves={
            game: {
                seed: Curve(axis, axis, np.array([last / 2, last]), unknown)
                for seed, last in enumerate(of_game)
            }
            for game, of_game in returns.items()
        },
    )


def test_without_human_scores_games_count_by_the_baselines_returns():
    baseline = line("Baseline", Asterix=[1.0, 3.0], Breakout=[10.0, 30.0])
    other = line("Soft MoE", Asterix=[4.0, 1.0], Breakout=[20.0, 60.0])
    panel = make_panel("DQN", [other, baseline])
    assert panel.normalization == BASELINE
    scores = panel.final_scores()
    np.testing.assert_allclose(scores["Soft MoE"], [[2, 1], [0.5, 3]])
    np.testing.assert_allclose(scores["Baseline"], [[0.5, 0.5], [1.5, 1.5]])
    _, over = panel.lines[0].scores_over(panel.games, "positions")
    np.testing.assert_allclose(over[0], [[1, 2], [0.5, 1]])
    # What was given is as it was.
    assert np.isnan(other.curves["Asterix"][0].scores).all()


def test_the_reference_is_a_baseline_as_wide_as_usual():
    usual = line("Baseline, widen_dense=false", Asterix=[1.0], Breakout=[10.0])
    pooled = line("GAP", Asterix=[8.0], Breakout=[80.0])
    for name in ("Scaled baseline", "Baseline, widen_dense=true"):
        wide = line(name, Asterix=[4.0], Breakout=[40.0])
        scores = make_panel("DQN", [pooled, wide, usual]).final_scores()
        np.testing.assert_allclose(scores[name], [[4, 4]])
        scores = make_panel("DQN", [pooled, wide]).final_scores()
        np.testing.assert_allclose(scores["GAP"], [[2, 2]])


def test_runs_that_are_left_out_are_no_part_of_the_reference():
    # The third run of Breakout has none of Asterix beside it.
    baseline = line("Baseline", Asterix=[1.0, 3.0], Breakout=[10.0, 30.0, 200.0])
    other = line("Soft MoE", Asterix=[4.0], Breakout=[20.0])
    scores = make_panel("DQN", [baseline, other]).final_scores()
    np.testing.assert_allclose(scores["Baseline"].mean(axis=0), [1, 1])
    np.testing.assert_allclose(scores["Soft MoE"], [[2, 1]])


@pytest.mark.usefixtures("undrawn")
def test_runs_of_games_that_are_not_compared_stay_in_the_tables(tmp_path):
    for moe in ("none", "soft"):
        for game in ("Asterix", "Breakout", "Freeway"):
            if (moe, game) != ("soft", "Freeway"):
                folder = tmp_path / "runs" / moe / game
                write_plain_run(folder, {"name": "minatar"}, game=game, moe=moe)
    comparison = write_report(tmp_path / "runs", tmp_path / "out", reps=10)
    assert comparison.panels[0].normalization == BASELINE
    for name, points in (("runs", 1), ("points", 2)):
        table = rows(tmp_path / "out" / f"{name}.csv")
        assert len(table) == 5 * points
        left_out = [row["game"] for row in table if row["compared"] == "no"]
        assert left_out == ["Freeway"] * points
    assert comparison.missing == ()


def test_without_a_baseline_that_scores_on_all_games_returns_are_compared():
    other = line("Soft MoE", Asterix=[4.0], Breakout=[20.0])
    for first in (
        line("Dense", Asterix=[2.0], Breakout=[2.0]),
        line("Baseline", Asterix=[2.0], Breakout=[0.0]),
        line("Baseline", Asterix=[2.0]),
    ):
        panel = make_panel("DQN", [first, other])
        assert panel.normalization == NONE
        assert panel.final_scores()["Soft MoE"][0, 0] == 4


@pytest.mark.usefixtures("undrawn")
def test_the_tables_of_runs_and_points_are_read_as_scores_of_their_suite(
    two_suites, tmp_path
):
    write_report(two_suites, tmp_path / "out", reps=10)
    for name, points in (("runs", [200]), ("points", [100, 200])):
        lines = read_external(tmp_path / "out" / f"{name}.csv")
        assert {(line.panel, line.suite) for line in lines} == {
            ("dqn, atari", "atari"),
            ("dqn, minatar", "minatar"),
        }
        for read in lines:
            assert read.curves["Asterix"][0].positions.tolist() == [
                at * (4 if read.suite == "atari" else 1) for at in points
            ]
