"""Nodes as threads of one process, and as what Launchpad's processes unpickle."""

import importlib
import subprocess
import sys
import threading

import cloudpickle
import launchpad as lp

from acme_moe import distributed
from acme_moe.distributed.nodes import WorkerNode
from acme_moe.distributed.process import Supervision
from acme_moe.distributed.program import import_parts, make_distributed_program
from tests.programs import ROOT
from tests.runs import tiny

PARTS = ("actor", "evaluator", "learner", "replay")


class Worker:
    """Has nothing to do."""

    def run(self):
        """Ends at once."""


class Imports:
    """Notes the thread in which each part is imported."""

    def __init__(self):
        self.threads = {}

    def find_spec(self, name, path=None, target=None):
        package, _, part = name.rpartition(".")
        if package == distributed.__name__ and part in PARTS:
            self.threads[part] = threading.current_thread()


def test_everything_is_imported_before_the_first_thread_starts(tmp_path, monkeypatch):
    for part in PARTS:
        name = f"{distributed.__name__}.{part}"
        importlib.import_module(name)
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(distributed, part)
    imports, made = Imports(), []
    monkeypatch.setattr(sys, "meta_path", [imports, *sys.meta_path])

    def make():
        made.append(dict(imports.threads))
        return Worker()

    program = lp.Program("program")
    for i in range(3):
        settings = Supervision(
            name=f"node_{i}",
            workdir=tmp_path,
            token="token",
            environment={},
            quick_failures=1,
            quick_seconds=1.0,
            launcher=0,
        )
        with program.group(f"group_{i}"):
            node = WorkerNode(settings, make, coordinator=None, preload=import_parts)
            program.add_node(node)
    lp.launch(program, launch_type="local_mt").wait()
    assert made == [dict.fromkeys(PARTS, threading.current_thread())] * 3


def test_a_supervisor_imports_nothing_of_what_only_its_node_needs(tmp_path):
    program = make_distributed_program(tiny.spec(), tmp_path)
    nodes = [node for group in program.groups.values() for node in group]
    code = "import sys, cloudpickle as c; c.load(sys.stdin.buffer); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=cloudpickle.dumps(nodes),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    modules = set(done.stdout.decode().split())
    assert "acme_moe.distributed.nodes" in modules
    assert not modules & {"acme", "haiku", "jax", "tensorflow", "acme_moe.runs.spec"}
