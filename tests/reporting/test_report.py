"""Whole reports of folders with known scores."""

import csv
import dataclasses
import html.parser
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from setuptools.config import pyprojecttoml

from acme_moe.reporting import curve_figures
from acme_moe.reporting.collect import collect
from acme_moe.reporting.curves import MEASURES, curve_of
from acme_moe.reporting.page import Shown, html_page
from acme_moe.reporting.report import write_report
from acme_moe.reporting.run_figure import draw_curve
from acme_moe.reporting.runs import read_run
from acme_moe.reporting.tables import curve_table, run_table
from acme_moe.studies import catalogue
from acme_moe.studies.plan import make_plan
from acme_moe.studies.plan_file import write_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.scales import Scale
from acme_moe.studies.study import Study
from tests.programs import ROOT, launch, rows
from tests.reporting.folders import (
    episode_return,
    planned,
    write_all,
    write_external,
    write_run,
)


def test_a_report_has_the_scores_that_the_runs_have(tmp_path):
    cells = planned(tmp_path / "runs")
    last = {
        "dqn-soft_moe/Breakout/0": 0.0,
        "dqn-soft_moe/Breakout/1": 1.0,
        "dqn-soft_moe/Pong/0": 2.0,
        "dqn-soft_moe/Pong/1": 9.0,
    }
    write_all(tmp_path / "runs", cells, last)
    summary = tmp_path / "runs" / cells[0].name / "summary.json"
    versions = {"code_versions": ["0.1.0+a", "0.1.0+b"]}
    summary.write_text(json.dumps(json.loads(summary.read_text()) | versions))
    theirs = write_external(
        tmp_path / "theirs.csv",
        [(g, 0, "Theirs", 800, episode_return(g, 3.0)) for g in ("Pong", "Breakout")],
    )
    out = tmp_path / "report"
    write_report(tmp_path / "runs", out, external=[theirs], reps=50)
    found = {
        (row["line"], row["scores"], row["metric"]): float(row["value"])
        for row in rows(out / "aggregates.csv")
    }
    assert found["Soft MoE", "evaluation", "IQM"] == pytest.approx(1.5)
    assert found["Soft MoE", "evaluation", "Optimality gap"] == pytest.approx(0.25)
    assert found["Baseline", "evaluation", "IQM"] == pytest.approx(0, abs=1e-9)
    assert found["Soft MoE", "training", "Mean"] == pytest.approx(0.5)
    assert found["Theirs", "external", "Median"] == pytest.approx(3.0)
    beaten = {
        (row["line"], row["over"]): float(row["probability"])
        for row in rows(out / "improvement.csv")
    }
    # Breakout: 0 and 1 against 0 and 0; Pong is always won. Theirs is 3 on both.
    assert beaten == {
        ("Soft MoE", "Baseline"): pytest.approx(0.875),
        ("Theirs", "Baseline"): pytest.approx(1.0),
        ("Theirs", "Soft MoE"): pytest.approx(0.75),
    }
    # Their run is the best of three on both games.
    p_values = {
        (row["line"], row["over"]): float(row["p"])
        for row in rows(out / "improvement.csv")
    }
    assert p_values["Theirs", "Baseline"] == pytest.approx(1 / 9, abs=1e-4)
    assert len(rows(out / "runs.csv")) == 8 + 2
    assert rows(out / "missing.csv") == []
    names = ("curves", "wall_time", "games", "aggregates", "profiles", "improvement")
    for name in names:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    (curves,) = curve_figures.scores_over(
        collect(tmp_path / "runs")["training"], "positions", 20
    ).axes
    assert curves.get_ylabel() == "IQM human-normalised score, training"
    page = (out / "report.html").read_text()
    assert "Score over length, evaluation returns" in page
    assert all(f'src="{name}.png"' in page for name in names)
    assert "Two arms (two_arms, scale tiny)" in page
    markdown = " ".join((out / "report.md").read_text().split())
    # Of which one is unknown.
    assert "The runs were made with 3 versions of the code (runs.csv)." in markdown
    assert "| DQN | Soft MoE | evaluation | IQM | 1.5000 |" in markdown


class Cells(html.parser.HTMLParser):
    """The text of every cell of a page, row by row."""

    def __init__(self):
        super().__init__()
        self.rows = []
        self.inside = False

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data.strip()


