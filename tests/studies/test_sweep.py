"""Sweeps of small programs in place of runs: success, failure, kill, interrupt."""

import errno
import io
import os
import shlex
import signal
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest

from acme_moe.cli import sweep as cli
from acme_moe.studies import commands, locks
from acme_moe.studies.sweep import Sweep, _shares
from tests.studies.runs import planned, start, write_run

# What a run does to its folder; `steps` come on top of what is there.
RUN = textwrap.dedent(
    """
    import json, pathlib, signal, sys
    folder, what = pathlib.Path(sys.argv[1]), sys.argv[2]
    summary = folder / "summary.json"
    before = json.loads(summary.read_text())["agent_steps"] if summary.exists() else 0
    config = {"game": "Pong", "network": {"moe": "soft"}, "max_agent_steps": 100}
    (folder / "config.json").write_text(json.dumps(config))
    def write(status, steps):
        summary.write_text(json.dumps({"status": status, "agent_steps": steps}))
    if what == "fail":
        raise RuntimeError("it broke")
    if what == "die":
        write("running", 10)
        signal.raise_signal(signal.SIGKILL)
    if what == "wait":
        def stop(signum, frame):
            write("interrupted", 40)
            sys.exit(128 + signum)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        write("running", 20)
        signal.pause()
    with (folder / "turns").open("a") as stream:
        stream.write(f"from {before}\\n")
    write("finished", 100)
    """
)


class Watched:
    """A sweep of runs that do what `does` says, and what it told."""

    def __init__(self, workdir, runs, does=None, **options):
        self.events = []
        does = does or {}
        self.sweep = Sweep(
            runs,
            workdir,
            make_command=lambda run: [
                sys.executable,
                "-c",
                RUN,
                str(workdir / run.name),
                does.get(run.name, "finish"),
            ],
            on_event=self.note,
            start=start,
            **options,
        )

    def note(self, event):
        self.events.append((event.run.name, event.what))
        self.last = event

    def run(self):
        signum = self.sweep.run()
        return signum, {name: s.state for name, s in self.sweep.states().items()}


def several(number=3, **fields):
    return [planned(f"arm/Pong/{seed}", **fields) for seed in range(number)]


def test_finished_runs_are_skipped(tmp_path):
    write_run(tmp_path / "arm/Pong/1")
    watched = Watched(tmp_path, several())
    signum, states = watched.run()
    assert signum is None
    assert set(states.values()) == {"finished"}
    assert [name for name, what in watched.events if what == "started"] == [
        "arm/Pong/0",
        "arm/Pong/2",
    ]
    again = Watched(tmp_path, several())
    again.run()
    assert again.events == []


def test_a_run_that_another_sweep_finished_meanwhile_is_not_started(tmp_path):
    watched = Watched(tmp_path, several(2))

    def note(event):
        watched.events.append((event.run.name, event.what))
        if event.what == "started":
            write_run(tmp_path / "arm/Pong/1")

    watched.sweep._on_event = note
    _, states = watched.run()
    assert set(states.values()) == {"finished"}
    assert [what for name, what in watched.events if name == "arm/Pong/1"] == [
        "finished"
    ]
    lock = locks.take(tmp_path / "arm/Pong/1")
    assert lock is not None
    os.close(lock)


def test_a_failure_is_told_with_its_reason_and_stops_nothing(tmp_path):
    watched = Watched(tmp_path, several(2), {"arm/Pong/0": "fail"})
    reasons = []
    watched.sweep._on_event = lambda e: reasons.append((e.what, e.reason))
    _, states = watched.run()
    assert states == {"arm/Pong/0": "failed", "arm/Pong/1": "finished"}
    assert ("failed", "exit status 1: RuntimeError: it broke") in reasons
    watched = Watched(tmp_path, several(2))
    _, states = watched.run()
    assert set(states.values()) == {"finished"}
    assert {name for name, _ in watched.events} == {"arm/Pong/0"}


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path, monkeypatch):
    take = locks.take

    def take_where_there_is_room(folder):
        if folder.name == "0":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return take(folder)

    monkeypatch.setattr(locks, "take", take_where_there_is_room)
    watched = Watched(tmp_path, several(2))
    states = {"arm/Pong/0": "waiting", "arm/Pong/1": "finished"}
    assert watched.run() == (None, states)
    assert watched.events[0] == ("arm/Pong/0", "failed")


