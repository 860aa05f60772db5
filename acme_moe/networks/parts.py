"""The parts of networks by name, and those from outside by import path.

`acme_moe.networks.interfaces` says what each kind of part is given and returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from acme_moe import options
from acme_moe.registry import Registry, is_path

if TYPE_CHECKING:
    from acme_moe.networks.interfaces import (
        DenseLayer,
        Encoder,
        Head,
        Mixture,
        Tokenizer,
    )
    from acme_moe.networks.settings import NetworkConfig

_NETWORKS = "acme_moe.networks"

ENCODERS: Registry[type[Encoder]] = Registry(
    "encoder",
    {
        "hadamax": f"{_NETWORKS}.hadamax:Hadamax",
        "impala": f"{_NETWORKS}.encoders:Impala",
        "minatar_cnn": f"{_NETWORKS}.encoders:MinAtarCNN",
        "mlp": f"{_NETWORKS}.encoders:MLP",
        "nature_cnn": f"{_NETWORKS}.encoders:NatureCNN",
    },
)
TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    {
        "patches_conv": f"{_NETWORKS}.tokenizers:PatchesConv",
        "patches_pool": f"{_NETWORKS}.tokenizers:PatchesPool",
        "per_conv": f"{_NETWORKS}.tokenizers:PerConv",
        "per_feat": f"{_NETWORKS}.tokenizers:PerFeat",
        "per_samp": f"{_NETWORKS}.tokenizers:PerSamp",
    },
)
DENSES: Registry[type[DenseLayer]] = Registry(
    "dense",
    {
        "flatten": f"{_NETWORKS}.dense:Flatten",
        "gap": f"{_NETWORKS}.dense:GlobalAveragePool",
        "simplicial_v1": f"{_NETWORKS}.dense:SimplicialFeatures",
        "simplicial_v2": f"{_NETWORKS}.dense:SimplicialHidden",
        "token_mean": f"{_NETWORKS}.dense:TokenMean",
        "token_sum": f"{_NETWORKS}.dense:TokenSum",
    },
)
MOES: Registry[type[Mixture] | None] = Registry(
    "moe",
    {
        "expert_choice": f"{_NETWORKS}.expert_choice:ExpertChoice",
        "none": None,
        "soft": f"{_NETWORKS}.soft_moe:Soft",
        "top1": f"{_NETWORKS}.top1_moe:Top1",
    },
)
HEADS: Registry[type[Head]] = Registry("head", {"linear": f"{_NETWORKS}.heads:Linear"})

REGISTRIES: Mapping[str, Registry[Any]] = {
    registry.field: registry for registry in (ENCODERS, TOKENIZERS, DENSES, MOES, HEADS)
}
"""The registries, by the field of `NetworkConfig` that names the part."""


def options_field(kind: str) -> str:
    """Returns the field of `NetworkConfig` that has the options of a part."""
    return f"{kind}_options"


def complete_options(kind: str, name: str, given: Mapping[str, Any]) -> options.Options:
    """Returns all options of a part, including those that keep their defaults.

    Args:
      kind: kind of part, a key of `REGISTRIES`.
      name: name of the part, or its import path.
      given: the options that are set, by name.

    Raises:
      ValueError: if there is no such part, or it does not take such options; names the
        field, and what would be accepted.
    """
    field = options_field(kind)
    if is_path(name):
        return options.complete(_outside(kind, name), given, f"{field}.")
    REGISTRIES[kind].check(name)
    instead = "the settings of the library's own parts are fields of the network"
    return options.none_of_library(name, given, field, instead)


def default_options(kind: str, name: str) -> dict[str, Any]:
    """Returns the default of each of a part's options, None for one that has none.

    Args:
      kind: kind of part, a key of `REGISTRIES`.
      name: name of the part, or its import path.

    Raises:
      ValueError: if there is no such part.
    """
    if not is_path(name):
        REGISTRIES[kind].check(name)
        return {}
    return options.defaults(_outside(kind, name))


def _outside(kind: str, path: str) -> Any:
    """Imports a part that is not the library's."""
    part = REGISTRIES[kind].get(path)
    if not options.is_part(part):
        raise ValueError(
            f"{kind}: {path!r} is not accepted; a function, or a frozen dataclass "
            "whose instances are called"
        )
    return part


def make(kind: str, config: NetworkConfig) -> Any:
    """Makes a part of a network, with its options.

    A part of the library takes the options from the fields of `NetworkConfig` that have
    the same names as its own.

    Args:
      kind: kind of part, a key of `REGISTRIES`.
      config: settings of the network, which name the part.

    Returns:
      A part as `acme_moe.networks.interfaces` describes it; None for `moe="none"`.
    """
    name = getattr(config, kind)
    if is_path(name):
        field = options_field(kind)
        given = getattr(config, field)
        return options.make(_outside(kind, name), given, f"{field}.")
    part = REGISTRIES[kind].get(name)
    if part is None:
        return None
    own = {field.name: getattr(config, field.name) for field in options.fields(part)}
    return part(**own)


def takes_vectors(encoder: str) -> bool:
    """Returns whether an encoder takes vectors, and not images.

    Raises:
      ValueError: if there is no such encoder, or its `takes` is neither.
    """
    part = _outside("encoder", encoder) if is_path(encoder) else ENCODERS.get(encoder)
    takes = getattr(part, "takes", "images")
    if takes not in ("images", "vectors"):
        raise ValueError(
            f"encoder: {encoder!r} takes {takes!r}; 'images' or 'vectors' is accepted"
        )
    return takes == "vectors"