def test_runs_are_listed_with_what_they_were_made_with(tmp_path):
    write_run(tmp_path / "0", seed=0)
    before = collect(tmp_path)["evaluation"]
    made_with = {
        "code_versions": ["0.1.0+a", "0.1.0+b"],
        "platforms": ["JAX 0.6.2, 1 core, x86-64"],
    }
    write_run(tmp_path / "1", seed=1, made_with=made_with)
    after = collect(tmp_path)["evaluation"]
    table = run_table(after).cells()
    for name, values in made_with.items():
        assert name not in run_table(before).frame
        assert name not in curve_table(after).frame
        assert list(table[name]) == ["", "; ".join(values)]


@pytest.mark.usefixtures("undrawn")
def test_both_pages_have_the_cells_of_the_csv_files(tmp_path):
    write_all(tmp_path / "runs", planned(tmp_path / "runs")[:-1])
    name = "a | b <i> " + "long " * 9
    theirs = write_external(
        tmp_path / "theirs.csv",
        [("Pong", 0, name.strip(), 800, 3), ("Breakout", 0, name.strip(), 800, 1.5)],
    )
    write_report(tmp_path / "runs", tmp_path / "out", external=[theirs], reps=20)
    expected = []
    for table in ("aggregates", "improvement", "runs", "missing"):
        with (tmp_path / "out" / f"{table}.csv").open(newline="") as stream:
            rows = list(csv.reader(stream))
        # Pairs without the baseline are in the file alone.
        expected += rows[: 1 + 2] if table == "improvement" else rows
    assert any(name.strip() in row for row in expected)
    parser = Cells()
    parser.feed((tmp_path / "out" / "report.html").read_text())
    assert parser.rows == expected
    lines = (tmp_path / "out" / "report.md").read_text().splitlines()
    rows = [
        [
            cell.strip().replace("\\|", "|")
            for cell in re.split(r"(?<!\\)\|", line)[1:-1]
        ]
        for line in lines
        if line.startswith("|") and not line.startswith(("|:", "|-"))
    ]
    assert rows == expected


def test_titles_and_captions_are_no_html():
    page = html_page("<i> & co", "<b>", [Shown("x", '"<u>"')], [])
    assert "<h1>&lt;i&gt; &amp; co</h1>" in page
    assert not any(tag in page for tag in ("<i>", "<b>", "<u>", '""'))


def test_the_page_is_installed_with_the_package():
    folder = ROOT / "acme_moe" / "reporting"
    config = pyprojecttoml.load_file(ROOT / "pyproject.toml")
    patterns = config["tool"]["setuptools"]["package-data"]["acme_moe.reporting"]
    installed = {path for pattern in patterns for path in folder.glob(pattern)}
    assert installed == {
        path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"
    }


def test_a_scaling_figure_and_what_is_missing_from_it(tmp_path, request):
    study = Study(
        name="scaling",
        title="Number of experts",
        form="scaling",
        x_label="Number of experts",
        games=("Breakout", "Pong"),
        num_seeds=1,
        arms=tuple(
            arm
            for experts in (2, 8)
            for arm in catalogue.arms(
                (catalogue.DQN,),
                (catalogue.SCALED_BASELINE, catalogue.SOFT_MOE, catalogue.GAP),
                {"network.num_experts": experts},
                x=experts,
            )
        ),
    )
    plan = make_plan(study, Scale(name="tiny"))
    write_plan(plan, tmp_path)
    *cells, _ = expand(plan, tmp_path)
    for cell in cells:
        network = {
            name.partition(".")[2]: value
            for name, value in cell.settings.items()
            if name.startswith("network.")
        }
        game = cell.settings["game"]
        write_run(tmp_path / cell.name, game=game, network=network)
    comparison = write_report(tmp_path, tmp_path / "report", reps=20)
    assert (tmp_path / "report" / "scaling.png").exists()
    (panel,) = comparison.panels
    assert panel.title == "DQN\n1 of 2 games, 1 seed"
    (missing,) = rows(tmp_path / "report" / "missing.csv")
    assert missing == {"run": "dqn-gap-8/Pong/0", "reason": "not started"}
    assert missing["run"] in (tmp_path / "report" / "report.html").read_text()
    improvement = rows(tmp_path / "report" / "improvement.csv")
    assert [(row["line"], row["over"]) for row in improvement] == [
        ("Soft MoE, 2", "Scaled baseline, 2"),
        ("GAP, 2", "Scaled baseline, 2"),
        ("Soft MoE, 8", "Scaled baseline, 8"),
        ("GAP, 8", "Scaled baseline, 8"),
        ("GAP, 2", "Soft MoE, 2"),
        ("GAP, 8", "Soft MoE, 8"),
    ]
    # Its files alone give the same report.
    points = tmp_path / "report" / "points.csv"
    assert {(row["agent"], row["x"]) for row in rows(points)} >= {
        ("Soft MoE", "2"),
        ("Soft MoE", "8"),
    }
    request.getfixturevalue("undrawn")
    again = write_report(None, tmp_path / "again", external=[points], reps=20)
    assert (tmp_path / "again" / "scaling.png").exists()
    assert again.panels[0].final_scores().keys() == panel.final_scores().keys()
    assert rows(tmp_path / "again" / "improvement.csv") == improvement


