"""The flat config of a run that a user edits.

A config file, the command line and `config.json` all show one flat `ConfigDict`: the
fields of the run's and of the agent's dataclass side by side, with those that are
dataclasses themselves nested, such as `network`, `environment` or `pruning`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from acme_moe import agents, fields, files, validation
from acme_moe.agents.config import ValueAgentConfig
from acme_moe.environments import AtariConfig, EnvironmentConfig, find_suite
from acme_moe.networks import NetworkConfig
from acme_moe.networks import parts as network_parts
from acme_moe.runs.presets import PRESETS
from acme_moe.runs.run_config import OfflineRunConfig, OnlineRunConfig, RunConfig
from acme_moe.runs.spec import OfflineRunSpec, OnlineRunSpec, RunSpec


def preset(name: str) -> RunSpec:
    """Returns the run that a preset's name stands for.

    Raises:
      ValueError: if there is no such preset; lists them all, and similar names.
    """
    validation.one_of("preset", name, PRESETS)
    return from_config_dict(PRESETS[name])


def load_config(source: str) -> ConfigDict:
    """Returns the flat config that a name or a path stands for.

    Args:
      source: a preset; a `.py` file with a `get_config`, which gets what follows a
        colon (`mine.py:big`); or a run's `config.json`.

    Raises:
      ValueError: if it is none of them; lists the presets, and close ones.
    """
    path, _, argument = source.partition(":")
    if path.endswith(".json") and Path(path).is_file():
        return to_config_dict(read_config_json(Path(path)))
    if path.endswith(".py") and Path(path).is_file():
        return _config_of_file(Path(path), *([argument] if argument else []))
    others = "a file that exists: a .py with get_config, or a run's config.json"
    validation.one_of("config", source, PRESETS, others)
    return to_config_dict(preset(source))


def _config_of_file(path: Path, *argument: str) -> ConfigDict:
    config = files.load_function(path, "get_config", field="config")(*argument)
    if not isinstance(config, ConfigDict):
        validation.check_mapping("config", config)
        config = ConfigDict(config)
    return config


def to_config_dict(spec: RunSpec) -> ConfigDict:
    """Returns the flat config of a run, every field of it."""
    flat = {**fields.to_fields(spec.run), **fields.to_fields(spec.agent)}
    return ConfigDict(flat)


def from_config_dict(config: Mapping[str, Any]) -> RunSpec:
    """Returns the run that a flat config describes; missing fields are defaults.

    Raises:
      ValueError: names the first field that is unknown or has a bad value, with its
        path, and what would be accepted.
    """
    if isinstance(config, ConfigDict):
        config = config.to_dict()
    validation.check_mapping("config", config)
    agent = config.get("agent", OnlineRunConfig.agent)
    agent_class, online = agents.config_class(agent), _acts(agent)
    run_class: type[RunConfig] = OnlineRunConfig if online else OfflineRunConfig
    spec_class: type[RunSpec] = OnlineRunSpec if online else OfflineRunSpec
    run_names = {field.name for field in dataclasses.fields(run_class)}
    agent_names = {field.name for field in dataclasses.fields(agent_class)}
    for name in config:
        validation.known_field(name, run_names | agent_names)
    environment = _environment(config.get("environment", {}))
    run = {
        "game": find_suite(environment.name).default_game,
        **{k: v for k, v in config.items() if k in run_names},
        "environment": environment,
    }
    return spec_class(
        run=fields.from_fields(run_class, run),
        agent=fields.from_fields(
            agent_class, {k: v for k, v in config.items() if k in agent_names}
        ),
    )


def _acts(agent: str) -> bool:
    """Returns whether an agent acts, rather than learning from fixed data."""
    return issubclass(agents.config_class(agent), ValueAgentConfig)


def _environment(settings: Any) -> EnvironmentConfig:
    """Returns an environment's settings, of its suite's own class."""
    if dataclasses.is_dataclass(settings):
        return settings  # type: ignore[return-value]
    validation.check_mapping("environment", settings)
    name = str(settings.get("name", AtariConfig.name))
    suite = find_suite(name)
    return fields.from_fields(
        suite.config_class, {**settings, "name": name}, "environment."
    )


CHOICES = (
    "agent",
    "environment.name",
    *(f"network.{kind}" for kind in network_parts.REGISTRIES),
)
"""Fields whose values decide which other fields there are."""


def with_choices(
    config: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns a flat config with the fields that go with what it names.

    Another environment brings its own fields and its default game. Another agent
    brings its own fields and defaults; of the previous agent's values, those that
    differ from its defaults are kept. Another part brings its own options in place of
    the previous part's.

    Args:
      config: flat config of a run.
      chosen: values of fields in `CHOICES` that are to replace those of the config.
        Only `environment.name` is replaced here; the others keep their values.

    Raises:
      ValueError: if a chosen value or an option in the config is not accepted, or if
        the config changes a field that the other agent lacks; names it.
    """
    flat = _with_environment(config, chosen.get("environment.name"))
    before = flat.setdefault("agent", OnlineRunConfig.agent)
    agent = chosen.get("agent", before)
    if agent != before:
        flat = _of_other_agent(flat, agent)
    network = dict(flat.get("network", {}))
    for kind in network_parts.REGISTRIES:
        field = network_parts.options_field(kind)
        there = network.get(kind, getattr(NetworkConfig, kind))
        part = chosen.get(f"network.{kind}", there)
        given = network.get(field, {}) if part == there else {}
        try:
            options = network_parts.complete_options(kind, part, given)
        except ValueError as error:
            raise ValueError(f"network.{error}") from error
        network[field] = options.to_dict()
    return {**flat, "network": network}


