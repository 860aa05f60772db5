"""The agents, each a settings dataclass and an Acme builder.

Nothing heavy is imported before `load_builder` asks for it, so that a config file
or a `--help` costs no more than the dataclasses.
"""

from __future__ import annotations

import importlib
from typing import Any

from acme_moe import validation

_AGENTS = {
    "dqn": ("DQNConfig", "DQNBuilder"),
    "rainbow": ("RainbowConfig", "RainbowBuilder"),
    "der": ("DERConfig", "DERBuilder"),
    "drq_eps": ("DrQEpsConfig", "DrQEpsBuilder"),
    "r2d2": ("R2D2Config", "R2D2Builder"),
}

AGENTS = tuple(_AGENTS)


def config_class(agent: str) -> type:
    """The settings dataclass of an agent.

    Raises:
      ValueError: if there is no such agent.
    """
    validation.one_of("agent", agent, sorted(_AGENTS))
    module = importlib.import_module(f"acme_moe.agents.{agent}.config")
    return getattr(module, _AGENTS[agent][0])


def load_builder(agent: str, config: Any) -> Any:
    """Imports an agent's builder and makes one."""
    module = importlib.import_module(f"acme_moe.agents.{agent}.builder")
    return getattr(module, _AGENTS[agent][1])(config)
