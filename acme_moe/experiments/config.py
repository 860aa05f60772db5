"""A run's settings: frozen dataclasses, and the flat config that a user edits.

The config file, the command line and `config.json` all show one flat
`ConfigDict`: the fields of the run's and of the agent's dataclass side by side, with
`network`, `environment`, `diagnostics` and `dataset` nested. Defaults stand in the
dataclasses alone. Whether a run acts or learns from fixed data is a matter of its
agent.
"""

from __future__ import annotations

import abc
import dataclasses
import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import ml_collections

from acme_moe import agents, validation
from acme_moe.agents.config import AgentConfig, ValueAgentConfig
from acme_moe.diagnostics import DiagnosticsConfig
from acme_moe.environments import AtariConfig, resolve_game
from acme_moe.offline import DatasetConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnyRunConfig:
    """What a run of any kind has beside its agent.

    Attributes:
      agent: which one, a name of `acme_moe.agents.AGENTS`.
      game: an Atari game, `Pong` or `ms_pacman`.
      seed: of the parameters, the exploration and the emulator.
      evaluation_episodes: episodes an evaluation; 0 for none.
      final_evaluation_episodes: episodes of the last one, where they are others; it
        then takes place even if `evaluation_episodes` is 0.
      checkpoint_every_minutes: wall time between two checkpoints.
      checkpoints_kept: how many stay on disk.
      log_every_seconds: seconds between two rows of the learner's log.
      diagnostics: what the run measures of its network as it goes on, if anything.
      environment: how the emulator is turned into an environment. Evaluation uses
        the same, but its episodes always last for a whole game; where a lost life ends
        an episode in training, it blanks the earlier frames there.
    """

    agent: str
    game: str = "Pong"
    seed: int = 0
    evaluation_episodes: int = 10
    final_evaluation_episodes: int | None = None
    checkpoint_every_minutes: float = 20.0
    checkpoints_kept: int = 2
    log_every_seconds: float = 1.0
    diagnostics: DiagnosticsConfig = dataclasses.field(
        default_factory=DiagnosticsConfig
    )
    environment: AtariConfig = dataclasses.field(default_factory=AtariConfig)

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.one_of("agent", self.agent, agents.AGENTS)
        object.__setattr__(self, "game", resolve_game(self.game))
        validation.at_least("seed", self.seed, 0)
        validation.at_least("checkpoints_kept", self.checkpoints_kept, 1)
        if self.final_evaluation_episodes is not None:
            validation.at_least(
                "final_evaluation_episodes", self.final_evaluation_episodes, 1
            )
        validation.at_least("evaluation_episodes", self.evaluation_episodes, 0)
        for name in ("checkpoint_every_minutes", "log_every_seconds"):
            validation.above(name, getattr(self, name), 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(AnyRunConfig):
    """What a run has that acts and learns.

    Attributes:
      max_agent_steps: agent steps of the whole run; 50 M are 200 M frames.
      evaluation_every: agent steps between two evaluations.
      num_environments: environments that one process acts in, with one call of the
        policy for all of them.
      checkpoint_replay: whether checkpoints hold the replay's contents, 2.4 GB for
        a million transitions; without them a run that goes on fills it anew first.
      record: folder that the run's interactions are written to, as a set that an
        offline run can learn from; empty for none.
    """

    agent: str = "dqn"
    max_agent_steps: int = 50_000_000
    evaluation_every: int = 250_000
    num_environments: int = 1
    checkpoint_replay: bool = True
    record: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_agent_steps", "num_environments", "evaluation_every"):
            validation.at_least(name, getattr(self, name), 1)
        if self.max_agent_steps % self.num_environments:
            raise ValueError(
                f"max_agent_steps: {self.max_agent_steps} is not accepted; a multiple "
                f"of num_environments ({self.num_environments})"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineRunConfig(AnyRunConfig):
    """What a run has that learns from fixed data.

    Attributes:
      num_iterations: of the whole run, each followed by an evaluation.
      updates_per_iteration: gradient updates of one.
      dataset: what it learns from.
    """

    agent: str = "cql"
    num_iterations: int = 200
    updates_per_iteration: int = 62_500
    dataset: DatasetConfig = dataclasses.field(default_factory=DatasetConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("num_iterations", "updates_per_iteration"):
            validation.at_least(name, getattr(self, name), 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AnyExperiment(abc.ABC):
    """A run and its agent: all that is needed to start it, or to start it again.

    Attributes:
      run: the run's settings.
      agent: the agent's.
      unit: what the run's length and position count, `agent steps` or `updates`.
      steps_key: the same as a column of the logs.
      fact: the same as a field of `Facts`, and so of the summary.
    """

    run: AnyRunConfig
    agent: AgentConfig
    unit: ClassVar[str]
    steps_key: ClassVar[str]
    fact: ClassVar[str]

    @property
    @abc.abstractmethod
    def length(self) -> int:
        """Of the whole run, in its unit."""

    @property
    @abc.abstractmethod
    def evaluation_period(self) -> int:
        """Between two evaluations, in the run's unit."""

    def evaluation_episodes_at(self, position: int) -> int:
        """Episodes of an evaluation at a position, 0 for none.

        Args:
          position: of the run, in its unit; the last evaluation is at its length.
        """
        final = self.run.final_evaluation_episodes
        if position >= self.length and final is not None:
            return final
        return self.run.evaluation_episodes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment(AnyExperiment):
    """A run that acts and learns."""

    run: RunConfig
    agent: ValueAgentConfig
    unit: ClassVar[str] = "agent steps"
    steps_key: ClassVar[str] = "actor_steps"
    fact: ClassVar[str] = "agent_steps"

    @property
    def length(self) -> int:
        """Agent steps of the whole run."""
        return self.run.max_agent_steps

    @property
    def evaluation_period(self) -> int:
        """Agent steps between two evaluations."""
        return self.run.evaluation_every

    def __post_init__(self) -> None:
        if self.run.max_agent_steps <= self.agent.min_replay_size:
            raise ValueError(
                f"max_agent_steps: {self.run.max_agent_steps} is not accepted; more "
                f"than min_replay_size ({self.agent.min_replay_size}), or nothing is "
                "learnt"
            )
        # Or there would be nothing to learn from yet when learning starts.
        validation.at_least(
            "min_replay_size",
            self.agent.min_replay_size,
            self.agent.steps_to_first_item * self.run.num_environments,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfflineExperiment(AnyExperiment):
    """A run that learns from fixed data."""

    run: OfflineRunConfig
    unit: ClassVar[str] = "updates"
    steps_key: ClassVar[str] = "learner_steps"
    fact: ClassVar[str] = "learner_steps"

    @property
    def length(self) -> int:
        """Updates of the whole run."""
        return self.run.num_iterations * self.run.updates_per_iteration

    @property
    def evaluation_period(self) -> int:
        """Updates between two evaluations."""
        return self.run.updates_per_iteration

    def __post_init__(self) -> None:
        per_call = self.agent.sgd_steps_per_call
        if self.run.updates_per_iteration % per_call:
            raise ValueError(
                f"updates_per_iteration: {self.run.updates_per_iteration} is not "
                f"accepted; a multiple of sgd_steps_per_call ({per_call})"
            )


def to_config_dict(experiment: AnyExperiment) -> ml_collections.ConfigDict:
    """The flat config of an experiment, every field of it."""
    flat = {**_fields(experiment.run), **_fields(experiment.agent)}
    return ml_collections.ConfigDict(flat)


def _fields(settings: Any) -> dict[str, Any]:
    """The fields of a settings dataclass, those that are None with their type.

    Without a type ml_collections lets nobody set them on the command line.
    """
    hints = typing.get_type_hints(type(settings))
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            value = _fields(value)
        elif value is None:
            (kind,) = set(typing.get_args(hints[field.name])) - {type(None)}
            value = ml_collections.config_dict.placeholder(kind)
        values[field.name] = value
    return values


def from_config_dict(config: Mapping[str, Any]) -> AnyExperiment:
    """The experiment that a flat config describes; missing fields are defaults.

    Raises:
      ValueError: names the first field that is unknown or has a bad value, with its
        path, and what would be accepted.
    """
    fields = _plain(config)
    agent_class = agents.config_class(fields.get("agent", RunConfig.agent))
    online = issubclass(agent_class, ValueAgentConfig)
    run_class: type[AnyRunConfig] = RunConfig if online else OfflineRunConfig
    run_names = {field.name for field in dataclasses.fields(run_class)}
    agent_names = {field.name for field in dataclasses.fields(agent_class)}
    for name in fields:
        validation.known_field(name, run_names | agent_names)
    run = _build(run_class, {k: v for k, v in fields.items() if k in run_names})
    agent = _build(agent_class, {k: v for k, v in fields.items() if k in agent_names})
    experiment_class = Experiment if online else OfflineExperiment
    return experiment_class(run=run, agent=agent)


def config_json(experiment: AnyExperiment) -> str:
    """What `config.json` holds."""
    return json.dumps(to_config_dict(experiment).to_dict(), indent=2) + "\n"


def read_config_json(path: Path) -> AnyExperiment:
    """Reads a `config.json`.

    Raises:
      ValueError: if it is not one, or holds what is not accepted.
    """
    try:
        fields = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: is not JSON ({error})") from error
    return from_config_dict(fields)


def _plain(config: Any) -> Any:
    if isinstance(config, ml_collections.ConfigDict):
        return config.to_dict()
    return dict(config)


def _build(cls: type, fields: Mapping[str, Any], prefix: str = "") -> Any:
    """Makes a settings dataclass, nested ones included."""
    hints = typing.get_type_hints(cls)
    defaults: dict[str, Any] = {
        field.name: field.default_factory for field in dataclasses.fields(cls)
    }
    values = {}
    for name, value in fields.items():
        validation.known_field(name, defaults, prefix)
        hint = hints[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            # What is not given is the agent's default, such as Rainbow's head.
            whole = {**dataclasses.asdict(defaults[name]()), **value}
            value = _build(hint, whole, f"{prefix}{name}.")
        elif isinstance(value, list):
            value = tuple(value)
        values[name] = value
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{prefix}{error}") from None


# What may change between two parts of a run: how long it is, and what is watched.
_MAY_CHANGE = {
    "max_agent_steps",
    "num_iterations",
    "evaluation_every",
    "evaluation_episodes",
    "final_evaluation_episodes",
    "num_environments",
    "checkpoint_every_minutes",
    "checkpoints_kept",
    "checkpoint_replay",
    "log_every_seconds",
    "dataset.num_files",
    "dataset.path",
    "dataset.workers",
    "diagnostics.every",
    "diagnostics.gradient_megabytes",
}


def check_continues(experiment: AnyExperiment, workdir: Path) -> None:
    """Refuses to go on in a folder whose run had other settings.

    Raises:
      ValueError: names the fields that differ.
    """
    path = workdir / "config.json"
    if not path.exists():
        return
    before = to_config_dict(read_config_json(path)).to_dict()
    now = to_config_dict(experiment).to_dict()
    differences = [
        f"{name}: {old!r} there, {new!r} now"
        for name, old, new in _differences(before, now)
        if name not in _MAY_CHANGE
    ]
    if differences:
        raise ValueError(
            f"workdir: {workdir} holds a run with other settings; give another "
            f"folder, or none but {', '.join(sorted(_MAY_CHANGE))} differently "
            f"({'; '.join(differences)})"
        )


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = ""
) -> typing.Iterator[tuple[str, Any, Any]]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{prefix}{name}.")
        elif old != new:
            yield f"{prefix}{name}", old, new
