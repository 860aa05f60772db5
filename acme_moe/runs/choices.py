"""The fields of a flat config whose values decide which other fields it has.

Another agent or environment brings its own fields and defaults, another part of the
network its own options.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from acme_moe import agents, fields, validation
from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.environments import AtariConfig, EnvironmentConfig, find_suite
from acme_moe.networks import NetworkConfig
from acme_moe.networks import parts as network_parts
from acme_moe.runs.run_config import OnlineRunConfig

CHOICES = (
    "agent",
    "environment.name",
    *(f"network.{kind}" for kind in network_parts.REGISTRIES),
)
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
    """Returns a flat config with the fields that go with what it names.

    Another environment brings its own fields and its default game. Another agent
    brings its own fields and defaults; of the previous agent's values, those that
    differ from its defaults are kept. Another part brings its own options in place of
    the previous part's.

    Args:
      config: flat config of a run.
      chosen: values of fields, by dotted path, that are to replace those of the config.
        Only those of `CHOICES` count, and of them only `environment.name` is replaced
        here; the others keep their values.

    Raises:
      ValueError: if a chosen value is not accepted, or if the config changes a field
        that the other agent lacks; names it.
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
            defaults = network_parts.default_options(kind, part)
        except ValueError as error:
            raise ValueError(f"network.{error}") from error
        # They are checked with everything else, once all that is asked for is set.
        if isinstance(given, Mapping):
            given = {**defaults, **given}
        network[field] = given
    return {**flat, "network": network}


def _with_environment(config: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """Returns a flat config with every field of its environment.

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
        flat["game"] = find_suite(str(name)).default_game
    defaults = fields.to_fields(environment_settings({"name": settings["name"]}))
    flat["environment"] = {**defaults, **settings}
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
