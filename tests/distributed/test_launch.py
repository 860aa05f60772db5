"""How a program of many processes ends, without any process."""

import pytest

from acme_moe.distributed import launch
from acme_moe.distributed.config import DistributedConfig
from acme_moe.processes import InterruptedRunError
from tests.runs import tiny


def test_a_run_is_interrupted_whichever_process_got_the_signal(tmp_path, monkeypatch):
    class Interrupted:
        signum = None

        def __init__(self, *_):
            pass

        def watch(self, interrupts):
            return "interrupted"

        def end(self):
            pass

    monkeypatch.setattr(launch, "_Launched", Interrupted)
    monkeypatch.setattr(launch.lp, "launch", lambda *_, **__: None)
    with pytest.raises(InterruptedRunError, match="SIGTERM"):
        launch.run_distributed(tiny.spec(), tmp_path, DistributedConfig())
