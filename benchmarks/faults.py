"""Kills and stops at random moments: what a run loses, beside what the docs promise.

    python benchmarks/faults.py --kills=100 --json=faults.json

Small runs on MinAtar's Breakout, one after another: in one process with Reverb (`one`)
and with seeded replay (`seeded`), and in many (`many`). Each takes several faults: a
random node gets SIGKILL, or SIGSTOP and SIGCONT a while later, at a random moment, each
third time while a checkpoint is being written. What ended is resumed by the same
command, until the run ends by itself. Then its counts, ratio, scores and checkpoints
are compared with what docs/distributed.md and docs/seeded.md promise; a seeded run's,
bit for bit, with those of one that nobody disturbed.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import math
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tabulate
from absl import app, flags
from common import read_rows, start_small_run
from tables import write_json

from acme_moe.runs.checkpoints import Checkpoints, DamagedCheckpointError
from acme_moe.runs.state import RunState

_KILLS = flags.DEFINE_integer("kills", 100, "Faults of all runs.", lower_bound=1)
_PER_RUN = flags.DEFINE_integer("per_run", 6, "Faults of one run.", lower_bound=1)
_KINDS = flags.DEFINE_list("kinds", ["one", "seeded", "many"], "Kinds of runs.")
_SEED = flags.DEFINE_integer("seed", 0, "Decides nodes, signals and moments.")
_MINUTES = flags.DEFINE_float("minutes", 600, "Begins no run and no fault after.")

_STEPS = {"one": 16_000, "seeded": 16_000, "many": 8_000}
_WARM_UP, _RATIO = 200, Fraction(1, 4)
_EVALUATION, _EPISODES = 4_000, 2
# Seconds after a start or the fault before in which the next one falls.
_WITHIN = {"one": 20.0, "seeded": 20.0, "many": 15.0}
_NODES = ("actor_0", "evaluator", "learner", "replay_0", "coordinator", "all")
# A busy machine's start takes a while; what is slower hangs.
_PATIENCE = 240.0


@dataclasses.dataclass
class Fault:
    """What was done to a run, and what it cost.

    Attributes:
      kind: of the run.
      node: that was hit; `all` for the whole process or program.
      signal: SIGKILL or SIGSTOP.
      in_checkpoint: whether one was being written.
      lost_updates: updates that are taken again, by the log; counted if the learner
        is killed.
      lost_seconds: seconds since the last whole checkpoint; None if there was none, or
        nothing was lost.
    """

    kind: str
    node: str
    signal: str
    in_checkpoint: bool
    lost_updates: int = 0
    lost_seconds: float | None = None


class Disturbed:
    """A run, and what is done to it."""

    def __init__(self, kind: str, folder: Path, draws: random.Random) -> None:
        """Starts nothing yet."""
        self.kind, self.workdir, self._draws = kind, folder, draws
        self._process: subprocess.Popen[bytes] | None = None
        self.ended_by_itself = 0

    def start(self) -> None:
        """Starts the run, or resumes it."""
        self._process = start_small_run(
            *(self.kind, self.workdir),
            f"--config.max_agent_steps={_STEPS[self.kind]}",
            f"--config.min_replay_size={_WARM_UP}",
            f"--config.evaluation_every={_EVALUATION}",
            f"--config.evaluation_episodes={_EPISODES}",
            "--config.environment.max_episode_steps=300",
            "--config.max_replay_size=5000",
            "--config.checkpoint_every_minutes=0.05",
            "--config.log_every_seconds=1e-6",
            num_actors=1,
        )

    def disturb(self, *, in_checkpoint: bool) -> Fault | None:
        """Hits a random node at a random moment; None if the run ends before."""
        waited = self._draws.uniform(0, _WITHIN[self.kind])
        if not self._wait(lambda: False, waited):
            return None
        if in_checkpoint and not self._wait(self._is_writing, _PATIENCE, period=0.001):
            return None
        name = self._draws.choice(("SIGKILL", "SIGKILL", "SIGSTOP"))
        node = self._draws.choice(_NODES) if self.kind == "many" else "all"
        fault = Fault(self.kind, node, name, in_checkpoint)
        # The last fault may have ended it; a signal to no process is no fault.
        if not self._wait(lambda: bool(self._processes(node)), _PATIENCE):
            return None
        hit = self._processes(node)
        _send(hit, signal.SIGSTOP)
        if name == "SIGSTOP":
            time.sleep(self._draws.uniform(0.5, 6))
            _send(hit, signal.SIGCONT)
            return fault
        if node in ("all", "learner"):
            newest = newest_whole(self.workdir)
            since = newest.counts["learner_steps"] if newest else 0
            fault.lost_updates = max(0, last_update(self.workdir) - since)
            if newest:
                changed = (newest.path / "manifest.json").stat().st_mtime
                fault.lost_seconds = time.time() - changed
        _send(hit, signal.SIGKILL)
        if node == "all":
            assert self._process is not None
            self._process.wait()
            psutil.wait_procs(hit, timeout=_PATIENCE)
            self.start()
        return fault

    def finish(self) -> None:
        """Lets the run end, and resumes it where the docs say that it may not.

        Raises:
          RuntimeError: if it does not end, or ends in a way of its own.
        """
        for _ in range(3):
            assert self._process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_PATIENCE)
            if self._process.returncode == 0:
                return
            last = self.workdir.with_suffix(".log").read_text()[-3000:]
            if self._process.returncode is None or "Traceback" in last:
                break
            self.ended_by_itself += 1
            self.start()
        raise RuntimeError(f"{self.workdir} does not end: {last}")

    def kill(self) -> None:
        """Leaves nothing running."""
        if self._process is not None and self._process.poll() is None:
            _send(self._processes("all"), signal.SIGKILL)
            self._process.wait()

    def _wait(
        self, until: Callable[[], bool], seconds: float, period: float = 0.05
    ) -> bool:
        """Waits for a condition, at most so long; False if the run ends before."""
        assert self._process is not None
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not until():
            if self._process.poll() is not None:
                return False
            time.sleep(period)
        return True

    def _is_writing(self) -> bool:
        checkpoints = self.workdir / "checkpoints"
        spools = checkpoints.glob(".replay/*/*")
        return any(checkpoints.glob("*.unfinished")) or any(spools)

    def _processes(self, node: str) -> list[psutil.Process]:
        """Returns the processes of a node that are there."""
        assert self._process is not None
        try:
            if node == "all":
                root = psutil.Process(self._process.pid)
                return [root, *root.children(recursive=True)]
            pid = (self.workdir / "logs" / f"{node}.pid").read_text()
            return [psutil.Process(int(pid))]
        except (psutil.NoSuchProcess, FileNotFoundError, ValueError):
            return []


def _send(processes: list[psutil.Process], signum: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signum)


def newest_whole(workdir: Path) -> Any:
    """Returns the checkpoint that a run would resume from, None without one.

    Raises:
      DamagedCheckpointError: if there are some, and none is whole.
    """
    folder = workdir / "checkpoints"
    return Checkpoints(folder).latest() if folder.exists() else None


def last_update(workdir: Path) -> int:
    """Returns the last update that the learner's log or the coordinator tells of."""
    rows = read_rows(workdir / "learner.csv")
    logged = int(float(rows[-1]["learner_steps"])) if rows else 0
    kept = workdir / "coordinator.json"
    counted = json.loads(kept.read_text())["state"] if kept.exists() else {}
    return max(logged, counted.get("learner_steps", 0))