def test_a_study_without_a_finished_run_has_a_list_only(tmp_path):
    planned(tmp_path)
    out = tmp_path / "report"
    comparison = write_report(tmp_path, out, reps=20)
    assert comparison.panels == ()
    assert len(rows(out / "missing.csv")) == 8
    assert list(out.glob("*.png")) == []


def files_of(folder):
    return {path.name for path in folder.iterdir()}


PAGES = {"report.html", "report.md", ".lock"}


@pytest.mark.usefixtures("undrawn")
def test_a_report_removes_what_only_an_earlier_one_had(tmp_path):
    runs, out = tmp_path / "runs", tmp_path / "out"
    for moe in ("none", "soft"):
        write_run(runs / moe, moe=moe)
        measured = "agent_steps,dormant_share\n100,0.5\n200,0.25\n"
        (runs / moe / "diagnostics.csv").write_text(measured)
    theirs = write_external(
        tmp_path / "theirs.csv",
        [("Breakout", 0, "Theirs", 800, 3, x) for x in (1, 2)],
        header=("game", "seed", "agent", "frames", "score", "x"),
    )
    out.mkdir()
    (out / "games.png").touch()
    (out / "mine.png").touch()
    planned(tmp_path / "waiting")
    write_report(tmp_path / "waiting", out, reps=20)
    nothing = {*PAGES, "missing.csv", "mine.png"}
    assert files_of(out) == {*nothing, "games.png"}, "no report has written it"

    write_report(None, out, external=[theirs], reps=20)
    assert {"scaling.png", "scaling.pdf"} <= files_of(out)
    write_report(runs, out, reps=20)
    write_report(runs, tmp_path / "fresh", reps=20)
    fresh = files_of(tmp_path / "fresh")
    assert {"diagnostics.png", "improvement.pdf", "measures.csv"} <= fresh
    assert files_of(out) == {*fresh, "mine.png"}
    write_report(tmp_path / "waiting", out, reps=20)
    assert files_of(out) == nothing


@pytest.mark.parametrize(
    "columns",
    [
        ("feature_norm", "ntk_rank", "dormant_share"),
        (
            "authors_feature_norm",
            "authors_entk_srank_0.01",
            "authors_dormant_share_0.0",
        ),
    ],
    ids=["published", "authors"],
)
def test_diagnostics_are_drawn_where_runs_have_some(columns, tmp_path):
    cells = planned(tmp_path)
    write_all(tmp_path, cells)
    assert curve_figures.diagnostics(collect(tmp_path)["evaluation"]) is None
    # The column's name today, and in runs of earlier versions.
    for cell, steps in zip(cells[:-1], itertools.cycle(["agent_steps", "actor_steps"])):
        (tmp_path / cell.name / "diagnostics.csv").write_text(
            f"{steps},learner_steps,{','.join(columns)}\n"
            "100,1,3.0,30,0.25\n200,2,4.0,31,0.5\n"
        )
    for cell in cells[:2]:
        curve = curve_of(read_run(tmp_path / cell.name), "evaluation")
        positions, values = curve.measures[columns[0]]
        assert list(positions) == [400, 800]
        assert list(values) == [3, 4]
    figure = curve_figures.diagnostics(collect(tmp_path)["evaluation"])
    labels = [axes.get_ylabel() for axes in figure.axes[:4]]
    assert labels == ["return", *(v for k, v in MEASURES.items() if k in columns)]
    assert len(set(MEASURES.values())) == len(MEASURES)
    assert all(len(axes.lines) == 2 for axes in figure.axes)
    # As a resume leaves it that measures something else.
    path = tmp_path / cells[0].name / "diagnostics.csv"
    path.write_text(f"agent_steps,learner_steps,{columns[0]}\n100,1,3.0\n200,2,\n")
    curve = curve_of(read_run(path.parent), "evaluation")
    np.testing.assert_equal(curve.measures[columns[0]][1], [3.0, np.nan])
    # As a resume leaves it that drops all of its rows.
    header = f"agent_steps,learner_steps,{','.join(columns)}\n"
    (tmp_path / cells[0].name / "diagnostics.csv").write_text(header)
    curve_figures.diagnostics(collect(tmp_path)["evaluation"])
    (tmp_path / cells[0].name / "diagnostics.csv").write_text("actor_steps\n1,2\n")
    (missing,) = collect(tmp_path)["evaluation"].missing
    assert "diagnostics.csv: line 2 is damaged" in missing.reason


