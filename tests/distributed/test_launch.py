"""How a program of many processes ends, without any process."""

from unittest import mock

import pytest

from acme_moe.distributed import launch
from acme_moe.distributed.config import DistributedConfig
from acme_moe.processes import InterruptedRunError
from tests.runs import tiny


def test_a_run_is_interrupted_whichever_process_got_the_signal(tmp_path, monkeypatch):
    ended = []

    class Interrupted:
        signum = None

        def __init__(self, *_):
            pass

        def watch(self, interrupts):
            return "interrupted"

        def end(self, spared):
            ended.append(spared)

    monkeypatch.setattr(launch, "_Launched", Interrupted)
    monkeypatch.setattr(launch.lp, "launch", lambda *_, **__: None)
    with pytest.raises(InterruptedRunError, match="SIGTERM"):
        launch.run_distributed(tiny.spec(), tmp_path, DistributedConfig())
    assert len(ended) == 1


def test_what_ran_before_a_program_outlives_it(monkeypatch):
    before, nodes = mock.Mock(), mock.Mock()
    monkeypatch.setattr(launch, "_descendants", lambda: {before, nodes})
    # Nothing of a program under way but the end of its processes.
    launched = object.__new__(launch._Launched)
    launched._manager, launched._broken = mock.Mock(), ["a node is gone"]
    launched.end(spared={before})
    assert nodes.kill.called
    assert not before.kill.called
