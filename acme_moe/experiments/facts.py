"""What a run counts, and the summary made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe.environments import human_normalized_score
from acme_moe.experiments.config import AnyExperiment, Experiment, OfflineExperiment
from acme_moe.experiments.schedule import UpdateSchedule


@dataclasses.dataclass
class Facts:
    """The counts of a run; they go into each checkpoint.

    Attributes:
      agent_steps: taken so far.
      learner_steps: updates taken so far.
      training_episodes: games that have ended.
      evaluated_at: the run's position at the last evaluation: agent steps, or
        updates where there are none.
      evaluation_return_mean: of that evaluation.
      schedule_start: see `UpdateSchedule.start`.
      schedule_steps_before: see `UpdateSchedule.steps_before`.
      training_seconds: spent acting and learning.
      wall_seconds: spent altogether, evaluations and checkpoints included.
      replay_bytes_per_transition: see `acme_moe.replay.size`; of the last checkpoint;
        None for an agent that stores sequences.
      recorded_files: complete files of the set that the run records.
    """

    agent_steps: int = 0
    learner_steps: int = 0
    training_episodes: int = 0
    evaluated_at: int = 0
    evaluation_return_mean: float | None = None
    schedule_start: int = 0
    schedule_steps_before: int = 0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    replay_bytes_per_transition: float | None = None
    recorded_files: int = 0

    def position(self, experiment: AnyExperiment) -> int:
        """How far the run is, in its unit."""
        position: int = getattr(self, experiment.fact)
        return position

    def schedule(self, experiment: Experiment, *, replay_lost: bool) -> UpdateSchedule:
        """When updates are due, for a run that starts or goes on from here.

        Args:
          experiment: its settings.
          replay_lost: whether replay has to be filled anew first.
        """
        agent = experiment.agent
        if not self.agent_steps:
            return UpdateSchedule(agent.exact_replay_ratio, agent.min_replay_size)
        schedule = UpdateSchedule(
            agent.exact_replay_ratio, self.schedule_start, self.schedule_steps_before
        )
        if replay_lost:
            return schedule.refilled(self.agent_steps, agent.min_replay_size)
        return schedule


def summarize(
    experiment: AnyExperiment, facts: Facts, *, status: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    """What `summary.json` holds.

    Args:
      experiment: the settings.
      facts: the counts.
      status: `running`, `finished`, `interrupted`, or `failed: ` and why.
      details: of the kind of run and of the learner.
    """
    run, agent = experiment.run, experiment.agent
    evaluation = facts.evaluation_return_mean
    return {
        "status": status,
        "agent": run.agent,
        "game": run.game,
        "seed": run.seed,
        "moe": agent.network.moe,
        "num_experts": agent.network.num_experts,
        "agent_steps": facts.agent_steps,
        "learner_steps": facts.learner_steps,
        **details,
        "wall_seconds": facts.wall_seconds,
        "evaluated_at": facts.evaluated_at,
        "evaluation_return_mean": evaluation,
        "evaluation_human_normalized_score": (
            None if evaluation is None else human_normalized_score(run.game, evaluation)
        ),
    }


def describe_updates(experiment: OfflineExperiment, facts: Facts) -> dict[str, Any]:
    """What a summary says of an offline run's speed and length."""
    updates, seconds = facts.learner_steps, facts.training_seconds
    return {
        "iterations": updates / experiment.run.updates_per_iteration,
        "updates_per_second": updates / seconds if seconds else None,
    }
