"""The node that evaluates."""

from __future__ import annotations

import time

import jax

from acme_moe.distributed.nodes import Remote, RemoteVariables
from acme_moe.distributed.registration import Kind, register
from acme_moe.distributed.status import Phase
from acme_moe.distributed.waits import Seconds
from acme_moe.runs.assembly import Parts, make_environment
from acme_moe.runs.episodes import evaluate
from acme_moe.runs.spec import RunSpec


class EvaluatorNode:
    """Plays evaluation episodes whenever they are due."""

    def __init__(self, coordinator: Remote, learner: Remote, spec: RunSpec) -> None:
        """Makes the environment and the actor.

        Args:
          coordinator: client of the coordinator.
          learner: client of the learner, which has the parameters.
          spec: the run.
        """
        self._coordinator = coordinator
        self._asked = time.monotonic()
        policy_seed, environment_seed = register(
            coordinator, "evaluator", spec, Kind.EVALUATOR, count=2
        )
        self._environment = make_environment(spec, environment_seed, evaluation=True)
        self._variables = RemoteVariables(learner)
        self._actor = Parts(spec).make_evaluator(
            jax.random.PRNGKey(policy_seed), self._variables
        )

    def run(self) -> None:
        """Evaluates to the end of the run."""
        while self._coordinator.phase() != Phase.ENDED:
            order = self._coordinator.evaluation()
            if not order.episodes:
                time.sleep(Seconds.ASK_WHETHER_OVER)
                continue
            try:
                results = evaluate(
                    self._environment,
                    self._actor,
                    order.episodes,
                    check=self._check,
                    on_start=lambda i: self._coordinator.evaluating(
                        f"evaluating {i}/{order.episodes}"  # noqa: B023
                    ),
                )
            except _RunIsOverError:
                continue
            self._coordinator.evaluated(
                order.position, self._variables.learner_steps, results
            )
        self._coordinator.leave("evaluator")

    def _check(self) -> None:
        """Breaks off the evaluation if the run is ending; asks only now and then."""
        if time.monotonic() - self._asked > Seconds.ASK_WHETHER_OVER:
            self._asked = time.monotonic()
            if self._coordinator.phase() in (Phase.SAVING, Phase.ENDED):
                raise _RunIsOverError


class _RunIsOverError(Exception):
    """There is no need for this evaluation any more."""
