"""The node that evaluates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import dm_env
from acme.utils import observers

from acme_moe.experiments.config import AnyExperiment
from acme_moe.experiments.distributed import parts as parts_lib
from acme_moe.experiments.distributed.rpc import Remote, RemoteVariables
from acme_moe.experiments.distributed.state import Phase
from acme_moe.experiments.evaluation import evaluate

# Seconds between two questions whether there is something to do, or still is.
_ASK_AGAIN = 0.2
_OVER = (Phase.SAVING.value, Phase.ENDED.value)


class EvaluatorNode:
    """Plays evaluation episodes whenever they are due."""

    def __init__(
        self, experiment: AnyExperiment, coordinator: Remote, learner: Remote
    ) -> None:
        """Makes the environment and the actor.

        Args:
          experiment: the settings.
          coordinator: the node that counts.
          learner: the node with the parameters.
        """
        self._coordinator = coordinator
        entered = coordinator.enter("evaluator")
        parts = parts_lib.Parts(experiment)
        key, (seed,) = parts.seeds(parts_lib.EVALUATOR, 0, **entered, count=1)
        self._environment = parts.environment(seed, evaluation=True)
        self._variables = RemoteVariables(learner)
        builder = parts.builder
        self._actor = builder.make_actor(
            key,
            builder.make_policy(parts.network, parts.spec, evaluation=True),
            parts.spec,
            self._variables,
        )

    def run(self) -> None:
        """Evaluates to the end of the run."""
        watch = _Watch(self._coordinator)
        while self._coordinator.phase() != Phase.ENDED.value:
            task = self._coordinator.evaluation()
            if not task["episodes"]:
                time.sleep(_ASK_AGAIN)
                continue
            try:
                results = evaluate(
                    self._environment,
                    self._actor,
                    task["episodes"],
                    watchers=[watch],
                    on_start=lambda i: self._coordinator.evaluating(
                        f"evaluating {i}/{task['episodes']}"  # noqa: B023
                    ),
                )
            except _RunIsOverError:
                continue
            self._coordinator.evaluated(
                task["position"],
                self._variables.learner_steps,
                [(result.episode_return, result.episode_length) for result in results],
            )
        self._coordinator.leave("evaluator")


class _RunIsOverError(Exception):
    """There is no need for this evaluation any more."""


class _Watch(observers.EnvLoopObserver):
    """Breaks an evaluation off when the run ends meanwhile."""

    def __init__(self, coordinator: Remote) -> None:
        self._coordinator = coordinator
        self._asked = time.monotonic()

    def observe_first(self, env: dm_env.Environment, timestep: dm_env.TimeStep) -> None:
        """Nothing to do at an episode's start."""

    def observe(
        self, env: dm_env.Environment, timestep: dm_env.TimeStep, action: Any
    ) -> None:
        """Asks now and then."""
        del env, timestep, action
        if time.monotonic() - self._asked > _ASK_AGAIN:
            self._asked = time.monotonic()
            if self._coordinator.phase() in _OVER:
                raise _RunIsOverError

    def get_metrics(self) -> Mapping[str, Any]:
        """None."""
        return {}
