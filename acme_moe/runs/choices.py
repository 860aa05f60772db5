"""The fields of a flat config whose values decide which other fields it has.

Another agent or environment brings its own fields and defaults, another loss or part of
the network its own options.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from acme_moe import agents, fields, loss_settings, validation
from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.environments import AtariConfig, EnvironmentConfig, find_suite
from acme_moe.networks import parts as network_parts
from acme_moe.runs.run_config import OfflineRunConfig, OnlineRunConfig

_OPTIONS = {
    "loss": "loss_options",
    **{
        f"network.{kind}": f"network.{network_parts.options_field(kind)}"
        for kind in network_parts.REGISTRIES
    },
}
CHOICES = ("agent", "environment.name", *_OPTIONS)
"""Fields whose values decide which other fields there are."""


def is_online(agent: str) -> bool:
    """Returns whether an agent acts, rather than learning from fixed data."""
    return issubclass(agents.config_class(agent), OnlineAgentConfig)


def environment_settings(settings: Any) -> EnvironmentConfig:
    """Returns an environment's settings, of its suite's own class."""
    if dataclasses.is_dataclass(settings):
        return settings  # type: ignore[return-value]
    validation.check_mapping("environment", settings)
    name = str(settings.get("name", AtariConfig.name))
    suite = find_suite(name)
    return fields.from_fields(
        suite.config_class, {**settings, "name": name}, "environment."
    )


def with_choices(
    config: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns a flat config with every field that goes with what it names.

    Fields that the config lacks, as that of a file may, are added with their defaults.
    Another environment brings its own fields and its default game. Another agent
    brings its own fields and defaults; of the previous agent's values, those that
    differ from its defaults are kept. Another loss or part of the network brings its
    own options in place of the previous one's.

    Args:
      config: flat config of a run.
      chosen: values of fields, by dotted path, that are to replace those of the config.
        Only those of `CHOICES` count, and of them only `environment.name` is replaced
        here; the others keep their values.

    Raises:
      ValueError: if a chosen value is not accepted, or if the config changes a field
        that the other agent lacks; names it.
    """
    for name in ("environment", "network"):
        validation.check_mapping(name, config.get(name, {}))
    flat = _with_environment(config, chosen.get("environment.name"))
    before = flat.setdefault("agent", OnlineRunConfig.agent)
    agent = chosen.get("agent", before)
    if agent != before:
        flat = _of_other_agent(flat, agent)
    # Not to change the caller's.
    flat["network"] = dict(flat.get("network", {}))
    default_agent = agents.config_class(agent)()
    defaults = fields.to_fields(default_agent)
    for choice, options in _with_options(defaults):
        default = _at(defaults, choice)
        there = _at(flat, choice, default)
        part = chosen.get(choice, there)
        complete = _default_options(choice, part)
        unset = _at(defaults, options) if part == default else {}
        given = _at(flat, options, unset) if part == there else {}
        # They are checked with everything else, once all that is asked for is set.
        if isinstance(given, Mapping):
            given = {**complete, **given}
        fields.set_at(flat, options, given)
    flat = fields.with_defaults(flat, default_agent)
    run = OnlineRunConfig() if is_online(agent) else OfflineRunConfig()
    # A suite's fields are not added to those of another.
    return {**fields.with_defaults(flat, run), "environment": flat["environment"]}


def _with_options(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields those of `_OPTIONS` that an agent's settings have.

    Somebody's own agent may have other losses, or other fields of these names.
    """
    for choice, options in _OPTIONS.items():
        of_choice, of_options = _at(settings, choice), _at(settings, options)
        if isinstance(of_choice, str) and isinstance(of_options, Mapping):
            yield choice, options


def _default_options(choice: str, part: str) -> dict[str, Any]:
    if choice == "loss":
        return loss_settings.default_options(part)
    try:
        return network_parts.default_options(choice.removeprefix("network."), part)
    except ValueError as error:
        raise ValueError(f"network.{error}") from error


def _at(settings: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """Returns the value at a dotted path, or the default where there is none."""
    for name in path.split("."):
        if not isinstance(settings, Mapping) or name not in settings:
            return default
        settings = settings[name]
    return settings


def _with_environment(config: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """Returns a flat config with its game and every field of its environment.

    Args:
      config: flat config of a run, or a part of one.
      name: name of the suite; None for the config's own. Another one than that comes
        with its defaults, and with its default game.

    Raises:
      ValueError: if the suite cannot be found.
    """
    flat = dict(config)
    settings = dict(flat.get("environment", {}))
    own = settings.setdefault("name", AtariConfig.name)
    if name not in (None, own):
        settings = {"name": name}
        flat.pop("game", None)
    defaults = fields.to_fields(environment_settings({"name": settings["name"]}))
    flat["environment"] = {**defaults, **settings}
    flat.setdefault("game", find_suite(str(settings["name"])).default_game)
    return flat


def _of_other_agent(flat: Mapping[str, Any], agent: str) -> dict[str, Any]:
    """Returns a flat config with another agent's fields; `agent` is left as it is."""
    own_agent = flat["agent"]
    if is_online(agent) != is_online(own_agent):
        kinds = ("learns from fixed data", "acts")
        raise validation.not_accepted(
            "agent",
            agent,
            f"the config is of {own_agent}, which {kinds[is_online(own_agent)]}; "
            "start from a preset of an agent that does not (--config=NAME)",
        )
    before, after = (
        fields.to_fields(agents.config_class(name)()) for name in (own_agent, agent)
    )
    own = copy.deepcopy({k: v for k, v in flat.items() if k in before})
    in_after = set(_with_options(after))
    for choice, options in _with_options(before):
        default = _at(before, choice)
        part = _at(own, choice, default)
        if part != default:
            # It is kept, with all of its options and none of another part's.
            fields.set_at(before, options, {})
            if (choice, options) in in_after:
                fields.set_at(after, options, {})
        elif (choice, options) in in_after and part != _at(after, choice):
            # The other agent's own takes its place.
            fields.set_at(own, options, {})
    defaults = dict(fields.flat(before))
    for path, value in fields.flat(own):
        # A config need not have every field.
        if path in defaults and defaults[path] == value:
            continue
        top, *_ = path.split(".")
        validation.known_field(top, after, kind=f"field of {agent}")
        fields.set_at(after, path, value)
    return {**{k: v for k, v in flat.items() if k not in before}, **after}
