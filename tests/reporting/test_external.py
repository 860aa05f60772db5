"""Scores from files, beside those of runs and alone."""

import dataclasses
import math

import numpy as np
import pytest

from acme_moe.environments import SCORES
from acme_moe.reporting import results, score_figures
from acme_moe.reporting.collect import collect, collect_external
from acme_moe.reporting.comparison import Line
from acme_moe.reporting.curves import Curve
from acme_moe.reporting.external import FIELDS, read_external
from acme_moe.reporting.panels import make_panel
from acme_moe.reporting.report import write_report
from tests.programs import rows
from tests.reporting.folders import (
    GAMES,
    episode_return,
    planned,
    write_all,
    write_external,
    write_run,
)


def test_external_scores_stand_beside(tmp_path):
    write_all(tmp_path, planned(tmp_path))
    rows = [
        (game, seed, "Theirs", frames, episode_return(game, frames / 800))
        for game in ("breakout", "Pong", "Tennis")
        for seed in (7, 8, 9)
        for frames in (800, 400)
        if game != "breakout"
    ] + [("breakout", 7, "Theirs", 800, episode_return("Breakout", 5.0))]
    lines = read_external(write_external(tmp_path / "theirs.csv", rows))
    (panel,) = collect(tmp_path, lines)["evaluation"].panels
    assert [line.label for line in panel.lines] == ["Baseline", "Soft MoE", "Theirs"]
    assert panel.games == GAMES
    np.testing.assert_allclose(panel.final_scores()["Theirs"], [[5.0, 1.0]])
    assert panel.title == "DQN\n2 games, 2 seeds"


def test_external_scores_of_other_games_are_left_out(tmp_path):
    write_all(tmp_path, planned(tmp_path))
    path = write_external(tmp_path / "x.csv", [("Tennis", 0, "Theirs", 1, 1)])
    comparison = collect(tmp_path, read_external(path))["evaluation"]
    (panel,) = comparison.panels
    assert [line.label for line in panel.lines] == ["Baseline", "Soft MoE"]
    assert comparison.missing == (
        ("Theirs (external)", "DQN: it shares no game with the others"),
    )


def test_external_scores_may_belong_to_one_panel(tmp_path):
    write_all(tmp_path, planned(tmp_path))
    path = write_external(
        tmp_path / "x.csv",
        [("Pong", 0, "Theirs", 1, 1, "DQN"), ("Pong", 0, "Theirs", 1, 2, "Rainbow")],
        ("game", "seed", "agent", "frames", "score", "panel"),
    )
    lines = read_external(path)
    assert len(lines) == 2
    comparison = collect(tmp_path, lines)["evaluation"]
    (panel,) = comparison.panels
    assert [line.label for line in panel.lines] == ["Baseline", "Soft MoE", "Theirs"]
    assert comparison.missing == (
        ("Theirs (external)", "panel: 'Rainbow' is not accepted; one of DQN"),
    )
    assert panel.lines[-1].curves["Pong"][0].returns == [1]


BOTH = ("game", "seed", "agent", "frames", "updates", "score")


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], ("game", "seed"), "has no column agent, frames, score"),
        ([], FIELDS, "has no rows; needs one at least"),
        ([("Pang", 0, "a", 1, 1)], FIELDS, "line 2: game: 'Pang' is not known"),
        ([("Pong", 0, "a", 1, "x")], FIELDS, "score: 'x' is not accepted; a num"),
        ([("Pong", "0.0", "a", 1, 1)], FIELDS, "seed: '0.0' is not accepted; a whole"),
        ([("Pong", 0, "a", 1)], FIELDS, "line 2: score: None is not accepted; a n"),
        ([("Pong", 0, "", 1, 1)], FIELDS, "line 2: agent: is missing"),
        ([("a", 1, 1)], (*FIELDS[2:], "game", "seed"), "line 2: game: '' is not"),
        ([("Pong", 0, 1, 1)], (*FIELDS[:2], *FIELDS[3:], "agent"), "agent: is missing"),
        (
            [("Pong", 0, "a", 1, 1), ("pong", 0, "a", 1, 2)],
            FIELDS,
            "line 3: a, Pong, seed 0 has two scores at 1 frames",
        ),
        ([("Pong", 0, "a", 1, 2, 1)], BOTH, "line 2: needs a value of either frames"),
        ([("Pong", 0, "a", "", "", 1)], BOTH, "line 2: needs a value of either frames"),
        (
            [("Pong", 0, "a", 1, "", 1), ("Pong", 1, "a", "", 1, 1)],
            BOTH,
            "line 3: a has scores over frames and over updates",
        ),
    ],
)
def test_external_scores_that_are_wrong_are_refused(tmp_path, rows, header, message):
    with pytest.raises(ValueError, match=message):
        read_external(write_external(tmp_path / "x.csv", rows, header))


