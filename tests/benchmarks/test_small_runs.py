"""Benchmarks that build parts of the package by hand still do."""

import json
import subprocess
import sys
from pathlib import Path

from tests.programs import run_python

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_reverb_alone():
    code = (
        "import distributed; from absl import flags;"
        "flags.FLAGS(['distributed', '--transitions=64', '--encoder=nature_cnn']);"
        "print(*distributed.measure_reverb())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    inserts, samples = map(float, done.stdout.split())
    assert inserts > 0
    assert samples > 0


def test_fixed_data(tmp_path):
    file = tmp_path / "figures.json"
    settings = {
        "game": "Pong",
        "steps": 400,
        "copies": 2,
        "fraction": 0.5,
        "n_step": 1,
        "batches": 2,
        "learner_steps": 1,
        "rounds": 1,
        "json": file,
    }
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    done = run_python(BENCHMARKS / "offline.py", *arguments)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(file.read_text())
    assert row["transitions"] == 390
    assert row["learnt_per_second"] > 0
    headings, figures = (line.split() for line in done.stdout.splitlines()[-2:])
    assert headings[0] == "game"
    assert figures[:3] == ["Pong", "1", "390"]


def test_updates_of_a_study(tmp_path):
    file = tmp_path / "figures.json"
    settings = {
        "panel": "DQN, equal parameters",
        "series": "GAP|^Soft MoE",
        "updates": 1,
        "rounds": 1,
        "json": file,
    }
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    done = run_python(BENCHMARKS / "study_updates.py", *arguments)
    assert done.returncode == 0, done.stderr
    soft, gap = json.loads(file.read_text())
    assert (soft["series"], soft["over"]) == ("Soft MoE", 1.0)
    assert gap["over"] == gap["update_ms"] / soft["update_ms"]
    # A unit of GAP has some twenty parameters.
    assert abs(gap["parameters"] - soft["parameters"]) <= 12
    assert gap["width"] > soft["width"]
