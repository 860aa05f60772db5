"""Benchmarks that build parts of the package by hand still do."""

import json
import os

from tests.programs import ROOT, run_python

BENCHMARKS = ROOT / "benchmarks"


def test_reverb_alone(tmp_path):
    program = tmp_path / "reverb_alone.py"
    # The server's process imports the program, too.
    program.write_text(
        "import distributed\n"
        "from absl import flags\n"
        "if __name__ == '__main__':\n"
        "    flags.FLAGS(['', '--transitions=64', '--encoder=nature_cnn'])\n"
        "    print(*distributed.measure_reverb())\n"
    )
    done = run_python(program, env={"PYTHONPATH": f"{BENCHMARKS}{os.pathsep}{ROOT}"})
    assert done.returncode == 0, done.stderr
    inserts, samples = map(float, done.stdout.split())
    assert inserts > 0
    assert samples > 0


def figures(file, benchmark, settings):
    """What a benchmark writes as JSON, and what it prints."""
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    done = run_python(BENCHMARKS / benchmark, *arguments, f"--json={file}")
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), done.stdout


def test_fixed_data(tmp_path):
    settings = {
        "game": "Pong",
        "steps": 400,
        "copies": 2,
        "fraction": 0.5,
        "n_step": 1,
        "batches": 2,
        "learner_steps": 1,
        "rounds": 1,
    }
    (row,), printed = figures(tmp_path / "figures.json", "offline.py", settings)
    assert row["transitions"] == 390
    assert row["learnt_per_second"] > 0
    headings, cells = (line.split() for line in printed.splitlines()[-2:])
    assert headings[0] == "game"
    assert cells[:3] == ["Pong", "1", "390"]


def test_updates_of_a_study(tmp_path):
    settings = {
        "panel": "DQN, equal parameters",
        "series": "GAP|^Soft MoE",
        "updates": 1,
        "rounds": 1,
    }
    file = tmp_path / "figures.json"
    (soft, gap), _ = figures(file, "study_updates.py", settings)
    assert (soft["series"], soft["over"]) == ("Soft MoE", 1.0)
    assert gap["over"] == gap["update_ms"] / soft["update_ms"]
    # A unit of GAP has some twenty parameters.
    assert abs(gap["parameters"] - soft["parameters"]) <= 12
    assert gap["width"] > soft["width"]
