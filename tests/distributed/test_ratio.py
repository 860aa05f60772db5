"""The replay ratio holds over real replay servers, whoever is slow."""

import json
import subprocess
import sys

import pytest

from tests.distributed.launched import PATIENCE, ROOT
from tests.distributed.paced import CASES, WARM_UP


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    command = [sys.executable, "-m", "tests.distributed.paced"]
    folder = tmp_path_factory.mktemp("paced")
    done = subprocess.run(
        [*command, str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {tuple(row["case"]): row for row in rows}


@pytest.mark.parametrize("case", CASES)
def test_the_ratio_holds_and_nobody_waits_for_ever(results, case):
    result = results[case]
    assert result["ended"]
    assert result["status"] == "finished"
    assert result["ratio"] == case[0]
    assert result["learner_steps"] == case[0] * (CASES[case] - WARM_UP)
    # All the way, and the side that is held back does not matter.
    assert result["most_ahead"] <= result["max_lead"]
