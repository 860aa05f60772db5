"""Noisy layers with factorised Gaussian noise (Fortunato et al., 2018)."""

from __future__ import annotations

import dataclasses
import math

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe.networks import layers

# Initial standard deviation times the square root of the fan-in; the paper on noisy
# networks has 0.5, the implementation of the experiments that we follow 0.1.
_INITIAL_SIGMA = 0.1


def noise_scale(e: jax.Array) -> jax.Array:
    """Computes `f(e) = sign(e) sqrt(|e|)` (Fortunato et al., 2018, equation 11)."""
    return jnp.sign(e) * jnp.sqrt(jnp.abs(e))


def noisy_affine(
    x: jax.Array,
    w: jax.Array,
    b: jax.Array,
    w_sigma: jax.Array,
    b_sigma: jax.Array,
    e_in: jax.Array,
    e_out: jax.Array,
) -> jax.Array:
    """Applies a noisy affine map, with noise of its own for each example.

    Weights are `w + w_sigma * (f(e_in) f(e_out)^T)` (equations 8, 10 and 11 of
    Fortunato et al., 2018). Because the noise is of rank one it moves out of the
    product, `x (S * (f_in f_out^T)) = ((x * f_in) S) * f_out`, and no example
    needs a weight matrix of its own.

    Args:
      x: `[B, ..., i]`, or `[E, B, S, i]` with experts.
      w: mean weights, `[i, o]` or `[E, i, o]`.
      b: mean bias, `[o]` or `[E, o]`.
      w_sigma: standard deviations of `w`.
      b_sigma: standard deviations of `b`.
      e_in: standard normal draws, broadcast against `x`.
      e_out: standard normal draws, broadcast against the result.

    Returns:
      `[B, ..., o]`, or `[E, B, S, o]` with experts.
    """
    f_in, f_out = noise_scale(e_in), noise_scale(e_out)
    noise = layers.affine(x * f_in, w_sigma, b_sigma) * f_out
    return layers.affine(x, w, b) + noise


@dataclasses.dataclass(eq=False)
class NoisyDense(hk.Module):
    """`layers.Dense` with noisy weights; draws noise for each example (and expert).

    All positions or slots of an example share its noise, because they pass through the
    same weights. Layers side by side share the noise of their inputs, too. An example
    may be `repeats` successive rows of the batch, such as its quantiles. In evaluation
    there is no noise, and no random key is needed.

    Attributes:
      output_size: see `layers.Dense`.
      num_experts: see `layers.Dense`.
      name: the module's name.
      evaluation: whether the noise is off.
      repeats: successive rows of the batch that share their noise.
    """

    output_size: layers.OutputSize
    num_experts: int | None = None
    name: str = "noisy_dense"
    evaluation: bool = dataclasses.field(kw_only=True)
    repeats: int = dataclasses.field(default=1, kw_only=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Applies the layer."""
        bound = 1.0 / math.sqrt(x.shape[-1])
        mean_init = hk.initializers.RandomUniform(-bound, bound)
        sigma_init = hk.initializers.Constant(_INITIAL_SIGMA * bound)
        # The initialisers depend on the number of inputs alone, so layers side by side
        # can be made as one.
        outputs = sum(layers.as_sizes(self.output_size))
        stack = layers.as_stack(self.num_experts)
        w_shape = (*stack, x.shape[-1], outputs)
        b_shape = (*stack, outputs)
        w = layers.get_parameter("w", w_shape, x.dtype, mean_init)
        b = layers.get_parameter("b", b_shape, x.dtype, mean_init)
        w_sigma = layers.get_parameter("w_sigma", w_shape, x.dtype, sigma_init)
        b_sigma = layers.get_parameter("b_sigma", b_shape, x.dtype, sigma_init)
        if self.evaluation:
            return layers.affine(x, w, b)
        # One draw for both: a second was a sixth of a small dense update on one core.
        noise = self._draw(x, x.shape[-1] + outputs)
        e_in, e_out = jnp.split(noise, [x.shape[-1]], axis=-1)
        return noisy_affine(x, w, b, w_sigma, b_sigma, e_in, e_out)

    def _draw(self, x: jax.Array, size: int) -> jax.Array:
        """Draws noise that is broadcast against `[*stack, B, ..., size]`."""
        stack = layers.as_stack(self.num_experts)
        axis = len(stack)
        shared = (1,) * (x.ndim - axis - 2)
        shape = (*stack, x.shape[axis] // self.repeats, *shared, size)
        noise = jax.random.normal(hk.next_rng_key(), shape).astype(x.dtype)
        return jnp.repeat(noise, self.repeats, axis) if self.repeats > 1 else noise
