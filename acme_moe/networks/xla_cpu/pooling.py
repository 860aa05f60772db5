"""Maxima over windows."""

from __future__ import annotations

import jax
import jax.numpy as jnp

_HEIGHT, _WIDTH = 1, 2


@jax.custom_vjp
def max_pool(x: jax.Array) -> jax.Array:
    """Computes maxima over 3x3 windows with stride 2 and `SAME` padding.

    Each maximum passes its gradient to the first entry that equals it, row by row, as
    in XLA's own operation. Here that is computed elementwise, first along the height
    and then along the width. There is no forward-mode derivative.

    Args:
      x: `[B, H, W, C]`.

    Returns:
      `[B, H/2, W/2, C]` (rounded up).
    """
    return _maxima(x, _HEIGHT, _WIDTH)


def _max_pool_forward(x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    y = max_pool(x)
    return y, (x, y)


def _max_pool_backward(
    residuals: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array]:
    x, y = residuals
    rows = _maxima(x, _WIDTH)
    return (_to_first(x, rows, _to_first(rows, y, g, _HEIGHT), _WIDTH),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def _maxima(x: jax.Array, *axes: int) -> jax.Array:
    """Computes maxima over windows of 3 with stride 2 along some axes."""
    size = tuple(3 if axis in axes else 1 for axis in range(x.ndim))
    stride = tuple(2 if axis in axes else 1 for axis in range(x.ndim))
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, size, stride, "SAME")


def _to_first(x: jax.Array, maxima: jax.Array, g: jax.Array, axis: int) -> jax.Array:
    """Computes the gradient of `_maxima` along one axis.

    Window p covers the padded entries 2p, 2p + 1 and 2p + 2: an even entry belongs to
    two windows, an odd one to one. The last entry of the last window is padding, and is
    left out, so that an even length needs none.

    Args:
      x: `[B, H, W, C]`.
      maxima: those of its windows.
      g: the gradient with respect to `maxima`.
      axis: the axis that the windows slide along.

    Returns:
      The gradient with respect to `x`.
    """
    length, windows = x.shape[axis], maxima.shape[axis]
    before = 2 * windows - length
    padded = _pad(x, axis, before, -jnp.inf)
    is_first = jax.lax.slice_in_dim(padded, 0, None, 2, axis) == maxima
    is_second = jax.lax.slice_in_dim(padded, 1, None, 2, axis) == maxima
    first = jnp.where(is_first, g, 0)
    second = jnp.where(~is_first & is_second, g, 0)
    third = jnp.where(is_first | is_second, 0, g)
    of_window_before = jax.lax.slice_in_dim(third, 0, windows - 1, axis=axis)
    even = first + _pad(of_window_before, axis, 1)
    both = jnp.stack([even, second], axis + 1)
    shape = (*x.shape[:axis], 2 * windows, *x.shape[axis + 1 :])
    return jax.lax.slice_in_dim(both.reshape(shape), before, None, axis=axis)


def _pad(x: jax.Array, axis: int, before: int, value: float = 0.0) -> jax.Array:
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, 0)
    return jnp.pad(x, widths, constant_values=value)
