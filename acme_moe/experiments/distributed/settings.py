"""What a distributed run has beside its experiment."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from acme_moe import validation

_FILE = "distributed.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributedConfig:
    """The processes of a run, and how they exchange what they have.

    Attributes:
      num_actors: processes that act, each in `num_environments` environments.
      num_replay_servers: Reverb servers; actor i writes to server i modulo their
        number, and each holds its share of the replay's capacity.
      parameter_period: rounds of an actor (a step in each of its environments)
        between two pulls of the learner's parameters; Ape-X has 400 frames.
      apex_epsilon: where given, actor i of N explores, once its decay is over, with
        `apex_epsilon ** (1 + i / (N - 1) * apex_alpha)` instead of the agent's
        epsilon (Horgan et al. 2018, section 4.1, with 0.4 and 7).
      apex_alpha: see there.
      quick_failures: a node that dies this often within `quick_seconds` of its start
        without a longer life between ends the run.
      quick_seconds: see there.
    """

    num_actors: int = 4
    num_replay_servers: int = 1
    parameter_period: int = 100
    apex_epsilon: float | None = None
    apex_alpha: float = 7.0
    quick_failures: int = 3
    quick_seconds: float = 60.0

    def __post_init__(self) -> None:
        validation.check_types(self)
        for name in (
            "num_actors",
            "num_replay_servers",
            "parameter_period",
            "quick_failures",
        ):
            validation.at_least(name, getattr(self, name), 1)
        validation.above("quick_seconds", self.quick_seconds, 0)
        validation.at_least("apex_alpha", self.apex_alpha, 0)
        if self.apex_epsilon is not None:
            validation.above("apex_epsilon", self.apex_epsilon, 0)
            validation.between("apex_epsilon", self.apex_epsilon, 0, 1)
        if self.num_actors % self.num_replay_servers:
            # Or a server that fewer actors write to would keep older transitions.
            raise ValueError(
                f"num_replay_servers: {self.num_replay_servers} is not accepted; a "
                f"divisor of num_actors ({self.num_actors})"
            )

    def epsilon(self, actor: int) -> float | None:
        """The final epsilon of one actor, None for the agent's own."""
        if self.apex_epsilon is None:
            return None
        share = actor / (self.num_actors - 1) if self.num_actors > 1 else 0.0
        return self.apex_epsilon ** (1 + share * self.apex_alpha)


def write(config: DistributedConfig, workdir: Path) -> None:
    """Notes the settings in the run's folder, for the command that goes on."""
    workdir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(config), indent=2) + "\n"
    (workdir / _FILE).write_text(text)


def read(workdir: Path) -> DistributedConfig:
    """The settings that the folder's run had last, or the defaults.

    Raises:
      ValueError: if there are some, and they are not accepted.
    """
    path = workdir / _FILE
    if not path.exists():
        return DistributedConfig()
    fields = json.loads(path.read_text())
    names = [field.name for field in dataclasses.fields(DistributedConfig)]
    for name in fields:
        validation.known_field(name, names)
    return DistributedConfig(**fields)
