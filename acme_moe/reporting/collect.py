"""Collects what a report compares: runs of a folder, or scores from files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from acme_moe.reporting import grouping
from acme_moe.reporting.comparison import Comparison, Line, MissingRun, Panel
from acme_moe.reporting.curves import KINDS, Curve, curve_of
from acme_moe.reporting.panels import make_panel
from acme_moe.reporting.runs import BrokenRunError, Run, read_run
from acme_moe.studies.plan import Plan
from acme_moe.studies.plan_file import FILE_NAME, read_plan
from acme_moe.studies.planned_runs import expand
from acme_moe.studies.state import read_state

# The curve of a run by kind of score, or why it has none.
_Curves = Mapping[str, Curve | MissingRun]


def collect(workdir: Path, external: Sequence[Line] = ()) -> dict[str, Comparison]:
    """Reads every run of a folder.

    Only finished runs are used, and those of a line share every setting but game and
    seed (see `grouping`). Without a `study.json` each agent has a panel for each suite
    of games, and each group of settings a line. With one, its arms are the lines, and
    runs with other settings than most of their arm are left out.

    Args:
      workdir: folder of a study, or any folder with run folders below it.
      external: lines to add to every panel.

    Returns:
      What is compared, by kind of score: `evaluation` and `training`.

    Raises:
      FileNotFoundError: if there is no run at all.
      ValueError: if `study.json` is damaged.
    """
    if (workdir / FILE_NAME).exists():
        plan = read_plan(workdir)
        planned = _read_planned_runs(plan, workdir)
        return {kind: _compare_arms(plan, planned, kind, external) for kind in KINDS}
    runs, curves = _read_all_runs(workdir)
    return {
        kind: _compare_runs(workdir.resolve().name, runs, curves, kind, external)
        for kind in KINDS
    }


def collect_external(external: Sequence[Line], title: str, kind: str) -> Comparison:
    """Compares lines from elsewhere with each other, in the panels that they name.

    A line that names no panel is in all of them; if no line names one, each suite has
    a panel. If any has a place on an axis, the figure is a scaling one.
    """
    named = any(line.panel for line in external)
    panels: dict[str, list[Line]] = {}
    shared: list[Line] = []
    for line in external:
        if named and not line.panel:
            shared.append(line)
        else:
            own = dataclasses.replace(line, external=False)
            panels.setdefault(line.panel or line.suite, []).append(own)
    described = {"title": title, "kind": kind}
    if any(line.x is not None for line in external):
        described |= {"form": "scaling", "x_label": "x"}
    return _compare(panels, (), shared, **described)


def _read_planned_runs(plan: Plan, workdir: Path) -> dict[str, _Curves]:
    """Reads the curves of each run of a plan, by the run's name."""
    curves: dict[str, _Curves] = {}
    settings_by_arm: dict[str, dict[str, grouping.Settings]] = {}
    # Finished runs are read wherever their data were.
    for planned in expand(plan, workdir, data=""):
        name, state = planned.name, read_state(planned, workdir)
        if state.state != "finished":
            what = "not started" if state.state == "waiting" else state.state
            reason = f"{what}: {state.reason}" if state.reason else what
            curves[name] = _no_curves(name, reason)
            continue
        try:
            run = read_run(workdir / name)
        except BrokenRunError as error:
            curves[name] = _no_curves(name, str(error))
            continue
        curves[name] = _curves(run, name)
        settings = grouping.settings_of(run)
        # The sweep chooses the place of the data for each run.
        settings.pop("dataset.path", None)
        settings_by_arm.setdefault(planned.arm, {})[name] = settings
    for of_arm in settings_by_arm.values():
        for name, reason in grouping.outliers(of_arm):
            curves[name] = _no_curves(name, reason)
    return curves


def _compare_arms(
    plan: Plan,
    curves: Mapping[str, _Curves],
    kind: str,
    external: Sequence[Line],
) -> Comparison:
    panels: dict[str, list[Line]] = {}
    for arm in plan.arms:
        of_arm: dict[str, dict[int, Curve]] = {}
        for game in arm.games:
            for seed in arm.seeds:
                curve = curves[f"{arm.name}/{game}/{seed}"][kind]
                if isinstance(curve, Curve):
                    of_arm.setdefault(game, {})[seed] = curve
        line = Line(
            series=arm.series,
            x=arm.x,
            curves=of_arm,
            unit="updates" if arm.agent.offline else "frames",
            suite=arm.suite,
            planned_games=len(arm.games),
            planned_seeds=len(arm.seeds),
        )
        panels.setdefault(arm.panel, []).append(line)
    by_kind = [of_run[kind] for of_run in curves.values()]
    return _compare(
        panels,
        [curve for curve in by_kind if isinstance(curve, MissingRun)],
        external,
        title=f"{plan.title} ({plan.study}, scale {plan.scale})",
        kind=kind,
        form=plan.form,
        x_label=plan.x_label,
    )


