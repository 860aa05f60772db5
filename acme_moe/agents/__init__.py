"""The agents, each a package with its settings and its Acme builder.

    from acme_moe.agents import rainbow

    builder = rainbow.RainbowBuilder(rainbow.RainbowConfig(n_step=5))

Nothing heavy is imported before a builder is asked for, so that a config file or a
`--help` costs no more than the dataclasses.
"""

from __future__ import annotations

import importlib
from typing import Any

from acme_moe import validation

# The package, and in it the settings and the builder.
_AGENTS = {
    "dqn": ("dqn", "DQNConfig", "DQNBuilder"),
    "rainbow": ("rainbow", "RainbowConfig", "RainbowBuilder"),
    "der": ("der", "DERConfig", "DERBuilder"),
    "drq_eps": ("drq_eps", "DrQEpsConfig", "DrQEpsBuilder"),
    "r2d2": ("r2d2", "R2D2Config", "R2D2Builder"),
    "cql": ("cql", "CQLConfig", "CQLBuilder"),
    "cql_c51": ("cql", "CQLC51Config", "CQLC51Builder"),
    "offline_dqn": ("cql", "OfflineDQNConfig", "CQLBuilder"),
    "behavior_cloning": ("cql", "BehaviorCloningConfig", "CQLBuilder"),
}

AGENTS = tuple(_AGENTS)


def config_class(agent: str) -> type:
    """Returns the settings dataclass of an agent.

    Raises:
      ValueError: if there is no such agent.
    """
    validation.one_of("agent", agent, sorted(_AGENTS))
    package, config, _ = _AGENTS[agent]
    return getattr(importlib.import_module(f"{__name__}.{package}"), config)


def load_builder(agent: str, config: Any) -> Any:
    """Imports an agent's builder and makes one."""
    package, _, builder = _AGENTS[agent]
    return getattr(importlib.import_module(f"{__name__}.{package}"), builder)(config)
