"""The progress line, where it is switched off and where it cannot be written."""

import errno
import functools
import io
import os
import sys

import pytest
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


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("method", ["write", "flush"])
def test_a_line_that_cannot_be_written_is_left_out(monkeypatch, method, terminal):
    """Of a log on a full disk, as a sweep's runs have one; or a pipe without reader."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stream = io.StringIO()
    stream.isatty = lambda: terminal
    setattr(stream, method, full)
    monkeypatch.setattr(sys, "stderr", stream)
    bar = progress.Progress(tiny.spec(), RunState())
    bar.draw(100, 10, 0.5)
    bar.evaluation("evaluation 1")
    bar.close()
