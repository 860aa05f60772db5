"""Rectified units and softmax."""

from __future__ import annotations

import functools

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


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def softmax(x: jax.Array, axis: int = -1) -> jax.Array:
    """Computes `jax.nn.softmax`.

    There is no forward-mode derivative.

    Args:
      x: of any shape.
      axis: of `x`, along which the result sums to 1.

    Returns:
      The shape of `x`.
    """
    exponentials = jnp.exp(x - _maxima(x, axis))
    # A division for each entry would take as long as the exponentials.
    return exponentials * (1 / _sums(exponentials, axis))


def _softmax_forward(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    y = softmax(x, axis)
    return y, y


def _softmax_backward(axis: int, y: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    product = y * g
    return (product - y * _sums(product, axis),)


softmax.defvjp(_softmax_forward, _softmax_backward)


def _maxima(x: jax.Array, axis: int) -> jax.Array:
    """Computes maxima over an axis, which becomes of length 1."""
    if _is_last(x, axis):
        while (length := x.shape[-1]) > _SHORT:
            half = -(-length // 2)  # Of an odd length the halves share an entry.
            x = jnp.maximum(x[..., :half], x[..., length - half :])
    return jnp.max(x, axis, keepdims=True)


def _sums(x: jax.Array, axis: int) -> jax.Array:
    """Computes sums over an axis, which becomes of length 1."""
    if _is_last(x, axis):
        ones = jnp.ones((x.shape[-1], 1), x.dtype)
        # A GPU may round the terms of a product to ten bits.
        return jnp.matmul(x, ones, precision=jax.lax.Precision.HIGHEST)
    return jnp.sum(x, axis, keepdims=True)


def _is_last(x: jax.Array, axis: int) -> bool:
    """Returns whether reductions are over neighbours in memory, the slow ones."""
    return axis in (-1, x.ndim - 1)
