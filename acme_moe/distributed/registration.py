"""Registers a node with the coordinator, and draws the seeds of its start."""

from __future__ import annotations

import enum

from acme_moe.distributed.nodes import Remote
from acme_moe.runs.assembly import draw_seeds
from acme_moe.runs.spec import RunSpec


class Kind(enum.IntEnum):
    """The kinds of nodes that draw."""

    LEARNER = 1
    EVALUATOR = 2
    ACTOR = 3


def register(
    coordinator: Remote,
    name: str,
    spec: RunSpec,
    kind: Kind,
    number: int = 0,
    *,
    count: int,
) -> list[int]:
    """Tells the coordinator that a node starts, and draws `count` seeds for this start.

    Each node of a kind has a number of its own. A node that is started again, or with a
    resumed run, has other seeds.
    """
    entered = coordinator.enter(name)
    at = entered["position"], kind, number, entered["started"]
    return draw_seeds(spec.run.seed, *at, count=count)
