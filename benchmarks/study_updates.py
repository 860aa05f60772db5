"""What an update of each arm of a study costs: parameters, FLOPs, milliseconds.

    python benchmarks/study_updates.py --study=minatar_bottleneck

The arms are those of the study's first game at the paper's scale, with the widths that
the study gives them. Parameters and FLOPs are those that `describe` counts, of a
forward pass; an update's products are a fixed multiple of them. An update is the
agent's own, with its optimiser and its target network, on a batch of zeros, and is
waited for. All arms take turns; shown are medians, and these divided by the median
of `--over` in the same panel. `--panel` and `--series` choose among the arms.
"""

from __future__ import annotations

import dataclasses
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from absl import app, flags
from tables import Table, write_json

from acme_moe import learning, memory

_STUDY = flags.DEFINE_string("study", "minatar_bottleneck", "A study.")
_PANEL = flags.DEFINE_string("panel", "", "Regular expression of the panels' names.")
_SERIES = flags.DEFINE_string("series", "", "The same of the lines' names.")
_OVER = flags.DEFINE_string("over", "Soft MoE", "The line that others are divided by.")
_UPDATES = flags.DEFINE_integer("updates", 20, "Of each arm per round.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds in which all take turns.")


@dataclasses.dataclass
class Result:
    """The update of an arm; sizes are those of its network."""

    panel: str
    series: str
    width: int
    parameters: int
    flops: int
    update_ms: float
    over: float | None = None


def make_call(spec: Any) -> Callable[[int], None]:
    """Returns a function that takes so many of a run's updates and waits for them."""
    from acme_moe.runs.assembly import Parts

    parts = Parts(spec)
    builder, environment_spec = parts.builder, parts.environment_spec
    network = builder.make_network(environment_spec)
    zeros = jax.tree.map(
        lambda leaf: jnp.zeros((1, *leaf.shape), leaf.dtype),
        environment_spec.observations,
    )
    sample = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype),
        builder.sample_spec(environment_spec, network)._replace(keys=None),
    )
    state = learning.compile_training_state(
        lambda key: network.init(key, zeros), builder.make_optimizer()
    )(*jax.random.split(jax.random.PRNGKey(0)))
    update = builder.make_update(network, environment_spec)

    def call(updates: int) -> None:
        nonlocal state
        for _ in range(updates):
            state, *_ = update(state, sample.transitions, sample.probabilities)
            jax.block_until_ready(state)

    return call


def measure() -> list[Result]:
    """Times the updates of all arms, which take turns."""
    from acme_moe.runs.assembly import network_totals
    from acme_moe.studies.derived import run_spec
    from acme_moe.studies.figures import load_study
    from acme_moe.studies.plan import make_plan
    from acme_moe.studies.scales import SCALES

    results, calls = [], []
    for arm in make_plan(load_study(_STUDY.value), SCALES["paper"]).arms:
        if not (
            re.search(_PANEL.value, arm.panel) and re.search(_SERIES.value, arm.series)
        ):
            continue
        spec = run_spec(arm.agent.config, {**arm.settings, "game": arm.games[0]})
        width = spec.agent.network.expert_width
        totals = network_totals(spec)
        results.append(Result(arm.panel, arm.series, width, *totals, update_ms=0.0))
        calls.append(make_call(spec))
        calls[-1](2)  # Compiles.
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(_ROUNDS.value):
        for call, taken in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call(_UPDATES.value)
            taken.append((time.perf_counter() - start) / _UPDATES.value)
    for result, taken in zip(results, seconds, strict=True):
        result.update_ms = 1e3 * statistics.median(taken)
    beside = {x.panel: x.update_ms for x in results if x.series == _OVER.value}
    for result in results:
        if result.panel in beside:
            result.over = result.update_ms / beside[result.panel]
    return results


def main(_: list[str]) -> None:
    """Prints the table, and writes it as JSON."""
    results = measure()
    table = Table(
        {
            "panel": "<32",
            "series": "<20",
            "width": ">9,d",
            "parameters": ">12,d",
            "flops": ">16,d",
            "ms": ">8.2f",
            f"over {_OVER.value}": f">{len(_OVER.value) + 7}.2f",
        }
    )
    for result in results:
        table.add(*dataclasses.astuple(result))
    write_json(results)


if __name__ == "__main__":
    memory.keep_freed()
    app.run(main)