def _read_all_runs(workdir: Path) -> tuple[dict[str, Run], dict[str, _Curves]]:
    """Reads the runs below a folder, and the curves of each, by the runs' names.

    Only runs that have a curve are among the first; their episodes are left out.
    """
    names = ("config.json", "summary.json", "scores.csv")
    folders = sorted({x.parent for x in workdir.rglob("*") if x.name in names})
    if not folders:
        raise FileNotFoundError(f"{workdir}: holds no run")
    runs: dict[str, Run] = {}
    curves: dict[str, _Curves] = {}
    for folder in folders:
        name = str(folder.relative_to(workdir))
        try:
            run = read_run(folder)
        except BrokenRunError as error:
            curves[name] = _no_curves(name, str(error))
            continue
        status = str(run.summary.get("status", "no status"))
        if status != "finished":
            curves[name] = _no_curves(name, status)
            continue
        curves[name] = _curves(run, name)
        if any(isinstance(curve, Curve) for curve in curves[name].values()):
            # The episodes of many runs are large, and their curves are known.
            runs[name] = dataclasses.replace(run, episodes=())
    return runs, curves


def _compare_runs(
    title: str,
    runs: Mapping[str, Run],
    curves: Mapping[str, _Curves],
    kind: str,
    external: Sequence[Line],
) -> Comparison:
    missing: list[MissingRun] = []
    labels = grouping.line_labels(runs)
    lines: dict[tuple[str, str, str, str], dict[str, dict[int, Curve]]] = {}
    for name, of_run in curves.items():
        curve = of_run[kind]
        if isinstance(curve, MissingRun):
            missing.append(curve)
            continue
        run = runs[name]
        agent, game, seed = (run.summary[key] for key in ("agent", "game", "seed"))
        games = lines.setdefault((agent, run.suite, labels[name], run.unit), {})
        if seed in games.setdefault(game, {}):
            reason = "another run has its settings, game and seed"
            missing.append(MissingRun(name, reason))
        else:
            games[game][seed] = curve
    panels: dict[str, list[Line]] = {}
    suites = {(agent, suite) for agent, suite, _, _ in lines}
    for (agent, suite, label, unit), games in lines.items():
        line = Line(series=label, curves=games, unit=unit, suite=suite)
        alone = sum(agent == other for other, _ in suites) == 1
        panels.setdefault(agent if alone else f"{agent}, {suite}", []).append(line)
    return _compare(panels, missing, external, title=title, kind=kind)


def _compare(
    lines: Mapping[str, Sequence[Line]],
    missing: Sequence[MissingRun],
    external: Sequence[Line],
    **described: Any,
) -> Comparison:
    """Makes panels of the lines that belong to each, by the panels' names."""
    panels = []
    missing = list(missing)
    for name, of_panel in lines.items():
        panel = make_panel(name, [*of_panel, *external])
        if panel is not None:
            panels.append(panel)
            missing += (
                MissingRun(f"{name}, {line.label}", reason)
                for line, reason in panel.left_out
                if not line.external
            )
        elif any(line.curves for line in of_panel):
            missing.append(MissingRun(name, "its lines have no game in common"))
    missing += _unused(external, panels)
    return Comparison(panels=tuple(panels), missing=tuple(missing), **described)


def _unused(external: Sequence[Line], panels: Sequence[Panel]) -> Iterator[MissingRun]:
    """Finds the external lines that are in no panel, and says why."""
    names = ", ".join(panel.name for panel in panels)
    for line in external:
        of_line = [panel for panel in panels if line.panel in (None, panel.name)]
        reasons = [
            f"{panel.name}: {reason}"
            for panel in of_line
            for other, reason in panel.left_out
            if other is line
        ]
        if not panels:
            reasons = ["no panel has runs"]
        elif not of_line:
            reasons = [f"panel: {line.panel!r} is not accepted; one of {names}"]
        elif len(reasons) < len(of_line):
            continue
        yield MissingRun(f"{line.label} (external)", "; ".join(reasons))


def _curves(run: Run, name: str) -> _Curves:
    return {
        kind: curve_of(run, kind) or MissingRun(name, f"no {kind} game ended")
        for kind in KINDS
    }


def _no_curves(name: str, reason: str) -> _Curves:
    return dict.fromkeys(KINDS, MissingRun(name, reason))
