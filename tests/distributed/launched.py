"""A distributed run in real processes, for tests that watch and disturb it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests import programs
from tests.programs import ROOT
from tests.runs import tiny

TRAIN = [sys.executable, str(ROOT / "launchers" / "train_distributed.py")]
# Far beyond what anything here takes on a busy machine.
PATIENCE = 180


def flags(workdir, spec=None):
    """The launcher's flags for a run of `spec`, or to resume that of the folder."""
    config = []
    if spec is not None:
        config = [
            f"--config={ROOT / 'configs' / f'{spec.run.agent}_atari.py'}",
            *tiny.flags(spec),
        ]
    return [*config, f"--workdir={workdir}"]


class Launched:
    """The launcher's process, and what can be seen of the run that it started."""

    def __init__(self, workdir, *more, spec=None):
        """Starts a run of `spec`, or resumes that of the folder."""
        self.workdir = workdir
        self.stderr = (workdir.parent / f"{workdir.name}.stderr").open("w+")
        self.process = subprocess.Popen(
            [*TRAIN, *flags(workdir, spec), *more],
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._seen = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill_everything()
        self.process.stdout.close()
        self.stderr.close()

    def processes(self):
        """All processes of the program that are alive, the launcher included."""
        try:
            launcher = psutil.Process(self.process.pid)
            for process in [launcher, *launcher.children(recursive=True)]:
                self._seen[process.pid] = process
        except psutil.NoSuchProcess:
            pass
        return [p for p in self._seen.values() if _alive(p)]

    def kill_everything(self):
        for process in self.processes():
            process.kill()
        self.process.wait(PATIENCE)
        psutil.wait_procs(self._seen.values(), timeout=PATIENCE)

    def pid(self, node):
        """Returns the id of the node's process; None while it has none."""
        try:
            return int((self.workdir / "logs" / f"{node}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def kill(self, node, signum=signal.SIGKILL):
        """Sends a signal to the node's process, SIGKILL by default; returns its id."""
        pid = self.pid(node)
        os.kill(pid, signum)
        return pid

    def wait_for(self, condition):
        """Waits until the condition holds; fails if the launcher ends before."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.processes()
            try:
                self.process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                assert time.monotonic() < deadline, self.logs()
                continue
            raise AssertionError(f"ended with {self.process.returncode}: {self.logs()}")

    def ends(self):
        """Waits for the launcher's end, and the others'; returns its exit status."""
        self.wait_until_gone(self.process.pid)
        status = self.process.wait(PATIENCE)
        started = time.monotonic()
        while self.processes():
            assert time.monotonic() - started < 10, self.processes()
            time.sleep(0.05)
        return status

    def wait_until_gone(self, pid):
        deadline = time.monotonic() + PATIENCE
        while True:
            self.processes()
            if self.process.poll() is not None or not psutil.pid_exists(pid):
                return
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)

    def ports(self):
        """Ports on which some process of the program listens."""
        found = set()
        for process in self.processes():
            try:
                for connection in process.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN:
                        found.add(connection.laddr.port)
            except psutil.NoSuchProcess:
                continue
        return found

    def state(self):
        """The coordinator's counts, as it keeps them; zeros before the first."""
        try:
            return json.loads((self.workdir / "coordinator.json").read_text())["state"]
        except FileNotFoundError:
            return {"agent_steps": 0, "learner_steps": 0, "evaluated_at": 0}

    def starts(self, node):
        """How often the coordinator, as it keeps it, has seen the node start."""
        kept = json.loads((self.workdir / "coordinator.json").read_text())
        return kept["starts"].get(node, 0)

    def summary(self):
        return json.loads((self.workdir / "summary.json").read_text())

    def rows(self, name):
        return programs.rows(self.workdir / name)

    def evaluations(self):
        """The rows of evaluations in `scores.csv`, none before there is the file."""
        if not (self.workdir / "scores.csv").exists():
            return []
        return [row for row in self.rows("scores.csv") if row["kind"] == "evaluation"]

    def log(self, node):
        return (self.workdir / "logs" / f"{node}.log").read_text()

    def checkpoints(self):
        folder = self.workdir / "checkpoints"
        names = (path.name for path in folder.glob("*"))
        return sorted(name for name in names if name.replace("_", "").isdigit())

    def logs(self):
        """Everything that was printed, for the message of a test that fails."""
        self.stderr.flush()
        texts = [Path(self.stderr.name).read_text()[-2000:]]
        for path in sorted((self.workdir / "logs").glob("*.log")):
            texts.append(f"--- {path.name}\n{path.read_text()[-1500:]}")
        return "\n".join(texts)


def _alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
