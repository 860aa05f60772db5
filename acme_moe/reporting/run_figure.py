"""Draws the learning curve of one run."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from acme_moe.environments import find_suite
from acme_moe.reporting import style
from acme_moe.reporting.runs import Run, describe

# Training returns are averaged over this many episodes, or as many as there are.
_WINDOW = 10


def draw_curve(run: Run) -> Figure:
    """Draws training and evaluation returns over agent steps, or over updates.

    An offline run has updates only: its agent never steps.
    """
    figure, ((axes,),) = style.new_figure(1, size=(7, 3.4))
    training = [e for e in run.episodes if e.kind == "training"]
    if training:
        steps = [run.position(e) for e in training]
        returns = pd.Series([e.episode_return for e in training])
        axes.plot(steps, returns, ".", color="0.75", label="training episode")
        recent = returns.rolling(_WINDOW, min_periods=1).mean()
        axes.plot(steps, recent, color="tab:blue", label=f"mean of the last {_WINDOW}")
    evaluations = [e for e in run.episodes if e.kind == "evaluation"]
    if evaluations:
        groups = [
            (at, [e.episode_return for e in group])
            for at, group in itertools.groupby(evaluations, run.position)
        ]
        means = np.array([np.mean(values) for _, values in groups])
        least = np.array([min(values) for _, values in groups])
        most = np.array([max(values) for _, values in groups])
        axes.errorbar(
            [at for at, _ in groups],
            means,
            [means - least, most - means],
            fmt="o-",
            capsize=3,
            color="tab:orange",
            label="evaluation: mean, least, most",
        )
    game = run.summary["game"]
    reference = find_suite(run.suite).scores.get(game)
    if reference is not None:
        axes.axhline(reference.random, color="0.4", linestyle=":", label="random play")
    axes.set_xlabel("updates" if run.unit == "updates" else "agent steps")
    axes.set_ylabel("episode return")
    axes.set_title(f"{game}: {describe(run)}, seed {run.summary['seed']}")
    axes.legend(loc="best", fontsize="small")
    return figure
