"""Seconds from the command to the first update, by stage, cold and warm.

    python benchmarks/start.py --json=start.json

Each run is a program of its own: cold with an empty cache of compiled programs, then
warm with what the first one left, in rounds. The warm-up is of 64 agent steps, so the
table shows what comes before a run gets going. The stages follow each other, and the
update compiles beside `actor` and `warm-up`; `compile` is what it still waits for then.
The floor is Python with `import jax` alone, and one update.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags
from tables import write_json

_ROUNDS = flags.DEFINE_integer("rounds", 3, "Warm runs, whose medians are shown.")
_GAME = flags.DEFINE_string("game", "Pong", "Game to play.")
_SEEDED = flags.DEFINE_bool("seeded", False, "Replay in the process, not Reverb's.")

_PROGRAM = Path(__file__).resolve().parent / "start_process.py"
_RUNS = {
    "DQN, Nature CNN": ("dqn_atari", "nature_cnn"),
    "Rainbow, Impala": ("rainbow_atari", "impala"),
}
_ALONE = "an update alone"


def measure(config: str, encoder: str, cache: str) -> dict[str, float]:
    """Starts one run; returns the seconds of its stages.

    Args:
      config: preset of the run.
      encoder: of its network.
      cache: folder of compiled programs.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "ends.json"
        started = time.monotonic()
        subprocess.run(
            [
                *(sys.executable, str(_PROGRAM), str(out)),
                *(f"--config={config}", f"--workdir={folder}/run"),
                *(f"--config.network.encoder={encoder}", "--config.network.moe=soft"),
                *(f"--config.game={_GAME.value}", "--config.min_replay_size=64"),
                f"--config.replay.seeded={_SEEDED.value}",
                *("--config.max_agent_steps=200", "--config.evaluation_episodes=0"),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "XDG_CACHE_HOME": cache},
        )
        ends: dict[str, float] = json.loads(out.read_text())
    alone = ends.pop(_ALONE)
    stages, before = {}, started
    for stage, end in ends.items():
        stages[stage], before = end - before, end
    return {**stages, "whole": before - started, _ALONE: alone}


def floor() -> float:
    """Returns the seconds of Python that only imports JAX."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import jax"], check=True)
    return time.monotonic() - started


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {
        stage: statistics.median(stages[stage] for stages in rounds)
        for stage in rounds[0]
    }


def main(_: list[str]) -> None:
    """Prints a row a run."""
    for variable in ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"):
        os.environ.pop(variable, None)
    results = []
    for name, (config, encoder) in _RUNS.items():
        with tempfile.TemporaryDirectory() as cache:
            cold = measure(config, encoder, cache)
            rounds = [
                {**measure(config, encoder, cache), "import jax": floor()}
                for _ in range(_ROUNDS.value)
            ]
        warm = _medians(rounds)
        warm["floor"] = warm.pop("import jax") + warm[_ALONE]
        results.append({"run": name, "cold": cold, "warm": warm, "rounds": rounds})
        for kind, stages in (("cold", cold), ("warm", warm)):
            print(f"{name}, {kind}")
            for stage, seconds in stages.items():
                print(f"  {stage:<18}{seconds:>7.2f} s", flush=True)
    write_json(results)


if __name__ == "__main__":
    app.run(main)