def _with_environment(config: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """Returns a flat config with every field of its environment.

    Args:
      config: of a run, or a part of one.
      name: of the suite; None for the config's own. Another one than that comes with
        its defaults, and with its default game.

    Raises:
      ValueError: if the suite cannot be found.
    """
    flat = dict(config)
    settings = dict(flat.get("environment", {}))
    own = settings.setdefault("name", AtariConfig.name)
    if name not in (None, own):
        settings = {"name": name}
        flat["game"] = find_suite(str(name)).default_game
    defaults = _plain(_environment({"name": settings["name"]}))
    flat["environment"] = {**defaults, **settings}
    return flat


def _plain(settings: Any) -> dict[str, Any]:
    """Returns the fields of a settings dataclass, with None where one is None."""
    plain: dict[str, Any] = ConfigDict(fields.to_fields(settings)).to_dict()
    return plain


def _of_other_agent(flat: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """Returns a flat config with another agent's fields; `agent` is left as it is."""
    if _acts(agent) != _acts(flat["agent"]):
        kinds = ("learns from fixed data", "acts")
        raise validation.not_accepted(
            "agent",
            agent,
            f"the config is of {flat['agent']}, which {kinds[_acts(flat['agent'])]}; "
            "start from a preset of an agent that does not (--config=NAME)",
        )
    before, after = (
        _plain(agents.config_class(name)()) for name in (flat["agent"], agent)
    )
    defaults = dict(fields.flat(before))
    own = {k: v for k, v in flat.items() if k in before}
    for path, value in fields.flat(own):
        # A config need not have every field.
        if path in defaults and defaults[path] == value:
            continue
        top, *_ = path.split(".")
        validation.known_field(top, after, kind=f"field of {agent}")
        fields.set_at(after, path, value)
    return {**{k: v for k, v in flat.items() if k not in before}, **after}


def config_json(spec: RunSpec) -> str:
    """Returns what `config.json` holds."""
    return json.dumps(to_config_dict(spec).to_dict(), indent=2) + "\n"


def read_config_json(path: Path) -> RunSpec:
    """Reads a `config.json`.

    Raises:
      ValueError: if it is not one, or holds what is not accepted.
    """
    return from_config_dict(files.read_json(path))


# What may change when a run is resumed: how long it is, what is watched, how it acts,
# what it keeps, and where its data is.
_MAY_CHANGE = {
    "acting.device",
    "max_agent_steps",
    "num_iterations",
    "evaluation_every",
    "evaluation_episodes",
    "final_evaluation_episodes",
    "num_environments",
    "environment_processes",
    "checkpoint_every_minutes",
    "checkpoints_kept",
    "checkpoint_replay",
    "log_every_seconds",
    "loggers",
    "record",
    "dataset.path",
    "dataset.num_files",
    "dataset.workers",
    "diagnostics.every",
    "diagnostics.gradient_megabytes",
}


def check_resumes(spec: RunSpec, workdir: Path) -> None:
    """Refuses to resume the run of a folder with other settings.

    Raises:
      ValueError: names the fields that differ.
    """
    path = workdir / "config.json"
    if not path.exists():
        return
    before = to_config_dict(read_config_json(path)).to_dict()
    now = to_config_dict(spec).to_dict()
    different = [
        f"{name}: {old!r} there, {new!r} now"
        for name, old, new in fields.differences(before, now)
        if name not in _MAY_CHANGE
    ]
    if different:
        raise ValueError(
            f"workdir: {workdir} holds a run with other settings "
            f"({'; '.join(different)}); use another folder, or change only "
            f"{', '.join(sorted(_MAY_CHANGE))}"
        )
