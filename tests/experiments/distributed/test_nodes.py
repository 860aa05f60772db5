"""Nodes that are threads of one process."""

import threading

import launchpad as lp

from acme_moe.experiments.distributed.nodes import Lazy, SupervisedWorker
from acme_moe.experiments.distributed.supervisor import Supervision


class Worker:
    """Has nothing to do."""

    def run(self):
        """Ends at once."""


class Noted(Lazy):
    """Keeps the thread of each import."""

    def __init__(self, seen):
        super().__init__("nowhere", "Worker")
        self.seen = seen

    def load(self):
        self.seen.append(threading.current_thread())
        return Worker


def test_everything_is_imported_before_the_first_thread_starts(tmp_path):
    seen = []
    program = lp.Program("program")
    for i in range(3):
        supervision = Supervision(
            name=f"node_{i}",
            workdir=tmp_path,
            token="token",
            environment={},
            quick_failures=1,
            quick_seconds=1.0,
            launcher=0,
        )
        with program.group(f"group_{i}"):
            program.add_node(SupervisedWorker(supervision, Noted(seen)))
    lp.launch(program, launch_type="local_mt").wait()
    assert seen[:3] == [threading.current_thread()] * 3
    assert len(seen) == 6
