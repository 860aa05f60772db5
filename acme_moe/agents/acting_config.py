"""Settings of where policies run."""

from __future__ import annotations

import dataclasses

from acme_moe import validation

DEVICES = ("auto", "cpu", "accelerator")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActingConfig:
    """Settings of acting.

    Attributes:
      device: that the policy runs on, in training and evaluation: `cpu`; `accelerator`,
        the one that holds the learner's parameters; or `auto`, whichever of them takes
        less time for the environments of the process, measured as the run starts.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    device: str = "auto"

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.one_of("device", self.device, DEVICES)
