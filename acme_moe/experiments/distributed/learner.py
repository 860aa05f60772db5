"""The node that learns, and writes checkpoints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import reverb
from absl import logging
from acme.utils import counting

from acme_moe import replay
from acme_moe.experiments.checkpoints import Checkpoint, Checkpoints, ReplayAwayError
from acme_moe.experiments.config import AnyExperiment, OfflineExperiment, RunConfig
from acme_moe.experiments.diagnosis import Diagnosis
from acme_moe.experiments.distributed import parts as parts_lib
from acme_moe.experiments.distributed.rpc import Remote
from acme_moe.experiments.facts import Facts
from acme_moe.experiments.offline_data import (
    describe_dataset,
    make_samples,
    open_dataset,
)
from acme_moe.experiments.run_folder import RunFolder
from acme_moe.learning import Transition
from acme_moe.learning.learner import NonFiniteLossError
from acme_moe.replay.size import bytes_per_transition

# Seconds between two questions of a learner that has to wait for the actors.
_ASK_AGAIN = 0.005
# Seconds of updates between two questions, and between two reports.
_BURST = 0.1
_REPORT_EVERY = 0.5


class LearnerNode:
    """Takes the updates that are due, and serves the parameters."""

    def __init__(
        self,
        experiment: AnyExperiment,
        workdir: Path,
        coordinator: Remote,
        replay_clients: Sequence[reverb.Client],
    ) -> None:
        """Goes on from the newest checkpoint.

        Args:
          experiment: the settings.
          workdir: of the run.
          coordinator: the node that counts.
          replay_clients: of all replay servers; none for a run on fixed data.

        Raises:
          DamagedCheckpointError: if there are checkpoints, and none is whole.
          DatasetError: names what the dataset lacks.
        """
        run = experiment.run
        self._experiment = experiment
        self._coordinator = coordinator
        self._clients = list(replay_clients)
        self._checkpoints = Checkpoints(
            workdir / "checkpoints", kept=run.checkpoints_kept
        )
        restored = self._checkpoints.latest()
        entered = coordinator.enter("learner")
        facts = Facts(**restored.facts) if restored else Facts()
        self._folder = RunFolder(
            workdir, run.game, run.log_every_seconds, experiment.steps_key
        )
        self._folder.forget_updates_after(facts)
        parts = parts_lib.Parts(experiment)
        self._steps = facts.learner_steps
        self._agent_steps = facts.agent_steps
        servers: Any = None
        # What the coordinator puts into the summary beside the learner's statistics.
        self._description: dict[str, float] = {}
        self._stores_transitions = False
        if isinstance(experiment, OfflineExperiment):
            dataset = open_dataset(experiment, parts.spec)
            self._description = describe_dataset(dataset)
            self._samples = make_samples(experiment, dataset, self._steps)
        else:
            self._stores_transitions = parts.builder.items.batch_type is Transition
            servers = replay.ReplayServers(self._clients)
            self._samples = replay.Prefetcher(
                parts.builder.make_dataset_iterator(servers)
            )
        # time_delta 0: the log's counts are those of the step it was written at.
        self._counter = counting.Counter(time_delta=0.0)
        key, _ = parts.seeds(parts_lib.LEARNER, 0, **entered)
        self._learner = parts.builder.make_learner(
            key,
            parts.network,
            self._samples,
            self._folder.make_logger,
            parts.spec,
            servers,
            counting.Counter(self._counter, prefix="learner", time_delta=0.0),
        )
        if restored:
            self._learner.restore(restored.load_state(self._learner.save()))
            self._counter.increment(learner_steps=self._steps)
            self._count(self._agent_steps)
        self._diagnosis = Diagnosis.of_run(
            experiment,
            parts.builder,
            parts.network,
            parts.spec,
            self._learner,
            self._folder,
            facts.position(experiment),
        )
        self._checkpoint_path = restored.path if restored else None
        self._last_checkpoint = time.monotonic()

    def get_variables(self, names: Sequence[str]) -> list[Any]:
        """What actors need, as numpy arrays."""
        return jax.tree.map(np.asarray, self._learner.get_variables(names))

    def run(self) -> None:
        """Learns to the end of the run.

        Raises:
          NonFiniteLossError: if the loss is no number; names the last checkpoint.
        """
        try:
            self._run()
        except NonFiniteLossError as error:
            where = self._checkpoint_path or "there is none yet"
            raise NonFiniteLossError(
                f"{error}; the last good checkpoint: {where}"
            ) from None
        self._folder.close()
        self._coordinator.leave("learner")

    def _run(self) -> None:
        per_call = self._experiment.agent.sgd_steps_per_call
        seconds = self._experiment.run.checkpoint_every_minutes * 60
        reported = 0.0
        while True:
            report = None
            if time.monotonic() - reported > _REPORT_EVERY:
                report = {
                    "loss": self._learner.loss,
                    **self._learner.statistics(),
                    **self._description,
                }
                reported = time.monotonic()
            order = self._coordinator.learn(self._steps, report)
            if order["ended"]:
                return
            self._count(order["agent_steps"] - self._agent_steps)
            self._agent_steps = order["agent_steps"]
            if order["save"] or time.monotonic() - self._last_checkpoint > seconds:
                self._save(final=order["save"])
            if not order["updates"]:
                # Waits for the last update, so that its loss is looked at.
                self._learner.check()
                time.sleep(_ASK_AGAIN)
            until = time.monotonic() + _BURST
            for _ in range(order["updates"] // per_call):
                self._learner.step()
                self._steps += per_call
                if time.monotonic() > until:
                    break
            self._diagnose_if_due()

    def _diagnose_if_due(self) -> None:
        facts = Facts(agent_steps=self._agent_steps, learner_steps=self._steps)
        position = facts.position(self._experiment)
        if self._diagnosis is not None and self._diagnosis.due(position):
            self._diagnosis.measure(position, self._counter.get_counts())

    def _count(self, agent_steps: int) -> None:
        """For the log, which has no such column where nobody acts."""
        if agent_steps:
            self._counter.increment(actor_steps=agent_steps)

    def _save(self, *, final: bool) -> None:
        """Writes a checkpoint, with the replay's contents if the settings say so."""
        state = self._learner.save()
        facts = {**self._coordinator.facts(), "learner_steps": self._steps}
        run = self._experiment.run
        with_replay = isinstance(run, RunConfig) and run.checkpoint_replay
        try:
            checkpoint = self._checkpoints.save(
                Facts(**facts).position(self._experiment),
                state,
                facts,
                self._clients if with_replay else None,
            )
        except ReplayAwayError as error:
            # It is on its way back; the next round of the loop tries again.
            logging.warning("no checkpoint while replay is away: %s", error)
            return
        self._checkpoint_path = checkpoint.path
        self._last_checkpoint = time.monotonic()
        self._coordinator.saved(self._bytes_per_transition(checkpoint), final)

    def _bytes_per_transition(self, checkpoint: Checkpoint) -> float | None:
        if not checkpoint.replay_paths or not self._stores_transitions:
            return None
        table, *_ = self._clients[0].server_info().values()
        if not table.current_size:
            return None
        return bytes_per_transition(checkpoint.replay_paths[0], table.current_size)
