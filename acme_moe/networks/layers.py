"""Dense and convolutional layers; with an axis of experts, one layer for each expert.

Parameters are float32 and are cast to the dtype of the input, so that the caller
chooses the precision of the products by the input that it passes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks.xla_cpu import add_bias, convolve, experts_affine, matmul

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
    with hk.name_scope(name):
        # Haiku numbers a name that it has had already.
        given = hk.experimental.current_name().split("/")[-1]
        with jax.named_scope(given):
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
    """Applies an affine map to the last axis; there is no forward-mode derivative.

    Args:
      x: `[B, ..., i]`, or `[E, B, S, i]` with experts.
      w: `[i, o]`, or `[E, i, o]`.
      b: `[o]`, or `[E, o]`.

    Returns:
      `[B, ..., o]`, or `[E, B, S, o]`: one matrix product, batched over experts.
    """
    if w.ndim == 2:
        rows = x.reshape(-1, x.shape[-1])
        return matmul(rows, w).reshape(*x.shape[:-1], w.shape[-1]) + b
    return experts_affine(x, w, b)


def as_sizes(output_size: OutputSize) -> tuple[int, ...]:
    """Returns the numbers of outputs of one layer, or of several side by side."""
    return (output_size,) if isinstance(output_size, int) else tuple(output_size)


def as_stack(num_experts: int | None) -> tuple[int, ...]:
    """Returns the leading axes of the parameters of one layer, or of the experts'."""
    return () if num_experts is None else (num_experts,)


@dataclasses.dataclass(eq=False)
class Dense(hk.Module):
    """Affine map of the last axis, `[B, ..., i] -> [B, ..., o]`.

    With `num_experts`, `[E, B, S, i] -> [E, B, S, o]`, each expert with its own
    weights. Several output sizes make several layers side by side, computed in one
    matrix product. The initialiser's fans are those of one layer of one expert.

    Attributes:
      output_size: number of outputs `o`, or those of several layers side by side.
      num_experts: number of experts, or None for an input without their axis.
      name: the module's name.
    """

    output_size: OutputSize
    num_experts: int | None = None
    name: str = "dense"

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layer."""
        sizes, stack = as_sizes(self.output_size), as_stack(self.num_experts)
        inputs, outputs = x.shape[-1], sum(sizes)
        w_init = side_by_side(lambda o: xavier_uniform(inputs, o), sizes)
        w = get_parameter("w", (*stack, inputs, outputs), x.dtype, w_init)
        b = get_parameter("b", (*stack, outputs), x.dtype, jnp.zeros)
        return affine(x, w, b)


@dataclasses.dataclass(eq=False)
class Conv(hk.Module):
    """Convolution, `[B, H, W, i] -> [B, H/stride, W/stride, o]` with `SAME` padding.

    Attributes:
      channels: number of output channels `o`.
      size: height and width of the kernel.
      stride: step between two places, in both directions.
      lecun: whether the initialiser is LeCun normal, or else Xavier uniform.
      padding: `SAME` or `VALID`.
      spectral_norm: whether the kernel is divided by its largest singular value.
      name: the module's name.
    """

    channels: int
    size: int
    stride: int = 1
    lecun: bool = False
    padding: str = "SAME"
    spectral_norm: bool = False
    name: str = "conv"

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layer."""
        w_init = conv_initializer(self.size, x.shape[-1], self.channels, self.lecun)
        shape = (self.size, self.size, x.shape[-1], self.channels)
        w = get_parameter("w", shape, x.dtype, w_init)
        if self.spectral_norm:
            w = w / spectral_norm(w.reshape(-1, self.channels))
        b = get_parameter("b", (self.channels,), x.dtype, jnp.zeros)
        y = convolve(x, w, self.stride, self.padding)
        return add_bias(y.reshape(-1, self.channels), b).reshape(y.shape)


@dataclasses.dataclass(eq=False)
class ParallelConv(hk.Module):
    """Several convolutions of one input, `[B, H, W, i] -> [B, experts, H', W', o]`.

    It is computed as one convolution with the experts' channels side by side. The
    attributes are those of `Conv`, without `spectral_norm`.
    """

    num_experts: int
    channels: int
    size: int
    stride: int = 1
    lecun: bool = False
    padding: str = "SAME"
    name: str = "parallel_conv"

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layers."""
        inputs, stack = x.shape[-1], (self.num_experts,)
        w_init = conv_initializer(self.size, inputs, self.channels, self.lecun)
        shape = (*stack, self.size, self.size, inputs, self.channels)
        w = get_parameter("w", shape, x.dtype, w_init)
        b = get_parameter("b", (*stack, self.channels), x.dtype, jnp.zeros)
        kernel = jnp.moveaxis(w, 0, 3).reshape(*shape[1:4], -1)
        y = convolve(x, kernel, self.stride, self.padding)
        y = y.reshape(*y.shape[:3], self.num_experts, self.channels) + b
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
        mean = jnp.mean(precise, axis=-1, keepdims=True)
        square = jnp.mean(jnp.square(precise), axis=-1, keepdims=True)
        # Of entries that are nearly equal, rounding may leave less than nothing, whose
        # root is NaN. Flax cuts it off in the same way; `standardize` does not.
        variance = jnp.maximum(square - jnp.square(mean), 0.0)
        normal = jax.nn.standardize(precise, -1, mean, variance, _NORM_EPSILON)
        return (normal * scale + offset).astype(x.dtype)


def conv_initializer(
    size: int, inputs: int, outputs: int, lecun: bool
) -> hk.initializers.Initializer:
    """Returns the initialiser of a kernel `[..., size, size, inputs, outputs]`."""
    if lecun:
        return lecun_normal(size**2 * inputs)
    return xavier_uniform(size**2 * inputs, size**2 * outputs)
