"""The coordinator's node in a run that acts: what actors and replay call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from acme_moe.distributed.coordinator import Grant, OnlineCoordinator
from acme_moe.distributed.service import CoordinatorService
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.runs.state import RunState


class OnlineCoordinatorService(CoordinatorService):
    """The service of a run that acts, with actors and replay servers."""

    coordinator: OnlineCoordinator
    _spec: OnlineRunSpec
    _last_return: float | None = None
    # Over the actors' reports: the sums of the age of their parameters in seconds and
    # in updates, and the number of reports.
    _ages = (0.0, 0, 0)

    def _make_coordinator(self, state: RunState) -> OnlineCoordinator:
        return OnlineCoordinator(self._spec, state, self._config)

    def actor_enters(self, actor: int) -> None:
        """Records that an actor starts: what it was granted before is void."""
        with self._lock:
            self.coordinator.actor_enters(actor)

    def act(
        self,
        actor: int,
        number: int,
        agent_steps: int,
        episodes: Sequence[EpisodeResult],
        age: tuple[float, int] | None,
    ) -> Grant:
        """Records an actor's report, and returns how many steps it may take now.

        Args:
          actor: the actor's number.
          number: number of the report, so that one sent twice counts once.
          agent_steps: steps taken since the last report.
          episodes: the games that ended since then.
          age: seconds since the actor pulled its parameters, and their learner step;
            None before it has any.
        """
        with self._answering():
            if agent_steps:
                self._training_starts()
            if self.coordinator.report(actor, number, agent_steps):
                self._add_training(episodes)
            if age is not None:
                self._add_age(*age)
            return self.coordinator.grant(actor)

    def replay_enters(self, server: int, size: int, position: int) -> None:
        """Records a replay server's start; see `OnlineCoordinator.replay_enters`."""
        with self._answering():
            restarted = self._starts.get(f"replay_{server}", 0) > 1
            self.coordinator.replay_enters(server, size, position, restarted=restarted)

    def replay_holds(self, server: int, size: int) -> str:
        """Records a replay server's size; returns the phase."""
        with self._answering():
            self.coordinator.replay_holds(server, size)
        return self.phase()

    def status(self) -> dict[str, Any]:
        """Returns everything that the progress line shows."""
        with self._lock:
            machine = self.coordinator
            return {
                **super().status(),
                "ratio": machine.spec.realised_replay_ratio(machine.state),
                "replay_size": machine.replay_size,
                "last_return": self._last_return,
            }

    def _add_training(self, episodes: Sequence[EpisodeResult]) -> None:
        state = self.coordinator.state
        state.wall_seconds = self._wall.seconds
        for episode in episodes:
            state.training_episodes += 1
            self._last_return = episode[0]
            self._folder.add_score(
                state, "training", state.training_episodes, EpisodeResult(*episode)
            )

    def _add_age(self, seconds: float, learner_step: int) -> None:
        updates = max(0, self.coordinator.state.learner_steps - learner_step)
        total_seconds, total_updates, reports = self._ages
        self._ages = total_seconds + seconds, total_updates + updates, reports + 1

    def _details(self) -> dict[str, Any]:
        seconds, updates, reports = self._ages
        return {
            "parameter_age_seconds": seconds / reports if reports else None,
            "parameter_age_updates": updates / reports if reports else None,
            **super()._details(),
        }
