"""The flat config of a run that a user edits.

A config file, the command line and `config.json` all show one flat `ConfigDict`: the
fields of the run's and of the agent's dataclass side by side, with those that are
dataclasses themselves nested, such as `network`, `environment` or `pruning`.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from acme_moe import agents, fields, files, validation
from acme_moe.environments import find_suite
from acme_moe.runs.choices import environment_settings, is_online, with_choices
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


def load_config(source: str, settings: Mapping[str, Any] | None = None) -> ConfigDict:
    """Returns the flat config that a name or a path stands for.

    Args:
      source: a preset; a `.py` file with a `get_config`, which gets what follows a
        colon (`mine.py:big`); or a run's `config.json`.
      settings: values of fields to set, by dotted path, such as `environment.name`; a
        mapping sets those that it names, `{"network": {"moe": "top1"}}`. Another agent
        or environment brings its own fields and defaults, which setting the field of a
        loaded config does not.

    Raises:
      ValueError: if `source` is none of them (lists the presets, and close ones), or if
        `settings` cannot be combined with it.
    """
    config = _load(source)
    if settings:
        given = fields.merged(settings)
        flat = with_choices(config.to_dict(), given)
        for path, value in given.items():
            fields.set_at(flat, path, value)
        config = ConfigDict(flat)
    # An attribute of the object is no field of the config.
    object.__setattr__(config, _LOADED, _agent_and_environment(config))
    return config


_LOADED = "_acme_moe_loaded"


def _load(source: str) -> ConfigDict:
    path, argument = source, ""
    # A folder's name may have a colon, too.
    if not Path(source).is_file() and ".py:" in source:
        stem, _, argument = source.partition(".py:")
        path = f"{stem}.py"
    if path.endswith(".json") and Path(path).is_file():
        return to_config_dict(read_config_json(Path(path)))
    if path.endswith(".py") and Path(path).is_file():
        return _config_of_file(Path(path), *([argument] if argument else []))
    others = "a file that exists: a .py with get_config, or a run's config.json"
    validation.one_of("config", source, PRESETS, others)
    return to_config_dict(preset(source))


def _config_of_file(path: Path, *argument: str) -> ConfigDict:
    get_config = files.load_function(path, "get_config", field="config")
    _check_argument(get_config, path, argument)
    config = get_config(*argument)
    if not isinstance(config, ConfigDict):
        validation.check_mapping("config", config)
        config = ConfigDict(config)
    _check_as_loaded(config)
    return config


def _check_argument(
    get_config: Callable[..., Any], path: Path, argument: Sequence[str]
) -> None:
    """Refuses a call of a function that takes an argument without one, or the reverse.

    Raises:
      ValueError: says how the file is to be given.
    """
    try:
        inspect.signature(get_config).bind(*argument)
    except TypeError as error:
        given = ":".join([str(path), *argument])
        wanted = str(path) if argument else f"{path}:ARGUMENT"
        what = f"{wanted}, as for get_config: {error}"
        raise validation.not_accepted("config", given, what) from None


def _agent_and_environment(config: Mapping[str, Any]) -> dict[str, Any]:
    environment = config.get("environment", {})
    # A ConfigDict is no Mapping.
    name = environment.get("name") if hasattr(environment, "get") else None
    return {"agent": config.get("agent"), "environment.name": name}


def _check_as_loaded(config: Mapping[str, Any]) -> None:
    """Refuses a loaded config whose agent or environment was set afterwards.

    The values of the fields are still those of the one before: a `drq_eps` made of
    `dqn_atari` like this would be DQN by another name. In a copy of a loaded config
    this is not noticed.
    """
    now = _agent_and_environment(config)
    for path, before in getattr(config, _LOADED, now).items():
        if now[path] != before:
            raise ValueError(
                f"{path}: {now[path]!r} was set in a config of {before!r}, whose other "
                "fields stay; set it while loading: "
                f"load_config(..., {json.dumps({path: now[path]})})"
            )


def to_config_dict(spec: RunSpec) -> ConfigDict:
    """Returns the flat config of a run, every field of it."""
    return ConfigDict(_to_fields(spec))


def _to_fields(spec: RunSpec) -> dict[str, Any]:
    return {**fields.to_fields(spec.run), **fields.to_fields(spec.agent)}


def from_config_dict(config: Mapping[str, Any]) -> RunSpec:
    """Returns the run that a flat config describes; missing fields are defaults.

    Raises:
      ValueError: names the first field that is unknown or has a bad value, with its
        path, and what would be accepted.
    """
    if isinstance(config, ConfigDict):
        _check_as_loaded(config)
        config = config.to_dict()
    validation.check_mapping("config", config)
    agent = config.get("agent", OnlineRunConfig.agent)
    agent_class, online = agents.config_class(agent), is_online(agent)
    run_class: type[RunConfig] = OnlineRunConfig if online else OfflineRunConfig
    spec_class: type[RunSpec] = OnlineRunSpec if online else OfflineRunSpec
    run_names = {field.name for field in dataclasses.fields(run_class)}
    agent_names = {field.name for field in dataclasses.fields(agent_class)}
    for name in config:
        validation.known_field(name, run_names | agent_names)
    environment = environment_settings(config.get("environment", {}))
    run = {
        "game": find_suite(environment.name).default_game,
        **{k: v for k, v in config.items() if k in run_names},
        "environment": environment,
    }
    spec = spec_class(
        run=fields.from_fields(run_class, run),
        agent=fields.from_fields(
            agent_class, {k: v for k, v in config.items() if k in agent_names}
        ),
    )
    _check_json(spec)
    return spec


def _check_json(spec: RunSpec) -> None:
    """Refuses a value that `config.json` cannot hold, such as an `Enum`."""
    for path, value in fields.flat(_to_fields(spec)):
        try:
            json.dumps(value)
        except TypeError as error:
            raise validation.not_accepted(
                path, value, "None, or numbers, text, lists and mappings of them"
            ) from error


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
    before, now = (
        dict(fields.flat(_to_fields(x))) for x in (read_config_json(path), spec)
    )
    names = (before.keys() | now.keys()) - _MAY_CHANGE
    different = fields.differences(before, now, names)
    if different:
        raise ValueError(
            f"workdir: {workdir} holds a run with other settings "
            f"({'; '.join(different)}); use another folder, or change only "
            f"{', '.join(sorted(_MAY_CHANGE))}"
        )
