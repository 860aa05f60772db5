"""The interfaces of a network's parts: what each is given, and what it returns.

A part is a frozen dataclass whose instances are called and whose fields are its
options, or a function, which has none. It is called inside `hk.transform`, in a name
scope of its own, and makes its parameters there. Common to all parts:

- The first axis `B` is a batch of examples. What comes out for one example depends on
  that example alone, and no parameter's shape on `B`.
- Parameters are float32 (`layers.get_parameter`); activations have the dtype of the
  input, float32 or bfloat16, unless said otherwise. A router works in float32
  (`layers.at_least_float32`).
- Values and gradients are finite, also for an input of zeros: a ReLU may return nothing
  but zeros.
- Shapes follow from the shapes of the input, not from its values. A mixture draws no
  random numbers with `evaluation=True`; other parts are not told, and draw none.
- An instance keeps nothing between two calls.

`acme-moe check my_package.routing:ExpertChoice` checks a part of one's own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import jax

from acme_moe.networks.outputs import Mixed

Activations = dict[str, jax.Array]
# Takes the arguments of `layers.Conv` or `layers.Dense`; returns a layer.
LayerFactory = Callable[..., Callable[[jax.Array], jax.Array]]


@dataclasses.dataclass(frozen=True)
class LayerKinds:
    """The layers that an encoder is made of.

    In variant `all` these layers are mixtures, which do not take `spectral_norm` or
    `num_experts`; an encoder that makes its layers in another way has no mixtures.

    Attributes:
      conv: makes a convolution, with the arguments of `layers.Conv`.
      dense: makes a dense layer, with the arguments of `layers.Dense`.
    """

    conv: LayerFactory
    dense: LayerFactory


@dataclasses.dataclass(frozen=True)
class ExpertSpec:
    """What the network's settings ask of a mixture's experts.

    Attributes:
      num_experts: number of experts.
      num_slots: slots of each expert, for the number of tokens at hand; see
        `NetworkConfig.slots`.
      hidden_units: units of an expert's hidden layer.
      hidden_dense: makes that layer, with the arguments of `layers.Dense`; it is noisy
        where the network is.
      evaluation: whether there is no noise.
    """

    num_experts: int
    num_slots: int
    hidden_units: int
    hidden_dense: LayerFactory
    evaluation: bool

    def make_experts(self) -> Callable[[jax.Array], tuple[jax.Array, jax.Array]]:
        """Returns the library's own experts; see `experts.Experts`.

        They map slots `[E, B, S, d]` to outputs `[E, B, S, d]` and hidden activations
        `[E, B, S, hidden]`, in two matrix products.
        """
        from acme_moe.networks.experts import Experts

        return Experts(self.num_experts, self.hidden_units, self.hidden_dense)


@dataclasses.dataclass(frozen=True)
class DenseSpec:
    """What the network's settings ask of the layer in place of a mixture.

    Attributes:
      hidden_units: units of the dense layer.
      num_experts: number of experts in the settings, for layers that divide their units
        into as many groups.
      hidden_dense: makes the dense layer, with the arguments of `layers.Dense`; it is
        noisy where the network is.
      tokenize: splits features `[B, H, W, C]` into tokens `[B, m, d]` by the network's
        tokenizer.
    """

    hidden_units: int
    num_experts: int
    hidden_dense: LayerFactory
    tokenize: Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class HeadSpec:
    """What the network's settings and the environment ask of a head.

    Attributes:
      num_actions: number of actions.
      num_atoms: atoms of a categorical head, or None for Q-values.
      dueling: whether there are streams for values and advantages.
      dense: makes a layer, with the arguments of `layers.Dense`; it is noisy where the
        network is.
    """

    num_actions: int
    num_atoms: int | None
    dueling: bool
    dense: LayerFactory


class Encoder(Protocol):
    """A map from observations to features: `network.encoder`.

    A class or function may have the attribute `takes`: `"images"` (the default) or
    `"vectors"`.
    """

    def __call__(
        self, x: jax.Array, kinds: LayerKinds, /
    ) -> tuple[jax.Array, Activations]:
        """Encodes observations.

        Args:
          x: images `[B, H, W, C]`, or vectors `[B, D]`; `uint8` is scaled to [0, 1].
          kinds: makes the layers that the encoder consists of.

        Returns:
          A feature map `[B, H', W', C']`, or vectors `[B, D']`, which of the library's
          tokenizers only `per_samp` takes; and the output of each ReLU by a name,
          `[B, ..., neurons]`, for diagnostics.
        """


class Tokenizer(Protocol):
    """A map from features to tokens: `network.tokenizer`.

    A tokenizer whose tokens are places of the feature map may say so by a method (a
    function by an attribute) `grid(height, width) -> (rows, columns)`: for a map
    `[B, height, width, C]`, token number `row * columns + column` is then the one at
    that row and column of the grid. Films draw its routing as a map over the screen.
    """

    def __call__(self, features: jax.Array, /) -> jax.Array:
        """Splits features into tokens.

        Args:
          features: `[B, H, W, C]`, or `[B, D]`, as the encoder returns them.

        Returns:
          Tokens `[B, m, d]`, `m` and `d` at least 1.
        """


class Mixture(Protocol):
    """A mixture of experts that work on tokens: `network.moe`."""

    def __call__(self, tokens: jax.Array, experts: ExpertSpec, /) -> Mixed:
        """Mixes tokens.

        Args:
          tokens: `[B, m, d]`.
          experts: what is asked of the experts.

        Returns:
          New tokens `[B, m, d]`; the experts' hidden activations `[B, E, S, hidden]`;
          and the routing, `MoEOutput`, all of it float32, in which `load` and `dropped`
          sum to one. Fields that have no meaning for a mixture are zeros. In
          diagnostics, the parameters of modules below one called `experts` are the
          experts', all others the router's.
        """


class DenseLayer(Protocol):
    """A map from features to hidden units without a mixture: `network.dense`."""

    def __call__(self, features: jax.Array, dense: DenseSpec, /) -> jax.Array:
        """Computes hidden units.

        Args:
          features: `[B, H, W, C]`, or `[B, D]`, as the encoder returns them.
          dense: what is asked of the layer.

        Returns:
          `[B, F]`, which the head reads and diagnostics count as neurons.
        """


class Head(Protocol):
    """A map from features to values: `network.head`."""

    def __call__(self, features: jax.Array, head: HeadSpec, /) -> jax.Array:
        """Computes values.

        Args:
          features: `[B, F]`.
          head: what is asked of the head.

        Returns:
          Q-values `[B, actions]`, or logits `[B, actions, atoms]` with `num_atoms`.
        """