def breaches(run: Disturbed) -> list[str]:
    """Returns every way in which a run that has ended is not as the docs promise."""
    steps = _STEPS[run.kind]
    summary = json.loads((run.workdir / "summary.json").read_text())
    wanted = {
        "status": "finished",
        "agent_steps": steps,
        "evaluated_at": steps,
    }
    found = [
        f"{name} is {summary[name]}, not {value}"
        for name, value in wanted.items()
        if summary[name] != value
    ]
    rows = read_rows(run.workdir / "scores.csv")
    evaluated = [
        (int(row["agent_steps"]) // _EVALUATION, int(row["episode"]))
        for row in rows
        if row["kind"] == "evaluation"
    ]
    if run.kind != "many":
        due = [(i, j) for i in range(1, steps // _EVALUATION + 1) for j in (1, 2)]
        if evaluated != due:
            found.append(f"evaluations {evaluated}, not {due}")
    elif len(set(evaluated)) != len(evaluated):
        found.append(f"evaluations {evaluated}")
    games = [int(row["episode"]) for row in rows if row["kind"] == "training"]
    if games != sorted(set(games)):
        found.append("games doubled")
    if run.kind != "many" and games != list(range(1, len(games) + 1)):
        found.append("games missing")
    checkpoints = run.workdir / "checkpoints"
    try:
        state = RunState(**newest_whole(run.workdir).counts)
        due_updates = math.floor(_RATIO * state.steps_past_warm_up)
        if not summary["learner_steps"] == state.learner_steps == due_updates:
            found.append(f"{summary['learner_steps']} updates, not {due_updates}")
        if state.agent_steps != steps:
            found.append("the last checkpoint is not of the end")
    except DamagedCheckpointError as error:
        found.append(str(error))
    left = [
        path.name for path in checkpoints.iterdir() if not path.name.startswith(".")
    ]
    if not all(name.replace("_", "").isdigit() for name in left):
        found.append(f"checkpoints left {left}")
    return found


def outcome(workdir: Path) -> tuple[list[dict[str, str]], dict[str, bytes]]:
    """Returns what two runs of one seed have alike: scores and the learner's state."""
    rows = read_rows(workdir / "scores.csv")
    for row in rows:
        del row["wall_seconds"]
    with np.load(newest_whole(workdir).path / "state.npz") as arrays:
        return rows, {name: arrays[name].tobytes() for name in arrays}


def undisturbed(folder: Path) -> tuple[list[dict[str, str]], dict[str, bytes]]:
    """Returns the outcome of a seeded run that nothing happens to."""
    run = Disturbed("seeded", folder / "undisturbed", random.Random())
    try:
        run.start()
        run.finish()
    finally:
        run.kill()
    return outcome(run.workdir)


def print_table(faults: list[Fault]) -> None:
    """Prints a row for each kind, node and signal."""
    groups = collections.defaultdict(list)
    for fault in faults:
        groups[fault.kind, fault.node, fault.signal].append(fault)
    rows = []
    for hit, of_group in sorted(groups.items()):
        updates = [fault.lost_updates for fault in of_group]
        seconds = [x.lost_seconds for x in of_group if x.lost_seconds is not None]
        rows.append(
            (
                *(*hit, len(of_group), sum(fault.in_checkpoint for fault in of_group)),
                f"{np.median(updates):.0f}, at most {max(updates)}",
                f"{max(seconds, default=0):.1f}",
            )
        )
    lost = "updates lost", "seconds"
    header = "run", "hit", "signal", "times", "in a checkpoint", *lost
    print(tabulate.tabulate(rows, header, tablefmt="pipe", disable_numparse=True))


def main(_: list[str]) -> None:
    """Prints the table, and whatever was not as promised."""
    draws = random.Random(_SEED.value)
    ends = time.monotonic() + 60 * _MINUTES.value
    faults: list[Fault] = []
    broken: list[str] = []
    finished: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = _KINDS.value
        same = undisturbed(folder) if "seeded" in kinds else None
        for number in range(_KILLS.value):
            if len(faults) >= _KILLS.value or time.monotonic() > ends:
                break
            kind = kinds[number % len(kinds)]
            run = Disturbed(kind, folder / f"{kind}_{number}", draws)
            try:
                run.start()
                for _turn in range(min(_PER_RUN.value, _KILLS.value - len(faults))):
                    if time.monotonic() > ends:
                        break
                    fault = run.disturb(in_checkpoint=len(faults) % 3 == 2)
                    if fault is None:
                        break
                    print(fault, flush=True)
                    faults.append(fault)
                run.finish()
                found = breaches(run)
                if kind == "seeded" and outcome(run.workdir) != same:
                    found.append("not the run that was never disturbed")
            except (RuntimeError, DamagedCheckpointError) as error:
                found = [str(error)]
            finally:
                run.kill()
            finished[kind] += not found
            broken += [f"{run.workdir.name}: {what}" for what in found]
            print(run.workdir.name, run.ended_by_itself, found or "ok", flush=True)
    print_table(faults)
    print(f"{len(faults)} faults; runs that ended as promised: {dict(finished)}")
    print("\n".join(broken) or "nothing was other than promised")
    write_json(faults)


if __name__ == "__main__":
    app.run(main)
