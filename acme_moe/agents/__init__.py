"""The agents, each a package with its settings and its Acme builder.

    from acme_moe.agents import rainbow

    builder = rainbow.RainbowBuilder(rainbow.RainbowConfig(n_step=5))

Nothing heavy is imported before a builder is asked for, so that a config file or a
`--help` costs no more than the dataclasses.

A user's own agent is an `Agent` that a config names by its import path:

    # my_package/agents.py; --config.agent=my_package.agents:MY_AGENT
    MY_AGENT = Agent(MyConfig, "my_package.builder:MyBuilder")

`acme-moe check my_package.agents:MY_AGENT` says whether a run can train it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from acme_moe import options, registry, validation


@dataclasses.dataclass(frozen=True)
class Agent:
    """What a run needs to know of an agent.

    Attributes:
      config: the settings: a frozen dataclass with `kw_only` and defaults, a subclass
        of `acme_moe.agents.config.OnlineAgentConfig`, or of `AgentConfig` if the agent
        learns from fixed data; or its import path, `module:attribute`.
      builder: takes the settings and returns a builder with the methods of
        `acme_moe.agents.builder.OnlineBuilder`, or `OfflineBuilder`; or its import
        path, with which reading the settings does not import Acme.
    """

    config: type | str
    builder: Callable[[Any], Any] | str


class BuilderError(ValueError):
    """An agent's builder cannot be imported."""


def _own(package: str, config: str, builder: str) -> Agent:
    module = f"{__name__}.{package}"
    return Agent(f"{module}:{config}", f"{module}:{builder}")


AGENTS: registry.Registry[Agent] = registry.Registry(
    "agent",
    {
        "dqn": _own("dqn", "DQNConfig", "DQNBuilder"),
        "rainbow": _own("rainbow", "RainbowConfig", "RainbowBuilder"),
        "der": Agent(f"{__name__}.der:DERConfig", f"{__name__}.rainbow:RainbowBuilder"),
        "drq_eps": _own("drq_eps", "DrQEpsConfig", "DrQEpsBuilder"),
        "r2d2": _own("r2d2", "R2D2Config", "R2D2Builder"),
        "cql": _own("cql", "CQLConfig", "CQLBuilder"),
        "cql_c51": _own("cql", "CQLC51Config", "CQLC51Builder"),
        "offline_dqn": _own("cql", "OfflineDQNConfig", "CQLBuilder"),
        "behavior_cloning": _own("cql", "BehaviorCloningConfig", "CQLBuilder"),
    },
)


def config_class(agent: str) -> type:
    """Returns the settings dataclass of an agent.

    Args:
      agent: a registered name, or the import path of an `Agent`.

    Raises:
      ValueError: if there is no such agent, the name stands for something else, or a
        field of the settings has no default.
    """
    from acme_moe.agents.config import AgentConfig

    config = _load(agent, _get(agent).config)
    if not (isinstance(config, type) and issubclass(config, AgentConfig)):
        raise validation.not_accepted(
            "agent", agent, f"its config is {config!r}, not a subclass of AgentConfig"
        )
    without = [f.name for f in dataclasses.fields(config) if options.is_required(f)]
    if without:
        raise validation.not_accepted(
            "agent",
            agent,
            f"every field of {config.__name__} needs a default, which "
            f"{', '.join(without)} has not",
        )
    return config


def load_builder(agent: str, config: Any) -> Any:
    """Imports an agent's builder and makes one.

    Args:
      agent: a registered name, or the import path of an `Agent`.
      config: the agent's settings.

    Raises:
      BuilderError: if there is no such agent, or its builder cannot be imported.
    """
    try:
        builder = _load(agent, _get(agent).builder)
    except ValueError as error:
        raise BuilderError(str(error)) from error
    return builder(config)


def _get(name: str) -> Agent:
    agent = AGENTS.get(name)
    if not isinstance(agent, Agent):
        accepted = f"an {Agent.__module__}.Agent, and it is {agent!r}"
        raise validation.not_accepted("agent", name, accepted)
    return agent


def _load(agent: str, what: Any) -> Any:
    """Returns a field of an `Agent`, imported if it is an import path."""
    if not isinstance(what, str):
        return what
    try:
        return registry.load(what)
    except ImportError as error:
        raise validation.not_accepted("agent", agent, str(error)) from error
