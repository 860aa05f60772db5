"""Dense and convolutional layers; with an axis of experts, one layer for each expert.

Parameters are float32 and are cast to the dtype of the input, so that the caller
chooses the precision of the products by the input that it passes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks.xla_cpu import add_bias, convolve, experts_affine

# Standard deviation of a standard normal that is cut off at two of its own.
_TRUNCATED_STDDEV = 0.87962566103423978

# Added to norms and variances, so that nothing is divided by zero.
_TINY = 1e-12
_NORM_EPSILON = 1e-6

# Number of outputs of a dense layer, or those of several side by side.
OutputSize: TypeAlias = "int | Sequence[int]"


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Puts parameters under a name, and operations too, for profiles and `describe`."""
    with hk.name_scope(name), jax.named_scope(name):
        yield


def xavier_uniform(fan_in: int, fan_out: int) -> hk.initializers.Initializer:
    """Returns the uniform initialiser of Glorot & Bengio (2010)."""
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return hk.initializers.RandomUniform(-limit, limit)


def lecun_normal(fan_in: int) -> hk.initializers.Initializer:
    """Returns a truncated normal initialiser of variance `1 / fan_in`."""
    stddev = 1.0 / math.sqrt(fan_in) / _TRUNCATED_STDDEV
    return hk.initializers.TruncatedNormal(stddev)


def fan_in_uniform(fan_in: int) -> hk.initializers.Initializer:
    """Returns a uniform initialiser of variance `1 / (sqrt(3) fan_in)`.

    That of Dopamine's `ImplicitQuantileNetwork`.
    """
    limit = math.sqrt(math.sqrt(3.0) / fan_in)
    return hk.initializers.RandomUniform(-limit, limit)


def side_by_side(
    make_init: Callable[[int], hk.initializers.Initializer], sizes: Sequence[int]
) -> hk.initializers.Initializer:
    """Returns an initialiser of several layers' weights, concatenated.

    Args:
      make_init: returns one layer's initialiser, given its number of outputs.
      sizes: the layers' numbers of outputs, which make up the last axis.
    """

    def init(shape: Sequence[int], dtype: jnp.dtype) -> jax.Array:
        parts = [make_init(size)((*shape[:-1], size), dtype) for size in sizes]
        return jnp.concatenate(parts, axis=-1)

    return init


def get_parameter(
    name: str,
    shape: tuple[int, ...],
    dtype: jnp.dtype,
    init: hk.initializers.Initializer,
) -> jax.Array:
    """Returns a float32 parameter of the current module, cast to a dtype."""
    return hk.get_parameter(name, shape, jnp.float32, init).astype(dtype)


def at_least_float32(x: jax.Array) -> jax.Array:
    """Casts to float32 if less precise, for routers (Fedus et al., 2022, sec. 2.4)."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def affine(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
    """Applies an affine map to the last axis.

    Args:
      x: `[B, ..., i]`, or `[E, B, S, i]` with experts.
      w: `[i, o]`, or `[E, i, o]`.
      b: `[o]`, or `[E, o]`.

    Returns:
      `[B, ..., o]`, or `[E, B, S, o]`: one matrix product, batched over experts.
    """
    if w.ndim == 2:
        return x @ w + b
    return experts_affine(x, w, b)


def as_sizes(output_size: OutputSize) -> tuple[int, ...]:
    """Returns the numbers of outputs of one layer, or of several side by side."""
    return (output_size,) if isinstance(output_size, int) else tuple(output_size)


class Dense(hk.Module):
    """Affine map of the last axis, `[B, ..., i] -> [B, ..., o]`.

    With `num_experts`, `[E, B, S, i] -> [E, B, S, o]`, each expert with its own
    weights. Several output sizes make several layers side by side, computed in one
    matrix product. The initialiser's fans are those of one layer of one expert.
    """

    def __init__(
        self,
        output_size: OutputSize,
        num_experts: int | None = None,
        name: str = "dense",
    ) -> None:
        super().__init__(name=name)
        self._sizes = as_sizes(output_size)
        self._stack = () if num_experts is None else (num_experts,)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layer."""
        inputs, outputs = x.shape[-1], sum(self._sizes)
        w_init = side_by_side(lambda o: xavier_uniform(inputs, o), self._sizes)
        w = get_parameter("w", (*self._stack, inputs, outputs), x.dtype, w_init)
        b = get_parameter("b", (*self._stack, outputs), x.dtype, jnp.zeros)
        return affine(x, w, b)