@pytest.mark.usefixtures("undrawn")
def test_offline_runs_have_updates_and_are_compared_over_them(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / "all" / f"dqn{seed}", seed=seed)
        for folder in ("all", "offline"):
            path = tmp_path / folder / f"cql{seed}"
            write_run(path, seed=seed, agent="cql", num_iterations=2)
    write_report(tmp_path / "offline", tmp_path / "a", reps=20)
    write_report(tmp_path / "all", tmp_path / "b", reps=20)
    offline, both = (rows(tmp_path / out / "runs.csv") for out in "ab")
    assert all("frames" not in row for row in offline)
    assert {row["updates"] for row in offline} == {"200"}
    lengths = {(row["panel"], row["frames"], row["updates"]) for row in both}
    assert lengths == {("dqn", "800", ""), ("cql", "", "200")}
    for out in "ab":
        lines = read_external(tmp_path / out / "runs.csv")
        assert {"updates"} <= {line.unit for line in lines} <= {"frames", "updates"}
        panels = collect(tmp_path / "all", lines)["evaluation"].panels
        cql = next(panel for panel in panels if panel.name == "cql")
        assert [line.external for line in cql.lines] == [False, True]
        assert cql.lines[1].curves["Breakout"][0].positions == [200]


@pytest.mark.usefixtures("undrawn")
def test_the_runs_table_is_read_as_external_scores(tmp_path):
    write_all(tmp_path / "runs", planned(tmp_path / "runs"))
    write_report(tmp_path / "runs", tmp_path / "a", reps=20)
    comparison = write_report(
        tmp_path / "runs",
        tmp_path / "b",
        external=[tmp_path / "a" / "runs.csv"],
        reps=20,
    )
    assert [line.label for line in comparison.panels[0].lines] == [
        "Baseline",
        "Soft MoE",
        "Baseline (external)",
        "Soft MoE (external)",
    ]


