"""A run that learns from fixed data, and plays in evaluation only."""

from __future__ import annotations

from acme_moe import replay
from acme_moe.offline.dataset import load_dataset
from acme_moe.offline.reader import DatasetError
from acme_moe.offline.sampler import make_sample_iterator
from acme_moe.offline.transitions import TransitionSettings
from acme_moe.runs.assembly import Parts
from acme_moe.runs.learner_session import TrainingData
from acme_moe.runs.progress import Progress
from acme_moe.runs.run import Run
from acme_moe.runs.spec import OfflineRunSpec
from acme_moe.specs import StackedFrames


def fixed_data(spec: OfflineRunSpec, parts: Parts, position: int) -> TrainingData:
    """Reads a run's dataset, and returns its batches from a position on.

    Args:
      spec: the run.
      parts: parts of the run.
      position: number of updates taken before.

    Raises:
      DatasetError: if the environment's observations are no stack of frames, or the
        dataset lacks something; says what.
    """
    run, agent = spec.run, spec.agent
    environment_spec = parts.environment_spec
    observations = environment_spec.observations
    if not isinstance(observations, StackedFrames):
        raise DatasetError(
            f"environment.name: {run.environment.name!r} is not accepted for learning "
            "from fixed data; one whose observations are a stack of frames, "
            "acme_moe.specs.StackedFrames"
        )
    dataset = load_dataset(
        run.dataset,
        TransitionSettings(
            stack=observations.stack,
            n_step=agent.n_step,
            discount=agent.discount,
            max_abs_reward=agent.max_abs_reward,
        ),
        frame_shape=observations.frame.shape,
        num_actions=environment_spec.actions.num_values,
    )
    samples = make_sample_iterator(
        dataset,
        batch_size=agent.batch_size * agent.sgd_steps_per_call,
        seed=run.seed,
        start=position // agent.sgd_steps_per_call,
        workers=run.dataset.workers,
    )
    return TrainingData(
        # Fixed data do not grow old while they wait.
        samples=replay.Prefetcher(samples, buffer_size=2),
        details={
            "dataset_files": len(dataset.files),
            "dataset_total_transitions": dataset.total,
            "dataset_transitions": len(dataset),
            "dataset_bytes_per_transition": dataset.nbytes / len(dataset),
            "dataset_open_seconds": dataset.open_seconds,
        },
    )


class OfflineRun(Run[OfflineRunSpec]):
    """Iterations of updates, each followed by an evaluation on the real game.

    A batch depends on the run's seed and its own number alone, so a run that was
    stopped and resumed learns from the same batches as one that was not.
    """

    def _make_data(self) -> TrainingData:
        return fixed_data(self._spec, self._parts, self.position)

    def _step(self, progress: Progress) -> None:
        """Takes one call's updates."""
        del progress
        self.learner.step()
        self._state.learner_steps += self._spec.agent.sgd_steps_per_call
