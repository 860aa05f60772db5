"""The ends of the commands that train."""

import json
import types
from unittest import mock

import pytest

from acme_moe.cli import outcome
from acme_moe.environments.remembered import NotDeterministicError
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.errors import permanent_errors
from acme_moe.runs.finished import find_finished
from tests.runs import tiny


@pytest.mark.parametrize("error", permanent_errors())
def test_what_the_user_has_to_mend_is_told_without_a_traceback(error, tmp_path, capsys):
    def start(spec, workdir):
        raise error("field: what is wrong")

    given = types.SimpleNamespace(workdir=tmp_path)
    assert outcome.train(start, None, given) == 1
    assert capsys.readouterr().err == "error: field: what is wrong\n"


def test_a_seeded_run_that_cannot_go_on_exactly_says_why(tmp_path, capsys):
    def resume(spec, workdir):
        raise NotDeterministicError("environment 0: gave another observation")

    given = types.SimpleNamespace(workdir=tmp_path)
    assert outcome.train(resume, None, given) == 1
    said = capsys.readouterr().err
    assert said == "error: environment 0: gave another observation\n"


def test_of_a_finished_run_only_the_result_is_read(tmp_path, capsys):
    spec, counts = tiny.spec(), {"agent_steps": 300, "evaluated_at": 300}
    Checkpoints(tmp_path / "checkpoints", kept=1).save(300, {}, counts, [])
    details = {"status": "finished", "learner_steps": 50, "wall_seconds": 7}
    summary = {"agent": "dqn", "game": "Pong", "evaluation_return_mean": 2}
    (tmp_path / "summary.json").write_text(json.dumps(counts | details | summary))
    given = types.SimpleNamespace(workdir=tmp_path)
    make = mock.MagicMock(side_effect=ValueError("it was made"))
    assert outcome.train(make, spec, given) == 0
    assert "300 agent steps, 50 updates in 7 s; evaluation return 2" in (
        capsys.readouterr().out
    )
    assert find_finished(spec, tmp_path / "summary.json") is None  # No folder.
    longer = tiny.spec(run={"max_agent_steps": 400})
    with pytest.raises(ValueError, match="it was made"):
        outcome.train(make, longer, given)
