"""Runs as forks of a process that has imported everything."""

import json
import os
import signal
import sys
import textwrap
from multiprocessing import forkserver

import pytest

from acme_moe.studies import locks
from acme_moe.studies.preloaded import Preloaded
from acme_moe.studies.sweep import Sweep
from tests.studies.runs import planned

COMMAND = textwrap.dedent(
    """
    import json, os, pathlib, signal, sys

    def main():
        folder, what = pathlib.Path(sys.argv[1]), sys.argv[2]
        print("to the log", flush=True)
        print("errors too", file=sys.stderr)
        told = {
            "orig_argv": sys.orig_argv,
            "cpus": sorted(os.sched_getaffinity(0)),
            "leads": os.getsid(0) == os.getpid(),
            "preloaded": "preloaded_part" in sys.modules,
        }
        if what == "fail":
            raise RuntimeError("it broke")
        if (folder / "told").exists():
            (folder / "told").write_text(json.dumps(told))
        if what == "wait":
            signal.pause()
        return 7
    """
)


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    (folder / "preloaded_command.py").write_text(COMMAND)
    (folder / "preloaded_part.py").write_text("")
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(folder)
    patch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.getcwd()}")
    yield Preloaded(["preloaded_part"])
    patch.undo()


def command(folder, what):
    return [sys.executable, "-m", "preloaded_command", str(folder), what]


def start(preloaded, folder, what, **options):
    os.mkfifo(folder / "told")
    lock = locks.take(folder)
    process = preloaded.start(
        command(folder, what), folder / "sweep.log", lock=lock, **options
    )
    os.close(lock)
    return process


def told(folder):
    """What the command tells of itself; waits for it."""
    return json.loads((folder / "told").read_text())


def end(process):
    """Waits for the process; returns its exit status."""
    process._process.join(60)
    return process.poll()


def test_it_is_a_process_as_any_other(preloaded, tmp_path):
    cpu = min(os.sched_getaffinity(0))
    process = start(preloaded, tmp_path, "end", cpus={cpu})
    assert told(tmp_path) == {
        "orig_argv": command(tmp_path, "end"),
        "cpus": [cpu],
        "leads": True,
        "preloaded": True,
    }
    assert end(process) == 7
    assert (tmp_path / "sweep.log").read_text() == "to the log\nerrors too\n"
    assert not locks.is_taken(tmp_path)
    process.send_signal(signal.SIGTERM)  # Nobody is there, and that is no error.


def test_it_holds_its_lock_until_it_is_killed(preloaded, tmp_path):
    process = start(preloaded, tmp_path, "wait")
    told(tmp_path)
    assert process.poll() is None
    assert locks.is_taken(tmp_path)
    process.send_signal(signal.SIGKILL)
    assert end(process) == -signal.SIGKILL
    assert not locks.is_taken(tmp_path)


def test_a_signal_to_all_processes_leaves_the_one_that_tells_how_runs_end(
    preloaded, tmp_path
):
    process = start(preloaded, tmp_path, "wait")
    told(tmp_path)
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    assert end(process) == -signal.SIGTERM


def test_a_crash_is_told_and_the_next_run_starts(preloaded, tmp_path):
    runs = [planned(f"arm/Pong/{seed}") for seed in range(2)]
    ends = []
    Sweep(
        runs,
        tmp_path,
        make_command=lambda run: command(
            tmp_path / run.name, "fail" if run is runs[0] else "end"
        ),
        on_event=lambda e: e.what != "started" and ends.append((e.run.name, e.reason)),
        start=preloaded.start,
    ).run()
    assert ends[0] == (runs[0].name, "exit status 1: RuntimeError: it broke")
    assert ends[1][0] == runs[1].name
    assert ends[1][1].startswith("exit status 7")