def test_a_killed_run_is_stopped_and_resumes_in_its_folder(tmp_path):
    watched = Watched(tmp_path, several(1), {"arm/Pong/0": "die"})
    _, states = watched.run()
    assert states == {"arm/Pong/0": "stopped"}
    assert watched.last.reason == "killed by SIGKILL: ended without saving"
    _, states = Watched(tmp_path, several(1)).run()
    assert states == {"arm/Pong/0": "finished"}
    assert (tmp_path / "arm/Pong/0/turns").read_text() == "from 10\n"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_passed_on_and_starts_nothing_new(tmp_path, signum):
    first, second, third = (run.name for run in several())
    watched = Watched(
        tmp_path,
        several(),
        {first: "wait", second: "wait"},
        parallel=2,
        split_cpus=False,
    )
    handler = signal.getsignal(signum)
    look = watched.sweep._look

    def interrupt_once_both_wait():
        # Both have their handlers once they have written that they run.
        if all((tmp_path / n / "summary.json").exists() for n in (first, second)):
            watched.sweep._look = look
            signal.raise_signal(signum)
        look()

    watched.sweep._look = interrupt_once_both_wait
    stopped_by, states = watched.run()
    assert stopped_by == signum
    assert states == {first: "stopped", second: "stopped", third: "waiting"}
    assert watched.sweep.states()[first].position == 40
    log = (tmp_path / first / "sweep.log").read_text()
    assert log.endswith(f"the sweep was stopped by {signal.Signals(signum).name}\n")
    assert signal.getsignal(signum) == handler


def command_line(monkeypatch, folder, runs, does=None):
    """What the command ends with after a sweep of these runs."""
    watched = Watched(folder, runs, does)
    flags = types.SimpleNamespace(FLAGS=types.SimpleNamespace(parallel=1))
    monkeypatch.setattr(cli, "flags", flags)

    def make_sweep(_, workdir, tell):
        assert workdir == folder
        watched.sweep._on_event = tell
        return watched.sweep

    monkeypatch.setattr(cli.sweep_flags, "make_sweep", make_sweep)
    return cli._train(runs, folder)


def test_a_line_that_cannot_be_printed_does_not_end_it(tmp_path, monkeypatch):
    class Full(io.StringIO):
        """A log on a disk that is full while the runs start and end."""

        def write(self, text):
            if text.startswith("["):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Full())
    assert command_line(monkeypatch, tmp_path, several()) == 0
    assert "finished" in sys.stdout.getvalue()


@pytest.mark.parametrize(("what", "status"), [("finish", 0), ("fail", 1), ("die", 1)])
def test_the_exit_status_says_whether_all_is_finished(
    tmp_path, monkeypatch, what, status
):
    runs = several(2)
    does = {runs[0].name: what}
    assert command_line(monkeypatch, tmp_path, runs, does) == status


def test_no_more_run_at_once_than_allowed(tmp_path):
    watched = Watched(tmp_path, several(5), parallel=2)
    watched.run()
    running, most = 0, 0
    for _, what in watched.events:
        running += 1 if what == "started" else -1
        most = max(most, running)
    assert most == 2


def test_a_run_that_another_process_runs_is_left_alone(tmp_path):
    folder = tmp_path / "arm/Pong/0"
    folder.mkdir(parents=True)
    lock = locks.take(folder)
    watched = Watched(tmp_path, several(2))
    _, states = watched.run()
    os.close(lock)
    assert states == {"arm/Pong/0": "running", "arm/Pong/1": "finished"}
    assert {name for name, _ in watched.events} == {"arm/Pong/1"}


