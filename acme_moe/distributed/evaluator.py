"""The node that evaluates."""

from __future__ import annotations

import time

import jax

from acme_moe.distributed.config import Seconds
from acme_moe.distributed.nodes import Remote, RemoteVariables
from acme_moe.runs.assembly import Parts, draw_seeds, make_environment
from acme_moe.runs.episodes import evaluate
from acme_moe.runs.spec import RunSpec

# Tells the draws of this kind of node from those of others.
_KIND = 2


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
        entered = coordinator.enter("evaluator")
        key, seed = draw_seeds(
            spec.run.seed,
            entered["position"],
            _KIND,
            0,
            entered["started"],
            count=2,
        )
        self._environment = make_environment(spec, seed, evaluation=True)
        self._variables = RemoteVariables(learner)
        self._actor = Parts(spec).make_evaluator(
            jax.random.PRNGKey(key), self._variables
        )

    def run(self) -> None:
        """Evaluates to the end of the run."""
        while self._coordinator.phase() != "ended":
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
            if self._coordinator.phase() in ("saving", "ended"):
                raise _RunIsOverError


class _RunIsOverError(Exception):
    """There is no need for this evaluation any more."""
