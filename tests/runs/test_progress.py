"""The progress line, where it is switched off and where it cannot be written."""

import errno
import functools
import io
import os
import sys
import types

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


def test_a_line_has_the_position_and_the_speed_since_the_line_before(monkeypatch):
    clock = iter([0.0, 10.0, 12.0])
    monkeypatch.setattr(
        progress, "time", types.SimpleNamespace(monotonic=clock.__next__)
    )
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    state = RunState(agent_steps=120, learner_steps=5)
    bar = progress.Progress(tiny.spec(), state)
    lines = []
    for position, updates in ((140, 10), (180, 20)):
        bar.draw(position, updates, 0.5)
        lines.append(sys.stderr.getvalue().split("\n")[-2])
    bar.close()
    assert "140/300" in lines[0]
    assert "0.5 updates/s" in lines[0]
    assert "180/300" in lines[1]
    assert "5.0 updates/s, loss 0.5000" in lines[1]


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
