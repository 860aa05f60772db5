"""The progress line, where the environment switches tqdm off."""

import functools

import tqdm

from acme_moe.runs import progress
from acme_moe.runs.state import RunState
from tests.runs import tiny


def test_a_bar_that_is_switched_off_draws_nothing(monkeypatch, capsys):
    """As `TQDM_DISABLE=1` does it, which tqdm reads when it is imported."""
    disabled = functools.partial(tqdm.tqdm, disable=True)
    monkeypatch.setattr(progress.tqdm, "tqdm", disabled)
    bar = progress.Progress(tiny.spec(), RunState())
    bar.episode(1.0)
    bar.draw(100, 10, 0.5)
    bar.evaluation("evaluation 1")
    bar.close()
    assert capsys.readouterr() == ("", "")
