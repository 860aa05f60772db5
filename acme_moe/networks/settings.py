"""Settings of a value network, and their checks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from acme_moe import validation
from acme_moe.networks import parts
from acme_moe.options import Options
from acme_moe.registry import is_path

VARIANTS = ("all", "big", "regular")
PHIS = ("fixed", "learned", "redrawn")
COMPUTE_DTYPES = ("bfloat16", "float32")

_POSITIVE = (
    "impala_width",
    "capacity_factor",
    "v_max",
    "load_noise",
    "simplicial_temperature",
)
# Values of `dense` whose layers accept feature vectors.
_DENSES_OF_VECTORS = ("flatten", "simplicial_v2")
# What only one mixture has; others accept nothing but the default, which is without.
OF_MIXTURES = {
    "soft": ("variant", "normalization", "phi"),
    "top1": ("router_noise", "importance_weight", "load_weight"),
}
_NOT_NEGATIVE = OF_MIXTURES["top1"]


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Settings of a value network.

    A network is encoder -> tokenizer -> mixture of experts -> head; with
    `moe="none"` the layer `dense` takes the place of the tokenizer and the mixture.
    The defaults are the Impala network with Soft MoE and PerConv tokens of
    "Mixtures of Experts Unlock Parameter Scaling for Deep RL" (section 3).

    Encoder, tokenizer, mixture, the layer `dense` and head may also be the user's own
    parts, named by their import paths (`moe="my_package.routing:ExpertChoice"`). These
    are imported here, and their options are checked. `acme_moe.networks.interfaces`
    says what they have to do.

    Attributes:
      encoder: `impala` (ResNet of Espeholt et al., 2018), `nature_cnn` (Mnih et
        al., 2015), `hadamax` (Kooi et al., 2025), `minatar_cnn` (Young and Tian,
        2019), or `mlp` for vectors and nests of them.
      impala_width: factor on the Impala ResNet's 16, 32, 32 channels.
      impala_filter_size: height and width of the Impala ResNet's filters;
        appendix D of the paper has 3, 4 and 6.
      impala_spectral_norm: divides the weights of its residual blocks by their largest
        singular value (Miyato et al., 2018), as BTR does (Clark et al., 2024).
      impala_max_pool: height and width that its output is max-pooled to, 6 in BTR; None
        for no such pooling.
      layer_norm: normalises the outputs of each layer of the encoder, and of the dense
        layer, before any ReLU (Ba et al., 2016).
      mlp_widths: units of each layer of the `mlp` encoder.
      tokenizer: how the encoder's output `[H, W, C]` becomes tokens: `per_conv`
        is `H*W` tokens of size `C`, `per_feat` its transpose, `per_samp` one
        token of everything; `patches_conv` embeds patches with a convolution,
        `patches_pool` averages them. With `moe="none"` only `token_sum` and
        `token_mean` use them.
      patch_size: height and width of a patch.
      patch_channels: token size of `patches_conv`; None is the encoder's `C`.
      moe: `soft` (Puigcerver et al., 2023), `top1` (Fedus et al., 2022),
        `expert_choice` (Zhou et al., 2022), `none`.
      dense: with `moe="none"`, how features become hidden units: `flatten`, all of an
        image at once (Mnih et al., 2015); `gap` averages over positions first (Sokar
        and Castro, 2025); `token_sum` and `token_mean` apply the layer to each token
        (Sokar et al., 2025); `simplicial_v1` and `simplicial_v2` are simplicial
        embeddings of features and of hidden units (dopamine's `labs/moes`), the latter
        in `num_experts` groups of `expert_width` units.
      simplicial_temperature: temperature of the simplicial embeddings' softmax.
      variant: what an expert is (section 5.3): `regular` replaces the penultimate
        layer; `big` makes each expert a whole network, with its last layer where
        the head gives Q-values (DQN), without it where the head is categorical
        (Rainbow); `all` makes each layer a Soft MoE, the last one included for
        Q-values and excluded for a categorical head. `big` and `all` route at their
        input, which is one token (`per_samp`).
      num_experts: number of experts.
      expert_width: hidden units of an expert, and of the dense layer.
      divide_expert_width: divides `expert_width` by the number of experts
        (figure 5 of the paper).
      widen_dense: with `moe="none"`, multiplies the dense layer's units by
        `num_experts` (the paper's scaled baseline).
      capacity_factor: slots of an expert are
        `ceil(tokens * capacity_factor / num_experts)`.
      num_slots: slots of an expert, if not None, instead of that formula. In `top1` a
        slot holds one token, so this is an expert's capacity.
      normalization: l2-normalises tokens and Phi, with a learned scale.
      phi: `learned`, or a random matrix that is not trained: `fixed` is drawn at
        initialisation, `redrawn` at each call.
      router_noise: `top1` adds normal noise of standard deviation
        `router_noise / num_experts` to the router's logits.
      importance_weight: weight of the importance loss in the agent's loss.
      load_weight: weight of the load loss in the agent's loss.
      load_noise: standard deviation of the load loss's noise, times `num_experts`.
      head: `linear`, the last layer alone.
      dueling: mean-subtracted value and advantage streams (Wang et al., 2016).
      noisy: noisy layers (Fortunato et al., 2018) in the dense layer or the
        experts' first layer, and in the head.
      num_atoms: atoms of a categorical head (C51, Bellemare et al., 2017); None
        is a head of Q-values.
      num_quantiles: number of the return's quantiles that are sampled (IQN, Dabney et
        al., 2018); everything after the encoder is computed for each. None for none.
      quantile_embedding: number of cosines that a quantile's level is embedded with.
      v_max: the categorical support is `num_atoms` values on `[-v_max, v_max]`.
      compute_dtype: dtype of activations and matrix products; parameters, softmaxes
        and the network's values stay float32.
      encoder_options: options by name of an encoder that is not the library's; options
        that are not given are added with their defaults. The library's own parts have
        their options among the fields above.
      tokenizer_options: the same for a tokenizer.
      dense_options: the same for the layer `dense`.
      moe_options: the same for a mixture.
      head_options: the same for a head.

    Raises:
      ValueError: a value or a combination makes no sense. The message starts with
        the field's name.
    """

    encoder: str = "impala"
    impala_width: float = 1.0
    impala_filter_size: int = 3
    impala_spectral_norm: bool = False
    impala_max_pool: int | None = None
    layer_norm: bool = False
    mlp_widths: tuple[int, ...] = (512,)
    tokenizer: str = "per_conv"
    patch_size: int = 3
    patch_channels: int | None = None
    moe: str = "soft"
    dense: str = "flatten"
    simplicial_temperature: float = 0.1
    variant: str = "regular"
    num_experts: int = 8
    expert_width: int = 512
    divide_expert_width: bool = False
    widen_dense: bool = False
    capacity_factor: float = 1.0
    num_slots: int | None = None
    normalization: bool = False
    phi: str = "learned"
    router_noise: float = 0.0
    importance_weight: float = 0.0
    load_weight: float = 0.0
    load_noise: float = 1.0
    head: str = "linear"
    dueling: bool = False
    noisy: bool = False
    num_atoms: int | None = None
    num_quantiles: int | None = None
    quantile_embedding: int = 64
    v_max: float = 10.0
    compute_dtype: str = "float32"
    encoder_options: Mapping[str, Any] = Options()
    tokenizer_options: Mapping[str, Any] = Options()
    dense_options: Mapping[str, Any] = Options()
    moe_options: Mapping[str, Any] = Options()
    head_options: Mapping[str, Any] = Options()

    def __post_init__(self) -> None:
        if not isinstance(self.mlp_widths, (list, tuple)):
            raise validation.not_accepted("mlp_widths", self.mlp_widths, "widths")
        # A config file may have a list, which cannot be hashed.
        object.__setattr__(self, "mlp_widths", tuple(self.mlp_widths))
        self._check_values()
        self._check_tokenizer()
        self._check_mixture()
        self._check_encoder()
        self._check_head()
        self._check_variant()

    @property
    def hidden_units(self) -> int:
        """Units of an expert's hidden layer, or of the dense layer."""
        if self.moe == "none":
            return self.expert_width * (self.num_experts if self.widen_dense else 1)
        if self.divide_expert_width:
            return self.expert_width // self.num_experts
        return self.expert_width

    def slots(self, num_tokens: int) -> int:
        """Returns the slots of one expert for a number of tokens."""
        if self.num_slots is not None:
            return self.num_slots
        return math.ceil(num_tokens * self.capacity_factor / self.num_experts)

    def _check_values(self) -> None:
        """Refuses values that are invalid whatever the other fields are."""
        validation.check_types(self)
        for kind in parts.REGISTRIES:
            field = parts.options_field(kind)
            given = getattr(self, field)
            options = parts.complete_options(kind, getattr(self, kind), given)
            object.__setattr__(self, field, options)
        for field, known in (
            ("variant", VARIANTS),
            ("phi", PHIS),
            ("compute_dtype", COMPUTE_DTYPES),
        ):
            validation.one_of(field, getattr(self, field), known)
        for field in (
            "impala_filter_size",
            "patch_size",
            "num_experts",
            "expert_width",
            "quantile_embedding",
        ):
            validation.at_least(field, getattr(self, field), 1)
        for field, minimum in (
            ("patch_channels", 1),
            ("num_slots", 1),
            ("num_atoms", 2),
            ("num_quantiles", 1),
            ("impala_max_pool", 1),
        ):
            value = getattr(self, field)
            if value is not None and value < minimum:
                _refuse(field, value, f"None, or whole numbers from {minimum}")
        if min(self.mlp_widths, default=0) < 1:
            _refuse("mlp_widths", self.mlp_widths, "one whole number from 1, or more")
        for field in _POSITIVE:
            validation.above(field, getattr(self, field), 0)
        for field in _NOT_NEGATIVE:
            validation.at_least(field, getattr(self, field), 0)
        if int(16 * self.impala_width) < 1:
            _refuse("impala_width", self.impala_width, "numbers from 1/16")

    def _check_tokenizer(self) -> None:
        """Refuses tokens that the encoder does not give, and another's options."""
        with_tokens = self.moe != "none" and not is_path(self.tokenizer)
        if with_tokens and parts.takes_vectors(self.encoder):
            self._require("tokenizer", "per_samp", f"with encoder {self.encoder!r}")
        if self.tokenizer != "patches_conv":
            self._require("patch_channels", None, f"with tokenizer {self.tokenizer!r}")

    def _check_mixture(self) -> None:
        """Refuses settings of one mixture given to another, or to none."""
        reason = f"with moe {self.moe!r}"
        for mixture, own in OF_MIXTURES.items():
            for field in own if self.moe != mixture else ():
                self._require(field, getattr(NetworkConfig, field), reason)
        if self.moe == "none":
            self._require("divide_expert_width", False, reason)
            self._check_dense()
        else:
            self._require("dense", "flatten", reason)
            self._require("widen_dense", False, reason)
        if self.divide_expert_width and self.expert_width % self.num_experts:
            _refuse(
                "divide_expert_width",
                True,
                f"False, or an expert_width that {self.num_experts} experts divide"
                f" (it is {self.expert_width})",
            )

    def _check_encoder(self) -> None:
        """Refuses settings of one encoder given to another."""
        reason = f"with encoder {self.encoder!r}"
        if self.encoder != "impala":
            self._require("impala_spectral_norm", False, reason)
            self._require("impala_max_pool", None, reason)
        if self.encoder == "hadamax":
            self._require("layer_norm", False, reason)  # It has its own.

    def _check_head(self) -> None:
        """Refuses quantiles of a categorical head."""
        if self.num_quantiles is not None:
            self._require("num_atoms", None, "with num_quantiles")

    def _check_dense(self) -> None:
        """Refuses image layers after an encoder of vectors, and widening twice."""
        known = not is_path(self.dense) and self.dense not in _DENSES_OF_VECTORS
        if known and parts.takes_vectors(self.encoder):
            accepted = f"{' or '.join(_DENSES_OF_VECTORS)} with encoder {self.encoder}"
            _refuse("dense", self.dense, accepted)
        if self.dense == "simplicial_v2":
            self._require("widen_dense", False, f"with dense {self.dense!r}")

    def _check_variant(self) -> None:
        """Refuses tokens and slots in variants that route at their input."""
        if self.variant == "regular":
            return
        reason = f"with variant {self.variant!r}"
        self._require("tokenizer", "per_samp", reason)
        # One token fills all slots of an expert alike, so further slots add nothing.
        self._require("num_slots", None, reason)
        self._require("capacity_factor", 1.0, reason)
        # In these variants, what the settings apply to is not in one place.
        self._require("num_quantiles", None, reason)
        self._require("layer_norm", False, reason)
        self._require("impala_spectral_norm", False, reason)

    def _require(self, field: str, accepted: object, reason: str) -> None:
        if getattr(self, field) != accepted:
            _refuse(field, getattr(self, field), f"{accepted!r} {reason}")


def _refuse(field: str, value: object, accepted: str) -> None:
    raise validation.not_accepted(field, value, accepted)
