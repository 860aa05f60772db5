"""Settings of the diagnostics."""

from __future__ import annotations

import dataclasses

from acme_moe import validation

DEFINITIONS = ("published", "authors")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiagnosticsConfig:
    """Settings of a run's diagnostics.

    Attributes:
      every: interval between two measurements, in the unit of the run's length (agent
        steps, or updates in a run that does not act); 0 for none.
      definitions: which definitions of figure 10's measures to use: `published`, those
        of the papers that introduced them, or `authors`, those of the MoE paper's code,
        whose thresholds are fixed; see `make_measure`.
      dormant_tau: for `published` only: a neuron is dormant if its mean absolute
        activation is at most this share of its layer's mean. At 0 a neuron is dormant
        if no example of the batch activates it.
      rank_threshold: for `published` only: singular values count in the rank of the
        empirical NTK if they are above this share of the largest.
      gradient_megabytes: memory that the gradients of single transitions may take;
        where all of a batch need more, some are computed more than once.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    every: int = 0
    definitions: str = "published"
    dormant_tau: float = 0.0
    rank_threshold: float = 0.01
    gradient_megabytes: int = 512

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.at_least("every", self.every, 0)
        validation.one_of("definitions", self.definitions, DEFINITIONS)
        validation.at_least("dormant_tau", self.dormant_tau, 0)
        validation.between("rank_threshold", self.rank_threshold, 0, 1)
        validation.at_least("gradient_megabytes", self.gradient_megabytes, 1)
