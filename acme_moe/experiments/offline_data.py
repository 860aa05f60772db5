"""What an offline run learns from, and its batches."""

from __future__ import annotations

from acme import specs

from acme_moe import replay
from acme_moe.experiments.config import OfflineExperiment
from acme_moe.offline.dataset import OfflineDataset, load_dataset
from acme_moe.offline.sampler import make_sample_iterator
from acme_moe.offline.transitions import TransitionSettings


def open_dataset(
    experiment: OfflineExperiment, environment_spec: specs.EnvironmentSpec
) -> OfflineDataset:
    """Reads what the run learns from.

    Raises:
      DatasetError: names what the dataset lacks.
    """
    agent, observations = experiment.agent, environment_spec.observations
    return load_dataset(
        experiment.run.dataset,
        TransitionSettings(
            stack=observations.stack,
            n_step=agent.n_step,
            discount=agent.discount,
            max_abs_reward=agent.max_abs_reward,
        ),
        frame_shape=observations.frame.shape,
        num_actions=environment_spec.actions.num_values,
    )


def make_samples(
    experiment: OfflineExperiment, dataset: OfflineDataset, position: int
) -> replay.Prefetcher:
    """The run's batches from a number of updates on."""
    run, agent = experiment.run, experiment.agent
    return replay.Prefetcher(
        make_sample_iterator(
            dataset,
            batch_size=agent.batch_size * agent.sgd_steps_per_call,
            seed=run.seed,
            start=position // agent.sgd_steps_per_call,
            workers=run.dataset.workers,
        ),
        # Fixed data do not grow old while they wait.
        buffer_size=2,
    )


def describe_dataset(dataset: OfflineDataset) -> dict[str, float]:
    """What a summary says of the data."""
    return {
        "dataset_files": len(dataset.files),
        "dataset_total_transitions": dataset.total,
        "dataset_transitions": len(dataset),
        "dataset_bytes_per_transition": dataset.nbytes / len(dataset),
        "dataset_open_seconds": dataset.open_seconds,
    }
