"""A sweep that prints what happens."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from acme_moe.studies import commands, cost, tables
from acme_moe.studies.plan import Cell
from acme_moe.studies.sweep import Event, Sweep


@dataclasses.dataclass(frozen=True, kw_only=True)
class Console:
    """Runs cells and prints each start and end, the table, and how to go on.

    Attributes:
      cells: the runs.
      workdir: the study's folder.
      root: the repository.
      parallel: how many run at once.
      split_cpus: see `acme_moe.studies.sweep.Sweep`.
    """

    cells: Sequence[Cell]
    workdir: Path
    root: Path
    parallel: int = 1
    split_cpus: bool = True

    def run(self) -> int:
        """Runs what is not finished.

        Returns:
          The program's exit status: 0 if all is finished.
        """
        failed: list[Event] = []

        def tell(event: Event) -> None:
            self._tell(sweep, event)
            if event.what == "failed":
                failed.append(event)

        sweep = Sweep(
            self.cells,
            self.workdir,
            make_command=lambda cell: commands.command(
                cell, self.workdir, self.root, sys.executable
            ),
            on_event=tell,
            parallel=self.parallel,
            split_cpus=self.split_cpus,
        )
        started = time.monotonic()
        signum = sweep.run()
        states = sweep.states()
        print(f"\n{tables.state_table(self.cells, states)}")
        for event in failed:
            if states[event.cell.name].state != "failed":
                print(f"  {event.cell.name}: failed this time: {event.reason}")
        if signum is not None:
            took = tables.duration(time.monotonic() - started)
            print(f"stopped after {took}; the same command goes on", file=sys.stderr)
            return 128 + signum
        return int(any(state.state != "finished" for state in states.values()))

    def _tell(self, sweep: Sweep, event: Event) -> None:
        states = sweep.states()
        done = sum(state.state == "finished" for state in states.values())
        speeds = cost.seconds_per_step(self.cells, states, finished_only=False)
        left = cost.seconds_left(
            sweep.to_do, speeds, states, self.cells, self.root, self.parallel
        )
        line = f"[{done}/{len(states)}] {event.cell.name} {event.what}"
        if event.seconds:
            line += f" after {tables.duration(event.seconds)}"
        if event.reason:
            line += f": {event.reason}"
        if left:
            line += f"; about {tables.duration(left)} left"
        print(line, flush=True)
