"""What a distributed run has beside its spec."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from acme_moe import fields, files, validation
from acme_moe.runs.checkpoint import Checkpoint, OtherStateError
from acme_moe.runs.spec import OnlineRunSpec, RunSpec

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
      apex_epsilon: base of the actors' own epsilons; None for the agent's epsilon.
        Actor i of N explores, once its decay is over, with
        `apex_epsilon ** (1 + i / (N - 1) * apex_alpha)` (Horgan et al. 2018, section
        4.1, with 0.4 and 7).
      apex_alpha: how much the exponents of these epsilons differ.
      quick_failures: deaths of a node in a row that end the run, if each comes within
        `quick_seconds` of its start or with the run no further than it was before; what
        counts is the last checkpoint for a learner, the last evaluation for an
        evaluator.
      quick_seconds: seconds from a node's start; see `quick_failures`.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
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
        """Returns the final epsilon of one actor, None for the agent's own."""
        if self.apex_epsilon is None:
            return None
        share = actor / (self.num_actors - 1) if self.num_actors > 1 else 0.0
        return self.apex_epsilon ** (1 + share * self.apex_alpha)


def check_replay_servers(
    config: DistributedConfig, checkpoint: Checkpoint | None
) -> None:
    """Refuses a checkpoint of another number of replay servers.

    Raises:
      OtherStateError: names the number that is accepted.
    """
    if checkpoint is None or not checkpoint.replay_paths:
        return
    if (stored := len(checkpoint.replay_paths)) != config.num_replay_servers:
        raise OtherStateError(
            f"num_replay_servers: {config.num_replay_servers} is not accepted; "
            f"{stored}, as in {checkpoint.path}"
        )


def check(config: DistributedConfig, spec: RunSpec) -> None:
    """Refuses a run that cannot be distributed with these settings.

    Raises:
      ValueError: names the field, and what is accepted.
    """
    if spec.run.acting.device == "accelerator":
        raise validation.not_accepted(
            "acting.device",
            spec.run.acting.device,
            "cpu or auto, for only the learner's process has the accelerator",
        )
    if not isinstance(spec, OnlineRunSpec):
        return
    if spec.run.record:
        raise validation.not_accepted(
            "record",
            spec.run.record,
            "none, for only a single process records its data",
        )
    if spec.run.replay.seeded:
        raise validation.not_accepted(
            "replay.seeded",
            True,
            "False, for the processes of a run take their turns as they come; a run in "
            "one process (train) can be seeded",
        )
    # Or all of the actors' steps could be in open items, with none to learn from.
    environments = config.num_actors * spec.run.num_environments
    validation.at_least(
        "min_replay_size",
        spec.agent.min_replay_size,
        spec.agent.steps_to_first_item * environments,
    )


def write(config: DistributedConfig, workdir: Path) -> None:
    """Notes the settings in the run's folder, for the command that resumes it."""
    files.write_json(workdir / _FILE, dataclasses.asdict(config))


def read(workdir: Path) -> DistributedConfig:
    """Returns the settings that the folder's run had last, or the defaults.

    Raises:
      ValueError: if the folder has settings that are not accepted.
    """
    path = workdir / _FILE
    if not path.exists():
        return DistributedConfig()
    return fields.from_fields(DistributedConfig, files.read_json(path))
