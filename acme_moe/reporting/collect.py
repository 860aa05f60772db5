"""From the folder of a study, or of any runs, to what is compared."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from acme_moe.reporting import grouping
from acme_moe.reporting.comparison import Gap, Line, Panel, make_panel
from acme_moe.reporting.curve import describe
from acme_moe.reporting.curves import KINDS, Curve, curve_of, is_offline
from acme_moe.reporting.runs import BrokenRunError, Run, read_run
from acme_moe.studies import plan as plan_lib
from acme_moe.studies.state import read_state


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collection:
    """All that a report is made of.

    Attributes:
      title: what is asked.
      kind: of the scores, see `curve_of`.
      form: of the main figure, see `acme_moe.studies.study.Study`.
      x_label: of its axis, in form `scaling`.
      panels: what is compared.
      gaps: runs that are in no figure.
    """

    title: str
    kind: str
    form: str
    x_label: str
    panels: tuple[Panel, ...]
    gaps: tuple[Gap, ...]


# Of one run, by kind of score: its curve, or why it has none.
_Found = Mapping[str, Curve | Gap]


def collect(workdir: Path, external: Sequence[Line] = ()) -> dict[str, Collection]:
    """Reads every run of a folder.

    Only finished runs are used, and those of a line share every setting but game and
    seed (see `grouping`). Without a `study.json` each agent has a panel, and each
    group of settings a line. With one, its arms are the lines, and runs with other
    settings than most of their arm are left out.

    Args:
      workdir: of a study, or any folder with run folders below it.
      external: lines that stand in every panel.

    Returns:
      By kind of score, `evaluation` and `training`, what there is of it.

    Raises:
      FileNotFoundError: if there is no run at all.
      ValueError: if `study.json` is damaged.
    """
    if (workdir / plan_lib.FILE_NAME).exists():
        plan = plan_lib.read_plan(workdir)
        found = _read_study(plan, workdir)
        return {kind: _of_study(plan, found, kind, external) for kind in KINDS}
    runs = _read_runs(workdir)
    return {kind: _of_runs(workdir.name, runs, kind, external) for kind in KINDS}


def _read_study(plan: plan_lib.Plan, workdir: Path) -> dict[str, _Found]:
    """What there is of each run of a plan, by its name."""
    found: dict[str, _Found] = {}
    by_arm: dict[str, dict[str, grouping.Settings]] = {}
    # Where data lie is of no matter to runs that are finished.
    for cell in plan_lib.expand(plan, workdir, data=""):
        state = read_state(cell, workdir)
        if state.state == "finished":
            try:
                run = read_run(workdir / cell.name)
                found[cell.name] = _curves(run, cell.name)
                settings = grouping.settings_of(run)
                # A study's data are where its sweep was told, for each run.
                settings.pop("dataset.path", None)
                by_arm.setdefault(cell.arm, {})[cell.name] = settings
            except BrokenRunError as error:
                found[cell.name] = _nothing(cell.name, str(error))
        else:
            what = "not started" if state.state == "waiting" else state.state
            reason = f"{what}: {state.reason}" if state.reason else what
            found[cell.name] = _nothing(cell.name, reason)
    for arm in by_arm.values():
        for name, reason in _strangers(arm):
            found[name] = _nothing(name, reason)
    return found


def _strangers(arm: Mapping[str, grouping.Settings]) -> Iterator[tuple[str, str]]:
    """Runs of an arm that are no repeats of most of its others, and why.

    A plan names only some of a run's settings; of the others an earlier version of the
    config, or a hand, may have made something else.
    """
    ((usual, _),) = Counter(map(_key, arm.values())).most_common(1)
    for name, settings in arm.items():
        if _key(settings) != usual:
            own, others = grouping.labels([settings, dict(usual)])
            own, others = own or "nothing", others or "nothing"
            yield name, f"other settings than its arm's: {own} for {others}"


def _of_study(
    plan: plan_lib.Plan,
    found: Mapping[str, _Found],
    kind: str,
    external: Sequence[Line],
) -> Collection:
    gaps = [f[kind] for f in found.values() if isinstance(f[kind], Gap)]
    lines: dict[str, list[Line]] = {}
    units: dict[str, str] = {}
    for arm in plan.arms:
        curves: dict[str, dict[int, Curve]] = {}
        for game in arm.games:
            for seed in arm.seeds:
                curve = found[f"{arm.name}/{game}/{seed}"][kind]
                if isinstance(curve, Curve):
                    curves.setdefault(game, {})[seed] = curve
        units[arm.panel] = "updates" if arm.agent.offline else "frames"
        lines.setdefault(arm.panel, []).append(
            Line(
                series=arm.series,
                x=arm.x,
                curves=curves,
                planned_games=len(arm.games),
                planned_seeds=len(arm.seeds),
            )
        )
    return Collection(
        title=f"{plan.title} ({plan.study}, scale {plan.scale})",
        kind=kind,
        form=plan.form,
        x_label=plan.x_label,
        panels=_panels(lines, units, external),
        gaps=(*(gap for gap in gaps if isinstance(gap, Gap)), *_incomparable(lines)),
    )


def _read_runs(workdir: Path) -> dict[str, tuple[Run | None, _Found]]:
    """Every run folder below a folder, by its name, and what there is of it."""
    names = ("config.json", "summary.json", "scores.csv")
    folders = sorted({path.parent for name in names for path in workdir.rglob(name)})
    if not folders:
        raise FileNotFoundError(f"{workdir}: holds no run")
    runs: dict[str, tuple[Run | None, _Found]] = {}
    for folder in folders:
        name = str(folder.relative_to(workdir))
        try:
            run = read_run(folder)
        except BrokenRunError as error:
            runs[name] = None, _nothing(name, str(error))
            continue
        status = str(run.summary.get("status", "no status"))
        curves = _curves(run, name) if status == "finished" else _nothing(name, status)
        # The episodes of many runs are large, and have been looked at.
        runs[name] = dataclasses.replace(run, episodes=()), curves
    return runs


def _of_runs(
    title: str,
    runs: Mapping[str, tuple[Run | None, _Found]],
    kind: str,
    external: Sequence[Line],
) -> Collection:
    gaps: list[Gap] = []
    series = _series(run for run, found in runs.values() if run and _has_curve(found))
    by_line: dict[tuple[str, str], dict[str, dict[int, Curve]]] = {}
    units: dict[str, str] = {}
    for name, (run, found) in runs.items():
        curve = found[kind]
        if isinstance(curve, Gap) or run is None:
            gaps.append(curve if isinstance(curve, Gap) else Gap(name, "is no run"))
            continue
        agent, game, seed = (run.summary[key] for key in ("agent", "game", "seed"))
        units[agent] = "updates" if is_offline(run) else "frames"
        line = agent, series[agent, _key(grouping.settings_of(run))]
        seeds = by_line.setdefault(line, {}).setdefault(game, {})
        if seed in seeds:
            gaps.append(Gap(name, "another run has its settings, game and seed"))
        else:
            seeds[seed] = curve
    lines: dict[str, list[Line]] = {}
    for (agent, label), curves in by_line.items():
        lines.setdefault(agent, []).append(Line(series=label, curves=curves))
    return Collection(
        title=title,
        kind=kind,
        form="curves",
        x_label="",
        panels=_panels(lines, units, external),
        gaps=(*gaps, *_incomparable(lines)),
    )


# All of a run's settings, the same for no other settings.
_Key = frozenset[tuple[str, Hashable]]


def _key(settings: grouping.Settings) -> _Key:
    return frozenset(settings.items())


def _series(runs: Iterable[Run]) -> dict[tuple[str, _Key], str]:
    """The name of each line, by its agent and its runs' settings."""
    by_agent: dict[str, dict[_Key, Run]] = {}
    for run in runs:
        key = _key(grouping.settings_of(run))
        by_agent.setdefault(run.summary["agent"], {}).setdefault(key, run)
    series = {}
    for agent, lines in by_agent.items():
        settings = [grouping.settings_of(run) for run in lines.values()]
        labels = grouping.labels(settings)
        for (key, run), label in zip(lines.items(), labels, strict=True):
            series[agent, key] = label or describe(run)
    return series


def _panels(
    lines: Mapping[str, list[Line]], units: Mapping[str, str], external: Sequence[Line]
) -> tuple[Panel, ...]:
    panels = (
        make_panel(name, units[name], [*of_panel, *external])
        for name, of_panel in lines.items()
        if any(line.curves for line in of_panel)
    )
    return tuple(panel for panel in panels if panel is not None)


def _incomparable(lines: Mapping[str, list[Line]]) -> Iterator[Gap]:
    """Panels that are not there although each of their lines has runs."""
    for name, of_panel in lines.items():
        if any(x.curves for x in of_panel) and make_panel(name, "", of_panel) is None:
            yield Gap(name, "its lines have no game in common")


def _curves(run: Run, name: str) -> _Found:
    return {
        kind: curve_of(run, kind) or Gap(name, f"no {kind} game ended")
        for kind in KINDS
    }


def _has_curve(found: _Found) -> bool:
    return any(isinstance(curve, Curve) for curve in found.values())


def _nothing(name: str, reason: str) -> _Found:
    return dict.fromkeys(KINDS, Gap(name, reason))