@pytest.mark.usefixtures("undrawn")
def test_lines_of_other_lengths_are_told(tmp_path):
    write_all(tmp_path / "runs", planned(tmp_path / "runs"))
    longer = [
        (game, seed, "Longer", frames, 1.0)
        for game in GAMES
        for seed in (0, 1)
        for frames in (800, 4000)
    ]
    scores = write_external(tmp_path / "x.csv", longer, FIELDS)
    for out, external in (("a", []), ("b", [scores])):
        write_report(tmp_path / "runs", tmp_path / out, external=external, reps=20)
    note = "Final scores are those at each run's own end, from 800 to 4,000 frames."
    assert note not in (tmp_path / "a" / "report.md").read_text()
    assert note in (tmp_path / "b" / "report.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_a_report_of_scores_alone_is_the_same(tmp_path):
    write_all(tmp_path / "runs", planned(tmp_path / "runs"))
    write_report(tmp_path / "runs", tmp_path / "a", reps=20)
    points = rows(tmp_path / "a" / "points.csv")
    halves = []
    for seed in ("0", "1"):
        part = [tuple(row.values()) for row in points if row["seed"] == seed]
        path = write_external(tmp_path / f"seed{seed}.csv", part, tuple(points[0]))
        halves.append(path)
    comparison = write_report(None, tmp_path / "b", external=halves, reps=20)
    assert [line.label for line in comparison.panels[0].lines] == [
        "Baseline",
        "Soft MoE",
    ]
    unknown = {"hours", "games_planned", "runs_planned"}
    for name in ("runs", "points", "improvement", "aggregates"):
        one, other = (
            [
                {k: v for k, v in row.items() if k not in unknown}
                for row in rows(tmp_path / out / f"{name}.csv")
                if row.get("scores") != "training"
            ]
            for out in "ab"
        )
        assert one == other
    assert (tmp_path / "b" / "curves.png").exists()
    with pytest.raises(ValueError, match="two scores at"):
        write_report(None, tmp_path / "c", external=[halves[0], *halves], reps=20)


def test_a_small_p_value_is_not_zero(tmp_path):
    scores = [
        (game, seed, agent, 100, score)
        for game in GAMES
        for seed in range(6)
        for agent, score in (("Better", 10.0 + seed), ("Baseline", seed))
    ]
    theirs = write_external(tmp_path / "theirs.csv", scores)
    write_report(None, tmp_path / "report", external=[theirs], reps=20)
    (pair,) = rows(tmp_path / "report" / "improvement.csv")
    assert pair["probability"] == "1.0000"
    # Of C(12, 6) divisions of each game's scores, one is as good, and one as bad.
    assert pair["p"] == f"{2 / math.comb(12, 6) ** 2:.1e}"


def test_a_run_is_in_one_file(tmp_path):
    early, late = (
        write_external(tmp_path / f"{frames}.csv", [("Pong", 0, "a", frames, 1)])
        for frames in (100, 200)
    )
    message = f"200.csv: line 2: a, Pong, seed 0 is in {early} too"
    with pytest.raises(ValueError, match=message):
        read_external(early, late)


@pytest.mark.parametrize("out", ["run", "scores"])
def test_a_report_overwrites_nothing_that_it_is_of(tmp_path, out):
    write_run(tmp_path / "run")
    (tmp_path / "scores").mkdir()
    path = write_external(tmp_path / "scores" / "a.csv", [("Pong", 0, "a", 1, 1)])
    before = sorted((tmp_path / out).iterdir())
    with pytest.raises(ValueError, match=r"out: .* is not accepted; a folder that"):
        write_report(tmp_path / "run", tmp_path / out, external=[path])
    assert sorted((tmp_path / out).iterdir()) == before


def test_a_report_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="workdir, external: are empty"):
        write_report(None, tmp_path / "report")


@pytest.mark.usefixtures("undrawn")
def test_scores_alone_without_panels_have_one_for_each_suite(tmp_path):
    header = ("game", "seed", "agent", "frames", "score", "environment", "panel")
    rows = [
        ("Pong", 0, "Ours", 1, 3, "atari", ""),
        ("Asterix", 0, "Ours", 1, 2, "minatar", ""),
        ("Asterix", 0, "Theirs", 1, 1, "minatar", ""),
    ]
    path = write_external(tmp_path / "x.csv", rows, header)
    comparison = write_report(None, tmp_path / "a", external=[path], reps=20)
    assert {panel.name: len(panel.lines) for panel in comparison.panels} == {
        "atari": 1,
        "minatar": 2,
    }
    # Beside a panel with a name they stand in it, as external ones.
    path = write_external(
        tmp_path / "y.csv", [*rows, ("Pong", 0, "Third", 1, 2, "atari", "DQN")], header
    )
    comparison = write_report(None, tmp_path / "b", external=[path], reps=20)
    (panel,) = comparison.panels
    assert [(line.label, line.external) for line in panel.lines] == [
        ("Third", False),
        ("Ours", True),
    ]
    assert len(comparison.missing) == 2


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "x.csv"
    rows = "panel,game,seed,agent,frames,score\r\nDQN,Pong,0,Theirs,1,1\r\n"
    path.write_text(rows, encoding="utf-8-sig")
    (line,) = read_external(path)
    assert line.panel == "DQN"


