"""The ends of the commands that train."""

import types

import pytest

from acme_moe.cli import outcome
from acme_moe.environments.remembered import NotDeterministicError
from acme_moe.runs.errors import permanent_errors


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
