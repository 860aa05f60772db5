"""The benchmark of an accelerator runs on a CPU, where nothing but JAX is installed."""

import json
import subprocess
import sys

import pytest

from tests.programs import ROOT

BENCHMARK = ROOT / "benchmarks" / "accelerator.py"
ABSENT = ("acme", "reverb", "tensorflow", "launchpad")


def test_it_runs_without_acme_and_reverb(tmp_path):
    file = tmp_path / "figures.json"
    settings = {
        "encoder": "nature_cnn",
        "moe": "soft",
        "precision": "float32",
        "batch": "4",
        "games": "1,2",
        "loop_games": "2",
        "updates": "1",
        "rounds": "1",
        "emulator_steps": "1000",
        "json": str(file),
    }
    argv = [str(BENCHMARK), *(f"--{k}={v}" for k, v in settings.items())]
    program = (
        f"import sys, runpy; sys.modules.update(dict.fromkeys({ABSENT}));"
        f"sys.path.insert(0, {str(BENCHMARK.parent)!r});"
        f"sys.argv = {argv}; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    document = json.loads(file.read_text())
    (row,) = document["rows"]
    assert {
        "update_ms",
        "back_to_back_ms",
        "act_1_ms",
        "act_2_ms",
        "round_ms",
    } <= row.keys()
    assert all(row[name] > 0 for name in row if name.endswith("_ms"))
    rounds = 50_000_000 / 2
    hours = row["hours_without_emulator"]
    assert hours == pytest.approx(rounds * row["round_ms"] / 3.6e6)
    # Two games take 2 ms of emulator, which the update hides in part or is hidden by.
    assert hours <= row["predicted_hours"] <= hours + rounds * 2 / 3.6e6 + 1e-6
