"""What a run is asked to do, and when its updates and evaluations are due.

A run acts and learns (`OnlineRunSpec`) or learns from fixed data (`OfflineRunSpec`),
depending on its agent.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from acme_moe import agents, validation
from acme_moe.agents.config import AgentConfig, OnlineAgentConfig
from acme_moe.environments import normalized_score
from acme_moe.runs.run_config import OfflineRunConfig, OnlineRunConfig, RunConfig
from acme_moe.runs.state import RunState, ratio


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSpec(abc.ABC):
    """A run and its agent: all that is needed to start it, or to start it again.

    Attributes:
      unit: what length and position count, in words.
      steps_key: name of that count in the logs and in the summary.
      run: the run's settings.
      agent: the agent's settings.
    """

    unit: ClassVar[str]
    steps_key: ClassVar[str]

    run: RunConfig
    agent: AgentConfig

    def normalized_score(self, episode_return: float) -> float | None:
        """Returns an episode return, human-normalised; None without a reference."""
        run = self.run
        return normalized_score(run.environment.name, run.game, episode_return)

    @property
    @abc.abstractmethod
    def length(self) -> int:
        """Length of the whole run."""

    @property
    @abc.abstractmethod
    def evaluation_period(self) -> int:
        """Distance between two evaluations."""

    def position(self, state: RunState) -> int:
        """Returns how far a run is: its agent steps, or updates."""
        position: int = getattr(state, self.steps_key)
        return position

    @abc.abstractmethod
    def begin(self, state: RunState, *, replay_lost: bool = False) -> None:
        """Sets in the state when updates are due, for a run that starts or resumes.

        Args:
          state: counts of the run.
          replay_lost: whether replay has to be filled anew first.
        """

    def _check_agent(self) -> None:
        """Refuses settings of another agent than the one that the run names."""
        expected = agents.config_class(self.run.agent)
        if type(self.agent) is not expected:
            raise validation.not_accepted(
                "agent",
                self.run.agent,
                f"the one whose settings are {type(self.agent).__name__}, not "
                f"{expected.__name__}",
            )

    @abc.abstractmethod
    def check_length(self) -> None:
        """Refuses a run that is too short for its settings to take effect.

        Not done for every spec: the agents of runs that are over can be loaded.

        Raises:
          ValueError: names the field, and what is accepted.
        """

    @abc.abstractmethod
    def updates_due(self, state: RunState) -> int:
        """Returns how many updates are due now, a multiple of a call's updates."""

    @abc.abstractmethod
    def _describe(self, state: RunState) -> dict[str, Any]:
        """Returns the part of the summary that only this kind of run has."""

    def evaluation_due(self, state: RunState) -> int:
        """Returns the episodes of the evaluation that is due now; 0 if none is.

        One is due whenever a multiple of the period has been passed since the last,
        and one at the end of the run, which may have its own number of episodes.
        """
        position, run = self.position(state), self.run
        if position >= self.length:
            final = run.final_evaluation_episodes
            episodes = run.evaluation_episodes if final is None else final
            return episodes if state.evaluated_at < position else 0
        period = self.evaluation_period
        passed = position // period > state.evaluated_at // period
        return run.evaluation_episodes if passed else 0

    def is_done(self, state: RunState) -> bool:
        """Returns whether the run is at its end, and evaluated there."""
        return self.position(state) >= self.length and not self.evaluation_due(state)

    def summarize(
        self, state: RunState, *, status: str, details: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns what `summary.json` holds.

        Args:
          state: counts of the run.
          status: `running`, `finished`, `interrupted`, or `failed: ` and why.
          details: what is said of the learner, the data and the processes.
        """
        run, mean = self.run, state.evaluation_return_mean
        return {
            "status": status,
            "agent": run.agent,
            "game": run.game,
            "seed": run.seed,
            "moe": self.agent.network.moe,
            "num_experts": self.agent.network.num_experts,
            "agent_steps": state.agent_steps,
            "learner_steps": state.learner_steps,
            **self._describe(state),
            **details,
            "wall_seconds": state.wall_seconds,
            "evaluated_at": state.evaluated_at,
            "evaluation_return_mean": mean,
            "evaluation_human_normalized_score": (
                None if mean is None else self.normalized_score(mean)
            ),
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnlineRunSpec(RunSpec):
    """A run that acts and learns; it is measured in agent steps."""

    unit = "agent steps"
    steps_key = "agent_steps"

    run: OnlineRunConfig
    agent: OnlineAgentConfig

    def __post_init__(self) -> None:
        self._check_agent()
        # Or there would be nothing to learn from yet when learning starts.
        validation.at_least(
            "min_replay_size",
            self.agent.min_replay_size,
            self.agent.steps_to_first_item * self.run.num_environments,
            f"{self.agent.steps_to_first_item} steps to a first item in each of "
            f"num_environments ({self.run.num_environments})",
        )

    def check_length(self) -> None:
        """Refuses a run in which no update would be due, or which ends before pruning.

        Raises:
          ValueError: names the field, and what is accepted.
        """
        per_call = self.agent.sgd_steps_per_call
        learning_steps = math.ceil(per_call / self.agent.exact_replay_ratio)
        validation.at_least(
            "max_agent_steps",
            self.run.max_agent_steps,
            self.agent.min_replay_size + learning_steps,
            f"min_replay_size ({self.agent.min_replay_size}) and the steps to the "
            f"first {'update' if per_call == 1 else f'{per_call} updates'} at "
            f"replay_ratio {self.agent.replay_ratio}, or nothing is learnt",
        )
        self.agent.pruning.check_length(
            self.run.max_agent_steps - self.agent.min_replay_size
        )

    @property
    def length(self) -> int:
        """Agent steps of the whole run."""
        return self.run.max_agent_steps

    @property
    def evaluation_period(self) -> int:
        """Agent steps between two evaluations."""
        return self.run.evaluation_every

    def begin(self, state: RunState, *, replay_lost: bool = False) -> None:
        """Lets updates start after the warm-up, or a second one if replay is lost."""
        if not state.agent_steps or replay_lost:
            state.fill_replay_until(state.agent_steps + self.agent.min_replay_size)

    def refill(self, state: RunState, agent_steps: int) -> None:
        """Postpones updates until replay has regained the agent steps that it lost.

        At most to the run's last step, after which the updates that are due are taken
        from whatever replay then holds.
        """
        full_at = max(state.agent_steps, state.schedule_start)
        agent_steps = min(agent_steps, max(0, self.length - full_at))
        state.fill_replay_until(full_at + agent_steps)

    def updates_due(self, state: RunState) -> int:
        """Returns how many updates the run is behind its replay ratio.

        After any number of agent steps past the warm-up floor(ratio * steps) updates
        should have been taken.
        """
        if state.agent_steps < state.schedule_start:
            return 0  # Replay is being filled, or filled anew.
        updates = math.floor(self.agent.exact_replay_ratio * state.steps_past_warm_up)
        due = updates - state.learner_steps
        return max(0, due - due % self.agent.sgd_steps_per_call)

    def realised_replay_ratio(self, state: RunState) -> float | None:
        """Returns updates per agent step past the warm-up, None before."""
        return ratio(state.learner_steps, state.steps_past_warm_up)

    def _describe(self, state: RunState) -> dict[str, Any]:
        return {
            "replay_ratio_target": self.agent.replay_ratio,
            "replay_ratio_realised": self.realised_replay_ratio(state),
            "agent_steps_per_second": ratio(state.agent_steps, state.training_seconds),
            "replay_bytes_per_transition": state.replay_bytes_per_transition,
            "replay_seeded": self.run.replay.seeded,
            "training_episodes": state.training_episodes,
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineRunSpec(RunSpec):
    """A run that learns from fixed data; it is measured in updates."""

    unit = "updates"
    steps_key = "learner_steps"

    run: OfflineRunConfig

    def __post_init__(self) -> None:
        self._check_agent()
        per_call = self.agent.sgd_steps_per_call
        if self.run.updates_per_iteration % per_call:
            raise ValueError(
                f"updates_per_iteration: {self.run.updates_per_iteration} is not "
                f"accepted; a multiple of sgd_steps_per_call ({per_call})"
            )

    def check_length(self) -> None:
        """Refuses a run that ends before pruning; raises ValueError."""
        self.agent.pruning.check_length(self.length)

    @property
    def length(self) -> int:
        """Updates of the whole run."""
        return self.run.num_iterations * self.run.updates_per_iteration

    @property
    def evaluation_period(self) -> int:
        """Updates between two evaluations."""
        return self.run.updates_per_iteration

    def begin(self, state: RunState, *, replay_lost: bool = False) -> None:
        """Does nothing: updates are due at once."""

    def updates_due(self, state: RunState) -> int:
        """Returns the updates that are left."""
        return max(0, self.length - state.learner_steps)

    def _describe(self, state: RunState) -> dict[str, Any]:
        updates = state.learner_steps
        return {
            "iterations": updates / self.run.updates_per_iteration,
            "updates_per_second": ratio(updates, state.training_seconds),
        }
