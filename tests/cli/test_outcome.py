"""The ends of the commands that train."""

import types

from acme_moe.cli import outcome
from acme_moe.environments.remembered import NotDeterministicError


def test_a_seeded_run_that_cannot_go_on_exactly_says_why(tmp_path, capsys):
    def resume(spec, workdir):
        raise NotDeterministicError("environment 0: gave another observation")

    given = types.SimpleNamespace(workdir=tmp_path)
    assert outcome.train(resume, None, given) == 1
    said = capsys.readouterr().err
    assert said == "error: environment 0: gave another observation\n"
