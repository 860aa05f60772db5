"""The settings that a run has in addition to its agent's, and their defaults."""

from __future__ import annotations

import dataclasses

from acme_moe import agents, validation
from acme_moe.diagnostics import DiagnosticsConfig
from acme_moe.environments import AtariConfig, EnvironmentConfig, find_suite
from acme_moe.offline import DatasetConfig
from acme_moe.runs import tracking


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActingConfig:
    """Settings of acting.

    Attributes:
      device: where the policy runs, in training and evaluation: `cpu`; `accelerator`,
        the one that holds the learner's parameters; or `auto`, whichever of them takes
        less time for the environments of the process, measured as the run starts.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    device: str = "auto"

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.one_of("device", self.device, ("auto", "cpu", "accelerator"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Settings of replay that are the run's, not the agent's.

    Attributes:
      seeded: whether replay is kept in the process and sampled by the run's seed, so
        that two runs with one seed are the same; otherwise a Reverb server keeps it,
        whose samples do not depend on a seed.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    seeded: bool = False

    def __post_init__(self) -> None:
        validation.check_types(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The settings that every run has in addition to its agent's.

    Attributes:
      agent: a name of `acme_moe.agents.AGENTS`, or the import path of an
        `acme_moe.agents.Agent`.
      game: a game of the environment's suite, such as `Pong` or `ms_pacman` of Atari.
      seed: seed of the parameters, the exploration and the environment.
      evaluation_episodes: episodes of each evaluation; 0 for no evaluations.
      final_evaluation_episodes: episodes of the last evaluation, which then takes
        place even if `evaluation_episodes` is 0; None for as many as the others.
      checkpoint_every_minutes: wall time between two checkpoints.
      checkpoints_kept: how many stay on disk.
      log_every_seconds: seconds between two rows of the learner's log.
      loggers: where the logs go, such as `csv,tensorboard,wandb`; see `tracking`.
      diagnostics: what the run measures of its network, if anything.
      acting: where the policy runs.
      environment: the suite of the game, and its settings. Evaluation uses the same,
        but its episodes always last for a whole game; if a lost life ends an episode
        in training, it blanks the earlier frames of the stack in evaluation.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    agent: str
    game: str = "Pong"
    seed: int = 0
    evaluation_episodes: int = 10
    final_evaluation_episodes: int | None = None
    checkpoint_every_minutes: float = 20.0
    checkpoints_kept: int = 2
    log_every_seconds: float = 1.0
    loggers: str = "csv,tensorboard"
    diagnostics: DiagnosticsConfig = dataclasses.field(
        default_factory=DiagnosticsConfig
    )
    acting: ActingConfig = dataclasses.field(default_factory=ActingConfig)
    environment: EnvironmentConfig = dataclasses.field(default_factory=AtariConfig)

    def __post_init__(self) -> None:
        validation.check_types(self)
        agents.AGENTS.check(self.agent)
        suite = find_suite(self.environment.name)
        if not isinstance(self.environment, suite.config_class):
            raise validation.not_accepted(
                "environment", self.environment, f"a {suite.config_class.__name__}"
            )
        object.__setattr__(self, "game", suite.resolve_game(self.game))
        validation.at_least("seed", self.seed, 0)
        tracking.parse_loggers(self.loggers)
        validation.at_least("checkpoints_kept", self.checkpoints_kept, 1)
        if self.final_evaluation_episodes is not None:
            validation.at_least(
                "final_evaluation_episodes", self.final_evaluation_episodes, 1
            )
        validation.at_least("evaluation_episodes", self.evaluation_episodes, 0)
        for name in ("checkpoint_every_minutes", "log_every_seconds"):
            validation.above(name, getattr(self, name), 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnlineRunConfig(RunConfig):
    """The settings of a run that acts and learns.

    Attributes:
      max_agent_steps: agent steps of the whole run; 50 M are 200 M frames.
      evaluation_every: agent steps between two evaluations.
      num_environments: environments that one process acts in, with one call of the
        policy for all of them.
      environment_processes: processes that the environments are spread over, at most
        one for each; 1 keeps them in the process that acts, 0 takes one for each core
        if the suite's steps are long enough (in a distributed run, 0 is as 1).
      checkpoint_replay: whether checkpoints hold the replay's contents, about a
        gigabyte for a million transitions (seven, if replay is seeded); without them a
        resumed run has to fill replay again first.
      record: folder that the run's interactions are written to, as a set that an
        offline run can learn from; empty for none.
      replay: where replay is kept.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    agent: str = "dqn"
    max_agent_steps: int = 50_000_000
    evaluation_every: int = 250_000
    num_environments: int = 1
    environment_processes: int = 0
    checkpoint_replay: bool = True
    record: str = ""
    replay: ReplayConfig = dataclasses.field(default_factory=ReplayConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_agent_steps", "num_environments", "evaluation_every"):
            validation.at_least(name, getattr(self, name), 1)
        validation.at_least("environment_processes", self.environment_processes, 0)
        if self.max_agent_steps % self.num_environments:
            raise ValueError(
                f"max_agent_steps: {self.max_agent_steps} is not accepted; a multiple "
                f"of num_environments ({self.num_environments})"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineRunConfig(RunConfig):
    """The settings of a run that learns from fixed data.

    Attributes:
      num_iterations: iterations of the whole run, each followed by an evaluation.
      updates_per_iteration: gradient updates of an iteration.
      dataset: the data that it learns from.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    agent: str = "cql"
    num_iterations: int = 200
    updates_per_iteration: int = 62_500
    dataset: DatasetConfig = dataclasses.field(default_factory=DatasetConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_iterations", "updates_per_iteration"):
            validation.at_least(name, getattr(self, name), 1)
