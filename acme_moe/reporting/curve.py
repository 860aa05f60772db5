"""The learning curve of one run."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from acme_moe.environments import SCORES
from acme_moe.reporting.runs import Run

# Training returns are averaged over this many episodes, as far as there are.
_WINDOW = 10


def plot_curve(run: Run, out: Path) -> None:
    """Draws training and evaluation returns over agent steps.

    Args:
      run: whose curve.
      out: file to write, its ending the format.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    training = [e for e in run.episodes if e.kind == "training"]
    if training:
        steps = [e.agent_steps for e in training]
        returns = np.array([e.episode_return for e in training])
        axes.plot(steps, returns, ".", color="0.75", label="training episode")
        means = [
            returns[max(0, i - _WINDOW) : i].mean() for i in range(1, len(returns) + 1)
        ]
        axes.plot(steps, means, color="tab:blue", label=f"mean of the last {_WINDOW}")
    evaluations = [e for e in run.episodes if e.kind == "evaluation"]
    if evaluations:
        steps, low, mean, high = [], [], [], []
        for step, group in itertools.groupby(evaluations, lambda e: e.agent_steps):
            values = [e.episode_return for e in group]
            steps.append(step)
            low.append(min(values))
            mean.append(np.mean(values))
            high.append(max(values))
        spread = [np.subtract(mean, low), np.subtract(high, mean)]
        axes.errorbar(
            steps,
            mean,
            spread,
            fmt="o-",
            capsize=3,
            color="tab:orange",
            label="evaluation: mean, least, most",
        )
    game = run.summary["game"]
    axes.axhline(SCORES[game].random, color="0.4", linestyle=":", label="random play")
    axes.set_xlabel("agent steps")
    axes.set_ylabel("episode return")
    axes.set_title(f"{game}: {describe(run)}, seed {run.summary['seed']}")
    axes.legend(loc="best", fontsize="small")
    figure.savefig(out, dpi=120)


def describe(run: Run) -> str:
    """The agent and its penultimate layer in a few words."""
    network = run.config.get("network", {})
    moe = network.get("moe", "unknown")
    layer = {"none": "dense", "soft": "Soft MoE", "top1": "Top1-MoE"}.get(moe, moe)
    if moe != "none" and "num_experts" in network:
        layer += f", {network['num_experts']} experts"
    encoder = f" ({network['encoder']})" if "encoder" in network else ""
    return f"{run.summary['agent']} with {layer}{encoder}"
