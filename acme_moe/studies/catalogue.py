"""The agents and layers that the paper's studies are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from acme_moe.fields import merged
from acme_moe.studies.study import Arm, Derive, StudyAgent

DQN = StudyAgent(name="dqn", label="DQN", config="dqn_atari")
RAINBOW = StudyAgent(name="rainbow", label="Rainbow", config="rainbow_atari")
BTR = StudyAgent(name="btr", label="BTR", config="btr_atari")
DER_50M = StudyAgent(name="der_50m", label="DER", config="der_atari_50m")
DRQ_EPS_50M = StudyAgent(name="drq_eps_50m", label="DrQ(ε)", config="drq_eps_atari_50m")
CQL = StudyAgent(name="cql", label="CQL", config="cql_atari", offline=True)
CQL_C51 = StudyAgent(
    name="cql_c51", label="CQL+C51", config="cql_c51_atari", offline=True
)
DQN_MINATAR = StudyAgent(
    name="dqn", label="DQN", config="dqn_minatar", environment="minatar"
)
RAINBOW_MINATAR = StudyAgent(
    name="rainbow", label="Rainbow", config="rainbow_minatar", environment="minatar"
)

# By label, the settings of each.
Variants = Mapping[str, Mapping[str, Any]]

TOKENIZERS: Variants = {
    "PerConv": {"network.tokenizer": "per_conv"},
    "PerFeat": {"network.tokenizer": "per_feat"},
    "PerSamp": {"network.tokenizer": "per_samp"},
}
"""The tokenizers, by their names in figures."""


class Layer(NamedTuple):
    """A choice of penultimate layer.

    Attributes:
      series: its name in figures.
      settings: fields of the config that select it.
      derive: gives further settings; see `Arm`.
    """

    series: str
    settings: Mapping[str, Any]
    derive: Derive | None = None


BASELINE = Layer("Baseline", {"network.moe": "none"})
SCALED_BASELINE = Layer(
    "Scaled baseline", {"network.moe": "none", "network.widen_dense": True}
)
SOFT_MOE = Layer("Soft MoE", {"network.moe": "soft"})
TOP1_MOE = Layer("Top1-MoE", {"network.moe": "top1"})
EXPERT_CHOICE = Layer("Expert choice", {"network.moe": "expert_choice"})
GAP = Layer("GAP", {"network.moe": "none", "network.dense": "gap"})
SIMPLICIAL_V1 = Layer(
    "Simplicial V1", {"network.moe": "none", "network.dense": "simplicial_v1"}
)
SIMPLICIAL_V2 = Layer(
    "Simplicial V2", {"network.moe": "none", "network.dense": "simplicial_v2"}
)


def varied(layers: Iterable[Layer], variants: Variants) -> tuple[Layer, ...]:
    """Returns each layer in each variant.

    Its name is followed by the variant's label, and its settings by the variant's.
    """
    return tuple(
        layer._replace(
            series=f"{layer.series}, {label}",
            settings=merged(layer.settings, settings),
        )
        for layer in layers
        for label, settings in variants.items()
    )


def arms(
    agents: Iterable[StudyAgent],
    layers: Iterable[Layer],
    settings: Mapping[str, Any] | None = None,
    *,
    panel: str = "{agent}",
    **fields: Any,
) -> tuple[Arm, ...]:
    """Returns an arm for each agent and layer.

    Args:
      agents: what is trained.
      layers: choices of penultimate layer.
      settings: settings of all arms, added to the layers' own.
      panel: name of the figure's panel; `{agent}` stands for the agent's label.
      **fields: other fields of `Arm`, the same for all.
    """
    layers = tuple(layers)
    return tuple(
        Arm(
            panel=panel.format(agent=agent.label),
            series=layer.series,
            agent=agent,
            settings=merged(layer.settings, settings or {}),
            derive=layer.derive,
            **fields,
        )
        for agent in agents
        for layer in layers
    )


def arms_over(
    field: str,
    values: Iterable[float],
    agents: Sequence[StudyAgent],
    layers: Sequence[Layer],
) -> tuple[Arm, ...]:
    """Returns `arms` for each value of a field, which is their place on the axis."""
    return tuple(arm for x in values for arm in arms(agents, layers, {field: x}, x=x))


def arms_in_panels(
    field: str,
    panels: Iterable[tuple[Any, str, str]],
    agents: Sequence[StudyAgent],
    layers: Sequence[Layer],
) -> tuple[Arm, ...]:
    """Returns `arms` for each value of a field, with its panel's label and a tag."""
    return tuple(
        arm
        for value, label, tag in panels
        for arm in arms(
            agents, layers, {field: value}, panel=f"{{agent}}, {label}", tag=tag
        )
    )
