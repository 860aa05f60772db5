"""Memory, open files and threads of long runs: do they grow?

    python benchmarks/soak.py --minutes=70 --json=soak.json

Runs on MinAtar's Breakout with a small network, each a program of its own, all at once:
in one process with Reverb, in one with seeded replay, and in many. Every ten seconds
the sums over a run's processes are noted. The slope is that of a line through the means
of ten equal parts of what follows the warm-up, with its 95 % interval: single samples
depend on each other, and would make it look too exact. Evaluations and checkpoints are
in the time. Replay is filled in the warm-up, which should be long enough for that.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import scipy.stats
from absl import app, flags
from common import start_small_run
from tables import write_json

_MINUTES = flags.DEFINE_float("minutes", 70, "Length of the runs.", lower_bound=0.1)
_WARM_UP = flags.DEFINE_float("warm_up", 10, "Minutes that are left out.")
_PERIOD = flags.DEFINE_float("period", 10, "Seconds between two samples.")
_RUNS = flags.DEFINE_list("runs", ["one", "seeded", "many"], "Which runs.")
_REPLAY = flags.DEFINE_integer("replay", 5_000, "Transitions that replay holds.")

# What is counted, and the unit that its slope is told in.
_MEASURES = {"memory": "MB/h", "files": "1/h", "threads": "1/h", "processes": "1/h"}
_PARTS = 10


def start(name: str, folder: Path) -> subprocess.Popen[bytes]:
    """Starts one of the runs, longer than anyone waits."""
    return start_small_run(
        *(name, folder / name),
        *("--config.max_agent_steps=1000000000", "--config.min_replay_size=500"),
        *("--config.evaluation_every=20000", "--config.evaluation_episodes=2"),
        "--config.environment.max_episode_steps=1000",
        f"--config.max_replay_size={_REPLAY.value}",
        "--config.checkpoint_every_minutes=2",
        num_actors=2,
    )


def sample(run: subprocess.Popen[bytes]) -> dict[str, float]:
    """Returns the sums over a run's processes; those that end meanwhile count less."""
    root = psutil.Process(run.pid)
    total = dict.fromkeys(_MEASURES, 0.0)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess), process.oneshot():
            total["memory"] += process.memory_info().rss / 1e6
            total["files"] += process.num_fds()
            total["threads"] += process.num_threads()
            total["processes"] += 1
    return total


def slope(hours: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Computes a slope an hour, and half the width of its 95 % interval.

    Args:
      hours: `[n]`, growing.
      values: `[n]`.
    """
    x, y = (
        np.array([part.mean() for part in np.array_split(array, _PARTS)])
        for array in (hours, values)
    )
    line = scipy.stats.linregress(x, y)
    return line.slope, scipy.stats.t.ppf(0.975, _PARTS - 2) * line.stderr


def main(_: list[str]) -> None:
    """Prints a row for each run and measure."""
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: start(name, Path(folder)) for name in _RUNS.value}
        series: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
        started = time.monotonic()
        try:
            while (seconds := time.monotonic() - started) < 60 * _MINUTES.value:
                for name, run in runs.items():
                    if run.poll() is not None:
                        log = (Path(folder) / f"{name}.log").read_text()
                        raise RuntimeError(f"{name} ended: {log[-2000:]}")
                    series[name].append({"hours": seconds / 3600, **sample(run)})
                time.sleep(_PERIOD.value)
        finally:
            for run in runs.values():
                run.send_signal(signal.SIGTERM)
            for run in runs.values():
                run.wait()
        steps = {
            name: json.loads((Path(folder) / name / "summary.json").read_text())[
                "agent_steps"
            ]
            for name in runs
        }
    results = []
    for name, samples in series.items():
        columns = {key: np.array([row[key] for row in samples]) for key in samples[0]}
        after = columns["hours"] > _WARM_UP.value / 60
        print(f"{name}: {steps[name]} agent steps in {columns['hours'][-1]:.2f} h")
        for measure, unit in _MEASURES.items():
            values = columns[measure][after]
            value, half = slope(columns["hours"][after], values)
            print(
                f"  {measure:<10}{values.min():>8.0f} to {values.max():<8.0f}"
                f"{value:+8.2f} +- {half:.2f} {unit}"
            )
            results.append(
                {
                    "run": name,
                    "agent_steps": steps[name],
                    "measure": measure,
                    "least": values.min(),
                    "greatest": values.max(),
                    "slope": value,
                    "half_interval": half,
                    "unit": unit,
                    "series": columns[measure].tolist(),
                    "hours": columns["hours"].tolist(),
                }
            )
    write_json(results)


if __name__ == "__main__":
    app.run(main)