class Conv(hk.Module):
    """Convolution, `[B, H, W, i] -> [B, H/stride, W/stride, o]` with `SAME` padding.

    The initialiser is Xavier uniform, or LeCun normal where `lecun` is true. With
    `spectral_norm` the kernel is divided by its largest singular value.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        stride: int = 1,
        lecun: bool = False,
        padding: str = "SAME",
        spectral_norm: bool = False,
        name: str = "conv",
    ) -> None:
        super().__init__(name=name)
        self._channels = channels
        self._size = size
        self._stride = stride
        self._lecun = lecun
        self._padding = padding
        self._spectral_norm = spectral_norm

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layer."""
        w_init = conv_initializer(self._size, x.shape[-1], self._channels, self._lecun)
        shape = (self._size, self._size, x.shape[-1], self._channels)
        w = get_parameter("w", shape, x.dtype, w_init)
        if self._spectral_norm:
            w = w / spectral_norm(w.reshape(-1, self._channels))
        b = get_parameter("b", (self._channels,), x.dtype, jnp.zeros)
        y = convolve(x, w, self._stride, self._padding)
        return add_bias(y.reshape(-1, self._channels), b).reshape(y.shape)


class ParallelConv(hk.Module):
    """Several convolutions of one input, `[B, H, W, i] -> [B, experts, H', W', o]`.

    It is computed as one convolution with the experts' channels side by side. The
    arguments are those of `Conv`, without `spectral_norm`.
    """

    def __init__(
        self,
        num_experts: int,
        channels: int,
        size: int,
        stride: int = 1,
        lecun: bool = False,
        padding: str = "SAME",
        name: str = "parallel_conv",
    ) -> None:
        super().__init__(name=name)
        self._num_experts = num_experts
        self._channels = channels
        self._size = size
        self._stride = stride
        self._lecun = lecun
        self._padding = padding

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layers."""
        inputs, stack = x.shape[-1], (self._num_experts,)
        w_init = conv_initializer(self._size, inputs, self._channels, self._lecun)
        shape = (*stack, self._size, self._size, inputs, self._channels)
        w = get_parameter("w", shape, x.dtype, w_init)
        b = get_parameter("b", (*stack, self._channels), x.dtype, jnp.zeros)
        kernel = jnp.moveaxis(w, 0, 3).reshape(*shape[1:4], -1)
        y = convolve(x, kernel, self._stride, self._padding)
        y = y.reshape(*y.shape[:3], self._num_experts, self._channels) + b
        return jnp.moveaxis(y, 3, 1)


def spectral_norm(w: jax.Array, squarings: int = 6) -> jax.Array:
    """Estimates the largest singular value of a matrix by power iteration.

    Miyato et al. (2018), "Spectral Normalization", keep the vector from one update to
    the next and take one step in each. Here the iteration starts anew in each call, so
    that a network is a function of its parameters alone. It takes many steps instead:
    `w^T w` is squared again and again, and each squaring doubles their number. As in
    the paper, no gradient passes through the iteration.

    Args:
      w: `[m, n]`.
      squarings: `k`, for `2^k` steps.

    Returns:
      A scalar, at most the largest singular value plus 1e-12, which keeps it above 0.
    """
    fixed = jax.lax.stop_gradient(at_least_float32(w))
    # No direction is special to a random matrix, but zeros of a ReLU might be.
    start = jnp.cos(jnp.arange(w.shape[1], dtype=fixed.dtype))
    # With the steps unrolled, Impala's update took three times as long to compile.
    power = jax.lax.fori_loop(
        0, squarings, lambda _, x: _unit(x @ x), _unit(fixed.T @ fixed)
    )
    v = _unit(power @ start)
    return (_unit(fixed @ v) @ (w @ v) + _TINY).astype(w.dtype)


def _unit(x: jax.Array) -> jax.Array:
    return x / (jnp.linalg.norm(x) + _TINY)


def normalized(
    factory: Callable[..., Callable[[jax.Array], jax.Array]],
) -> Callable[..., Callable[[jax.Array], jax.Array]]:
    """Returns a kind of layer whose outputs are normalised over their last axis.

    Ba et al. (2016), "Layer Normalization", with a learned scale and offset.

    Args:
      factory: makes a layer, with the arguments of `Dense` or `Conv`.
    """

    def make(
        *args: Any, name: str = "layer", **kwargs: Any
    ) -> Callable[[jax.Array], jax.Array]:
        layer = factory(*args, name=name, **kwargs)

        def apply(x: jax.Array) -> jax.Array:
            return LayerNorm(name=f"{name}_norm")(layer(x))

        return apply

    return make


class LayerNorm(hk.Module):
    """Layer normalisation of the last axis (Ba et al., 2016), with scale and offset."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises `[B, ..., d]`, at least in float32, and keeps the dtype."""
        precise = at_least_float32(x)
        shape, dtype = x.shape[-1:], precise.dtype
        scale = get_parameter("scale", shape, dtype, jnp.ones)
        offset = get_parameter("offset", shape, dtype, jnp.zeros)
        normal = jax.nn.standardize(precise, axis=-1, epsilon=_NORM_EPSILON)
        return (normal * scale + offset).astype(x.dtype)


def conv_initializer(
    size: int, inputs: int, outputs: int, lecun: bool
) -> hk.initializers.Initializer:
    """Returns the initialiser of a kernel `[..., size, size, inputs, outputs]`."""
    if lecun:
        return lecun_normal(size**2 * inputs)
    return xavier_uniform(size**2 * inputs, size**2 * outputs)