@pytest.mark.usefixtures("undrawn")
def test_a_diagnostic_is_drawn_of_the_lines_that_have_it(tmp_path):
    for moe, measured in (
        ("none", "agent_steps\n100\n200\n"),
        ("soft", "agent_steps,dispatch_entropy\n100,4.1\n200,3.9\n"),
    ):
        write_run(tmp_path / moe, moe=moe)
        (tmp_path / moe / "diagnostics.csv").write_text(measured)
    figure = curve_figures.diagnostics(collect(tmp_path)["evaluation"])
    returns, entropy = figure.axes
    assert entropy.get_ylabel() == MEASURES["dispatch_entropy"]
    assert len(returns.lines) == 2
    (line,) = entropy.lines
    assert line.get_label().startswith("Soft MoE")
    write_report(tmp_path, tmp_path / "report", reps=20)
    measured = rows(tmp_path / "report" / "measures.csv")
    assert [
        (row["agent"], row["frames"], row["dispatch_entropy"]) for row in measured
    ] == [("Soft MoE", "400", "4.1"), ("Soft MoE", "800", "3.9")]
    assert list(line.get_ydata()) == [4.1, 3.9]


def test_text_of_a_run_is_no_html(tmp_path):
    cells = planned(tmp_path)
    folder = tmp_path / cells[0].name
    folder.mkdir(parents=True)
    (folder / "sweep.log").write_text("<script>alert(1)</script>\n")
    write_report(tmp_path, tmp_path / "report", reps=20)
    assert "<script>" not in (tmp_path / "report" / "report.html").read_text()


def test_the_launcher_names_what_is_missing(tmp_path):
    cells = planned(tmp_path / "runs")
    write_all(tmp_path / "runs", cells[1:])

    flags = [f"--workdir={tmp_path}/runs", f"--out={tmp_path}/report", "--reps=20"]
    done = launch("report.py", *flags, "--scores=training")
    assert done.returncode == 0, done.stderr
    assert "missing: dqn-baseline/Breakout/0: not started" in done.stdout
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Scores: mean returns of the training games" in page
    assert "bootstrap, 20 draws" in page
    nothing = launch("report.py", f"--workdir={tmp_path}/nothing", *flags[1:])
    assert nothing.returncode == 2
    assert nothing.stderr.startswith("error: ")
    assert "Traceback" not in nothing.stderr


def test_the_launcher_names_what_cannot_be_read(tmp_path):
    write_run(tmp_path / "runs")
    config = tmp_path / "runs" / "config.json"
    config.unlink()
    # A loop, which nobody can read.
    config.symlink_to(config)
    done = launch("report.py", f"--workdir={tmp_path}/runs", f"--out={tmp_path}/out")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert str(config) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_curve_of_one_run(tmp_path):
    write_run(tmp_path)
    draw_curve(read_run(tmp_path)).savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("config", "label", "steps"),
    [({}, "agent steps", [100, 200]), ({"num_iterations": 2}, "updates", [10, 20])],
)
def test_a_runs_curve_is_over_agent_steps_or_over_an_offline_runs_updates(
    config, label, steps, tmp_path
):
    write_run(tmp_path, **config)
    run = read_run(tmp_path)
    # As an offline run writes them: no agent step, and updates.
    episodes = [
        dataclasses.replace(
            episode,
            agent_steps=0 if config else episode.agent_steps,
            learner_steps=episode.learner_steps // 10,
        )
        for episode in run.episodes
        if episode.kind == "evaluation" or not config
    ]
    run = dataclasses.replace(run, episodes=tuple(episodes))
    (axes,) = draw_curve(run).axes
    ((line, *_),) = axes.containers
    assert list(line.get_xdata()) == steps
    assert axes.get_xlabel() == label


def test_the_folder_that_one_is_in_has_a_name(tmp_path, monkeypatch):
    write_run(tmp_path / "mine" / "a")
    monkeypatch.chdir(tmp_path / "mine")
    assert collect(Path(".").resolve())["evaluation"].title == "mine"
    assert collect(Path("."))["evaluation"].title == "mine"
