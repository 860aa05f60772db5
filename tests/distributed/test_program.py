"""The program in a project's own hands."""

import json

from tests.distributed.launched import PATIENCE
from tests.programs import run_python


def test_a_project_adds_a_node_and_launches_r2d2_by_itself(tmp_path):
    workdir = tmp_path / "run"
    program = ("-m", "tests.distributed.own_program")
    result = run_python(*program, workdir, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    summary = json.loads((workdir / "summary.json").read_text())
    assert summary["status"] == "finished"
    assert summary["agent"] == "r2d2"
    assert summary["agent_steps"] == 200
    assert summary["learner_steps"] == (200 - 100) * 0.25
    assert summary["replay_ratio_realised"] == 0.25
    assert summary["replay_bytes_per_transition"] is None
    seen = json.loads((workdir / "seen.json").read_text())
    assert seen == sorted(seen)
    # Sequences, a new one every four steps, are told in agent steps.
    assert 100 < seen[-1][1] <= 200