def test_a_process_keeps_its_lock_when_the_sweep_is_gone(tmp_path):
    folder = tmp_path / "arm/Pong/0"
    folder.mkdir(parents=True)
    lock = locks.take(folder)
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=(lock,),
    )
    os.close(lock)
    assert locks.is_taken(folder)
    child.communicate()
    assert not locks.is_taken(folder)


@pytest.mark.parametrize(
    ("first", "then"), [("finish", "finished"), ("fail", "waiting")]
)
def test_a_run_waits_for_what_it_needs(tmp_path, first, then):
    needed = planned("data/Pong/0")
    needing = planned("arm/Pong/0", needs=needed.name)
    watched = Watched(tmp_path, [needed, needing], {needed.name: first}, parallel=2)
    _, states = watched.run()
    assert states[needing.name] == then
    assert watched.events[:2] == [
        (needed.name, "started"),
        (needed.name, "finished" if first == "finish" else "failed"),
    ]
    if then == "waiting":
        assert watched.last.reason == "needs data/Pong/0, which is not finished"


def sweep_beside_another(workdir, *, finishes):
    """Sweeps while another process has a run that one needs; what was watched.

    The other process ends once nothing else is left here, and may finish its run.
    """
    needed = planned("data/Pong/0")
    needing = planned("arm/Pong/0", needs=needed.name)
    folder = workdir / needed.name
    folder.mkdir(parents=True)
    lock = locks.take(folder)

    def more(left):
        nonlocal lock
        # Asked while a slot is free, so after the third run has ended.
        if lock is not None and [*left] == [needing]:
            if finishes:
                write_run(folder)
            os.close(lock)
            lock = None
        return ()

    runs = [needed, needing, planned("arm/Pong/1")]
    watched = Watched(workdir, runs, parallel=2, more=more)
    _, states = watched.run()
    assert set(states.values()) == {"finished"}
    return watched


def test_a_run_waits_for_what_another_process_runs(tmp_path):
    watched = sweep_beside_another(tmp_path, finishes=True)
    assert watched.events[0] == ("arm/Pong/1", "started")
    assert watched.last.run.name == "arm/Pong/0"
    assert ("data/Pong/0", "started") not in watched.events


def test_what_another_process_leaves_unfinished_is_run(tmp_path):
    events = sweep_beside_another(tmp_path, finishes=False).events
    assert events.index(("data/Pong/0", "finished")) < events.index(
        ("arm/Pong/0", "started")
    )


def test_shares_of_the_cpus_are_disjoint(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4, 6, 8}, False)
    assert _shares(2) == [{0, 2}, {4, 6}]
    assert _shares(1) is None
    assert _shares(9) is None


def test_a_command_gives_every_setting(tmp_path):
    assert commands.command(planned(seed=3), tmp_path) == [
        *(sys.executable, "-m", "acme_moe.cli.train"),
        "--config=dqn_atari",
        f"--workdir={tmp_path}/arm/Pong/0",
        "--config.game=Pong",
        "--config.network.moe=soft",
        "--config.seed=3",
    ]


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Puts a program in the interpreter's place, for commands to be tried."""
    path = tmp_path / "python"

    def write(*lines):
        path.write_text("\n".join((f"#!{executable}", "import sys", *lines)))
        path.chmod(0o755)

    executable = sys.executable
    monkeypatch.setattr(sys, "executable", str(path))
    return write


def test_a_printed_line_locks_the_folder_as_a_sweep_does(tmp_path, python):
    workdir = tmp_path / "with space"
    python(
        f"sys.path.insert(0, {os.getcwd()!r})",
        "from pathlib import Path",
        "from acme_moe.studies.locks import is_taken",
        "print(is_taken(Path(sys.argv[4].partition('=')[2])))",
    )
    line = commands.shell_line(planned(), workdir)
    subprocess.run(line, shell=True, check=True)
    assert (workdir / planned().name / "sweep.log").read_text() == "True\n"


