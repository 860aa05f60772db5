"""Rectified units and softmax."""

from __future__ import annotations

import jax
import jax.numpy as jnp

# XLA:CPU takes a reduction of 32 entries or more as several over windows.
_SHORT = 16


@jax.custom_jvp
def relu(x: jax.Array) -> jax.Array:
    """Computes `max(x, 0)`, with a gradient that is read off the output.

    The gradient at 0 is 0.
    """
    return jnp.maximum(x, 0)


@relu.defjvp
def _relu_jvp(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    y = relu(*primals)
    return y, jnp.where(y > 0, tangents[0], 0)


@jax.custom_vjp
def softmax(x: jax.Array) -> jax.Array:
    """Computes `jax.nn.softmax` of the last axis.

    There is no forward-mode derivative.

    Args:
      x: `[..., n]`.

    Returns:
      `[..., n]`.
    """
    exponentials = jnp.exp(x - _maxima(x))
    return exponentials / _sums(exponentials)


def _softmax_forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y = softmax(x)
    return y, y


def _softmax_backward(y: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    product = y * g
    return (product - y * _sums(product),)


softmax.defvjp(_softmax_forward, _softmax_backward)


def _maxima(x: jax.Array) -> jax.Array:
    """Computes maxima over the last axis, which becomes of length 1."""
    while (length := x.shape[-1]) > _SHORT:
        half = -(-length // 2)  # Of an odd length the halves share an entry.
        x = jnp.maximum(x[..., :half], x[..., length - half :])
    return jnp.max(x, -1, keepdims=True)


def _sums(x: jax.Array) -> jax.Array:
    """Computes sums over the last axis, which becomes of length 1."""
    return x @ jnp.ones((x.shape[-1], 1), x.dtype)
