"""The replay ratio holds over real replay servers, whoever is slow."""

import json

import pytest

from tests.distributed.launched import PATIENCE
from tests.distributed.paced import CASES, WARM_UP
from tests.programs import run_python


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paced")
    done = run_python("-m", "tests.distributed.paced", folder, timeout=2 * PATIENCE)
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
    # All the way, and at the high ratio whichever side is held back.
    assert result["most_ahead"] <= result["max_lead"]