def test_no_two_lines_of_a_panel_have_one_name():
    curve = Curve(*(np.array([value]) for value in (1e6, np.nan, 20.0, 0.5)))
    ours = Line(series="Soft MoE", curves={"Pong": {0: curve}})
    theirs = dataclasses.replace(ours, external=True)
    as_ours = dataclasses.replace(theirs, series="Soft MoE (external)")
    panel = make_panel("DQN", [ours, theirs, as_ours])
    assert [line.label for line in panel.lines] == [
        "Soft MoE",
        "Soft MoE (external)",
        "Soft MoE (external) (external)",
    ]
    with pytest.raises(ValueError, match="series: 'Soft MoE' is not accepted; a name"):
        make_panel("DQN", [ours, ours])


@pytest.mark.usefixtures("undrawn")
def test_external_lines_are_once_in_the_table_of_aggregates(tmp_path):
    for seed, moe in ((0, "none"), (0, "soft")):
        for game in ("Breakout", "Asterix"):
            write_run(
                tmp_path / moe / game,
                game=game,
                seed=seed,
                moe=moe,
                environment={"name": "minatar"},
                training=(0.1, 0.2),
            )
    header = (*FIELDS, "environment")
    theirs = [(game, 0, "Theirs", 1, 5, "minatar") for game in ("Breakout", "Asterix")]
    external = [write_external(tmp_path / "x.csv", theirs, header)]
    write_report(tmp_path, tmp_path / "report", external=external, reps=20)
    found = rows(tmp_path / "report" / "aggregates.csv")
    theirs = [row["scores"] for row in found if row["line"] == "Theirs"]
    assert len(theirs) == len({row["metric"] for row in found}) == 4


def test_points_from_elsewhere_are_none_of_a_studys_own_line():
    curve = Curve(*(np.array([value]) for value in (1e6, np.nan, 20.0, 0.5)))
    lines = [
        Line(series="Soft MoE", x=x, curves={"Pong": {0: curve}}, external=x > 2)
        for x in (1.0, 2.0, 4.0)
    ]
    panel = make_panel("DQN", lines)
    assert [line.label for line in panel.lines] == [
        "Soft MoE, 1",
        "Soft MoE, 2",
        "Soft MoE (external), 4",
    ]


def test_an_external_baseline_is_that_of_lines_without_one(tmp_path):
    for moe in ("soft", "top1"):
        for game in GAMES:
            write_run(tmp_path / moe / game, game=game, moe=moe)
    theirs = [(game, 0, "Baseline", 800, 1.0) for game in GAMES]
    external = [write_external(tmp_path / "x.csv", theirs)]
    write_report(tmp_path, tmp_path / "report", external=external, reps=20)
    found = rows(tmp_path / "report" / "improvement.csv")
    assert [(row["line"], row["over"]) for row in found] == [
        ("Soft MoE", "Baseline"),
        ("Top1-MoE", "Baseline"),
        ("Top1-MoE", "Soft MoE"),
    ]


def test_a_scaling_figure_shows_what_a_series_has_with_and_without_x(tmp_path):
    there = [(game, 0, "Mine", 800, 3 + x, x) for x in (1, 2) for game in GAMES]
    without = [(game, 0, "Mine", 800, 9, "") for game in GAMES]
    for rows_of_file in (there + without, without + there):
        path = write_external(tmp_path / "x.csv", rows_of_file, (*FIELDS, "x"))
        comparison = collect_external(read_external(path), "", "evaluation")
        (axes,) = score_figures.scaling(results.compute(comparison, reps=20)).axes
        ((points, *_),) = axes.containers
        assert len(points.get_xdata()) == 2
        level = np.mean([SCORES[game].normalize(9) for game in GAMES])
        assert sum(np.allclose(line.get_ydata(), level) for line in axes.lines) == 1