def test_a_printed_line_is_run_by_no_process_in_between(tmp_path, python):
    python("import os", "print(os.getppid())")
    (line,) = slurm_lines(commands.slurm_script([planned()], tmp_path, **SLURM))
    subprocess.run(["bash", "-c", line], check=True)
    parent = (tmp_path / planned().name / "sweep.log").read_text()
    assert int(parent) == os.getpid()


def test_a_printed_line_leaves_a_run_that_another_process_has_alone(tmp_path, python):
    python("print('started')")
    folder = tmp_path / planned().name
    folder.mkdir(parents=True)
    lock = locks.take(folder)
    line = commands.shell_line(planned(), tmp_path)
    done = subprocess.run(line, shell=True, check=False, stderr=subprocess.PIPE)
    os.close(lock)
    assert done.returncode == 1
    assert done.stderr == b"arm/Pong/0: another process runs it\n"
    assert not (folder / "sweep.log").exists()


SLURM = {"start": Path("/"), "name": "figure_1", "at_once": 2}


def slurm_lines(script):
    """What the tasks of a script run."""
    return [
        shlex.split(line.partition("line=")[2])[0]
        for line in script.splitlines()
        if ") line=" in line
    ]


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Puts programs in the places of srun and scontrol, which log their arguments."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, then in (("srun", 'shift; exec "$@"'), ("scontrol", "")):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$@" > {folder}/{name}.log\n{then}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "0")
    return folder


@pytest.mark.parametrize(("status", "again"), [(0, False), (1, False), (143, True)])
def test_a_slurm_task_waits_for_another_turn_after_the_warning(
    tmp_path, python, slurm, status, again
):
    python(f"sys.exit({status})")
    script = commands.slurm_script([planned()], tmp_path, **SLURM)
    done = subprocess.run(["bash", "-c", script], check=False)
    assert done.returncode == (0 if again else status)
    requeued = slurm / "scontrol.log"
    assert requeued.exists() == again
    if again:
        assert requeued.read_text() == "requeue 17\n"


def test_a_slurm_step_has_the_cpus_of_its_task(tmp_path, python, slurm, monkeypatch):
    python()
    script = commands.slurm_script([planned()], tmp_path, **SLURM)
    for given, wanted in ((None, "1"), ("4", "4")):
        if given is not None:
            monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
        subprocess.run(["bash", "-c", script], check=True)
        asked = (slurm / "srun.log").read_text()
        assert asked.startswith(f"--cpus-per-task={wanted} bash -c ")


@pytest.mark.usefixtures("slurm")
def test_a_slurm_array_runs_the_line_of_its_task(tmp_path, python):
    python("print(sys.argv[-1])")
    script = commands.slurm_script(
        [planned(f"arm/Pong/{i}", seed=i) for i in range(3)],
        tmp_path,
        tmp_path,
        name="all experts",
        at_once=2,
    )
    assert "#SBATCH --job-name='all experts'\n" in script
    assert "#SBATCH --array=0-2%2" in script
    subprocess.run(
        ["bash", "-c", script],
        check=True,
        env={**os.environ, "SLURM_ARRAY_TASK_ID": "0", "OFFSET": "1"},
    )
    assert (tmp_path / "arm/Pong/1/sweep.log").read_text() == "--config.seed=1\n"
    assert not (tmp_path / "arm/Pong/0").exists()
    refused = subprocess.run(
        ["bash", "-c", script],
        check=False,
        capture_output=True,
        env={**os.environ, "SLURM_ARRAY_TASK_ID": "3"},
    )
    assert refused.returncode == 2


def test_words_of_a_printed_line_survive_the_shell(tmp_path):
    odd = planned(record="a 'b' $c")
    line = commands.shell_line(odd, tmp_path)
    assert "--config.record=a 'b' $c" in shlex.split(line)
