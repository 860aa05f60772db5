"""The node that learns."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import reverb
from absl import logging

from acme_moe import disk
from acme_moe.distributed.nodes import Remote
from acme_moe.distributed.registration import Kind, register
from acme_moe.distributed.waits import Seconds
from acme_moe.replay import ReplayServers
from acme_moe.runs.assembly import Parts
from acme_moe.runs.checkpoint import run_state
from acme_moe.runs.checkpoints import Checkpoints, ReplayAwayError
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.learner_session import LearnerSession, TrainingData
from acme_moe.runs.offline import fixed_data
from acme_moe.runs.online import replay_data
from acme_moe.runs.spec import OfflineRunSpec, OnlineRunSpec, RunSpec
from acme_moe.runs.state import RunState


class LearnerNode:
    """Takes the updates that are due, and serves the parameters."""

    def __init__(
        self,
        coordinator: Remote,
        replay_clients: Sequence[reverb.Client],
        spec: RunSpec,
        workdir: Path,
    ) -> None:
        """Resumes from the newest checkpoint.

        Args:
          coordinator: client of the coordinator.
          replay_clients: clients of all replay servers; empty for fixed data.
          spec: the run.
          workdir: its folder.

        Raises:
          DamagedCheckpointError: if there are checkpoints, and none is whole.
          DatasetError: names what the dataset lacks.
          OtherStateError: if the checkpoint is of another network or learner.
        """
        self._spec = spec
        self._coordinator = coordinator
        checkpoints = Checkpoints(
            workdir / "checkpoints", kept=spec.run.checkpoints_kept
        )
        restored = checkpoints.latest()
        (parameter_seed,) = register(
            coordinator, "learner", spec, Kind.LEARNER, count=1
        )
        # Only what the learner knows of the run; the coordinator has it all.
        self._state = run_state(restored)
        # Only one process sends rows to tracking services: the one with the scores.
        self._folder = RunFolder(workdir, spec, track=coordinator.track)
        self._folder.forget_updates_after(self._state)
        parts = Parts(spec)
        self._session = LearnerSession(
            parts,
            jax.random.PRNGKey(parameter_seed),
            _make_data(spec, parts, replay_clients, self._state),
            self._folder,
            checkpoints,
            restored=restored,
            state=self._state,
        )

    def get_variables(self, names: Sequence[str]) -> list[Any]:
        """Returns what actors need, as numpy arrays."""
        return jax.tree.map(np.asarray, self._session.learner.get_variables(names))

    def run(self) -> None:
        """Learns to the end of the run.

        Raises:
          NonFiniteLossError: if the loss or a gradient is NaN or infinite; names the
            last checkpoint.
        """
        with self._session.naming_last_checkpoint():
            self._learn()
        self._folder.close()
        self._coordinator.leave("learner")

    def _learn(self) -> None:
        learner, state = self._session.learner, self._state
        per_call = self._spec.agent.sgd_steps_per_call
        reported = 0.0
        while True:
            report = None
            if time.monotonic() - reported > Seconds.LEARNER_REPORTS:
                report = {"loss": learner.loss, **self._session.details()}
                reported = time.monotonic()
            order = self._coordinator.learn(state.learner_steps, report)
            if order.ended:
                return
            self._session.count_agent_steps(order.agent_steps - state.agent_steps)
            state.agent_steps = order.agent_steps
            if order.save or self._session.save_due:
                self._save(final=order.save)
            if not order.updates:
                # Waits for the last update, so that its loss is looked at.
                learner.check()
                time.sleep(Seconds.LEARNER_ASKS_AGAIN)
            until = time.monotonic() + Seconds.LEARNER_BURST
            for _ in range(order.updates // per_call):
                learner.step()
                state.learner_steps += per_call
                if time.monotonic() > until:
                    break
            self._session.diagnose_if_due(self._spec.position(state))

    def _save(self, *, final: bool) -> None:
        """Writes a checkpoint, with the replay's contents if the settings say so."""

        def make_state() -> RunState:
            counts = self._coordinator.state()
            return RunState(**{**counts, "learner_steps": self._state.learner_steps})

        try:
            # The coordinator uses the same disk; Courier passes on its error.
            with disk.writing(self._folder.path):
                bytes_per_transition = self._session.save(make_state)
        except disk.DiskError as error:
            if final:
                raise
            self._session.put_off_saving(error)
            return
        except ReplayAwayError as error:
            # It is on its way back; the next round of the loop tries again.
            logging.warning("no checkpoint while replay is away: %s", error)
            time.sleep(Seconds.ASK_WHETHER_OVER)
            return
        self._coordinator.saved(bytes_per_transition, final)


def _make_data(
    spec: RunSpec, parts: Parts, clients: Sequence[reverb.Client], state: RunState
) -> TrainingData:
    if isinstance(spec, OfflineRunSpec):
        return fixed_data(spec, parts, state.learner_steps)
    assert isinstance(spec, OnlineRunSpec)
    stored = list(clients) if spec.run.checkpoint_replay else []
    return replay_data(parts, ReplayServers(clients), stored)
