"""A run's learner: made, restored, saved and measured, in one process and in many."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import jax
from absl import logging
from acme.utils import counting

from acme_moe import disk, replay
from acme_moe.learning import Sample, Transition
from acme_moe.learning.learner import Learner, NonFiniteLossError
from acme_moe.replay.size import bytes_per_transition
from acme_moe.runs.assembly import Parts
from acme_moe.runs.checkpoint import Checkpoint, OtherStateError, SavedActing
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.diagnosis import Diagnosis
from acme_moe.runs.folder import RunFolder
from acme_moe.runs.state import RunState


class Samples(Iterator[Sample], Protocol):
    """Batches, until they are closed."""

    def close(self) -> None:
        """Ends what holds threads."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Where a learner's batches come from.

    Attributes:
      samples: the batches.
      replay_client: client that priorities are written to; None without replay.
      stored: the servers whose contents go into checkpoints.
      details: the summary's entries on the data.
      sample_spec: a batch with `jax.ShapeDtypeStruct`s in place of arrays; None if it
        is not known before the first batch, or if that one comes at once.
    """

    samples: Samples
    replay_client: Any = None
    stored: Sequence[replay.ReplayClient] = ()
    details: Mapping[str, float] = dataclasses.field(default_factory=dict)
    sample_spec: Sample | None = None


class LearnerSession:
    """The learner of a run, from where it starts or resumes to where it ends.

    Attributes:
      learner: takes the updates.
      data: where its batches come from.
    """

    def __init__(
        self,
        parts: Parts,
        key: jax.Array,
        data: TrainingData,
        folder: RunFolder,
        checkpoints: Checkpoints,
        *,
        restored: Checkpoint | None,
        state: RunState,
    ) -> None:
        """Makes the learner, and restores it if there is a checkpoint.

        If the batches' shapes are known, its update starts to compile in a thread.

        Args:
          parts: parts of the run.
          key: random key of the parameters.
          data: where batches come from.
          folder: folder of the run, for its logs.
          checkpoints: checkpoints of the run.
          restored: the checkpoint that the run resumes from; None for a new run.
          state: state of the run at that checkpoint.

        Raises:
          UnplayableError: if the network does not take the environment's observations.
        """
        self.data = data
        self._spec = parts.spec
        self._folder = folder
        self._checkpoints = checkpoints
        self._checkpoint_path = restored.path if restored else None
        self._saved_at = time.monotonic()
        # time_delta 0: the log's counts are those of the step it was written at.
        self._counter = counting.Counter(time_delta=0.0)
        try:
            self.learner: Learner = parts.builder.make_learner(
                key,
                parts.network,
                data.samples,
                folder.make_logger,
                parts.environment_spec,
                data.replay_client,
                counting.Counter(self._counter, prefix="learner", time_delta=0.0),
            )
        except ValueError:
            # Only now, as it takes as long as making the network once more.
            parts.check_network()
            raise
        if restored:
            self.learner.restore(_load(restored, self.learner.save()))
            self._counter.increment(
                learner_steps=state.learner_steps,
                learner_walltime=state.learner_walltime,
            )
            self.count_agent_steps(state.agent_steps)
        if data.sample_spec is not None:
            self.learner.compile(data.sample_spec)
        self._stores_transitions = (
            bool(data.stored) and parts.builder.items.batch_type is Transition
        )
        self._diagnosis: Diagnosis | None = None
        if parts.spec.run.diagnostics.every:
            self._diagnosis = Diagnosis(
                parts.builder.make_diagnostics(
                    parts.network, parts.environment_spec, parts.spec.run.diagnostics
                ),
                self.learner,
                folder.make_full_logger("diagnostics").write,
                every=parts.spec.run.diagnostics.every,
                position=parts.spec.position(state),
                seed=parts.spec.run.seed,
            )

    def count_agent_steps(self, agent_steps: int) -> None:
        """Counts agent steps for the logs; those of an offline run have none."""
        if agent_steps:
            self._counter.increment(agent_steps=agent_steps)

    def diagnose_if_due(self, position: int) -> None:
        """Measures the network if the settings ask for it at this position."""
        if self._diagnosis is not None and self._diagnosis.due(position):
            self._diagnosis.measure(position, self._counter.get_counts())

    @contextlib.contextmanager
    def naming_last_checkpoint(self) -> Iterator[None]:
        """Adds the last good checkpoint to the message of a NaN loss.

        Raises:
          NonFiniteLossError: with the longer message, if one is raised inside.
        """
        try:
            yield
        except NonFiniteLossError as error:
            where = self._checkpoint_path or "there is none yet"
            raise NonFiniteLossError(
                f"{error}; the last good checkpoint: {where}"
            ) from None

    @property
    def save_due(self) -> bool:
        """Whether the last checkpoint is old enough for another."""
        minutes = (time.monotonic() - self._saved_at) / 60
        return minutes >= self._spec.run.checkpoint_every_minutes

    def put_off_saving(self, error: disk.DiskError) -> None:
        """Starts the interval to the next checkpoint anew, and warns why."""
        self._saved_at = time.monotonic()
        logging.warning("not saved: %s; the run goes on", error)

    def save(
        self, make_state: Callable[[], RunState], acting: SavedActing | None = None
    ) -> float | None:
        """Writes a checkpoint of everything that the run needs to resume.

        Args:
          make_state: returns the run's state; called once the learner's is known.
          acting: the state of acting, if it is to be kept.

        Returns:
          Bytes that replay takes per transition; None if that is not known.

        Raises:
          NonFiniteLossError: if an update broke the parameters.
          ReplayAwayError: if a replay server is away; nothing was written.
          DiskError: if there is no room; nothing was written.
        """
        learner_state, state = self.learner.save(), make_state()
        counted = self._counter.get_counts()
        state.learner_walltime = float(counted.get("learner_walltime", 0.0))
        # A resumed run does not write the rows from before its checkpoint again.
        self._folder.sync_scores()
        checkpoint = self._checkpoints.save(
            self._spec.position(state),
            learner_state,
            dataclasses.asdict(state),
            self.data.stored,
            acting,
        )
        self._checkpoint_path = checkpoint.path
        self._saved_at = time.monotonic()
        if not self._stores_transitions:
            return None
        return bytes_per_transition(self.data.stored[0], checkpoint.replay_paths[0])

    def details(self) -> dict[str, Any]:
        """Returns what a summary says of the data and of how the time went."""
        return {**self.data.details, **self.learner.statistics()}

    def close(self) -> None:
        """Ends the threads that write priorities and fetch batches."""
        self.learner.close()
        self.data.samples.close()


def _load(checkpoint: Checkpoint, template: Any) -> Any:
    """Returns the learner's state in a checkpoint, in the structure of `template`."""
    try:
        return checkpoint.load_state(template)
    except OtherStateError as error:
        raise OtherStateError(
            f"{error}; accepted: all of a learner's state, which an agent that was "
            "saved by itself lacks"
        ) from error
