"""Convolutions of few channels, which are slow in XLA:CPU."""

from __future__ import annotations

import jax
import jax.numpy as jnp

_WIDTH = 2
# With more of them XLA:CPU's own convolution is faster than that of pairs.
_MAX_CHANNELS_IN_PAIRS = 12


def convolve(x: jax.Array, w: jax.Array, stride: int, padding: str) -> jax.Array:
    """Convolves images; accelerators take XLA's own operation.

    Args:
      x: `[B, H, W, i]`.
      w: `[h, w, i, o]`.
      stride: along height and width.
      padding: `SAME` or `VALID`.

    Returns:
      `[B, H/stride, W/stride, o]`, rounded up, with `SAME`; less with `VALID`.
    """
    if _keeps_size(w, stride, padding) and _is_paired(x):
        return _convolve_few_channels(x, w)
    return _plain(x, w, stride, padding)


@jax.custom_vjp
def _convolve_few_channels(x: jax.Array, w: jax.Array) -> jax.Array:
    """Convolves with `SAME` padding; there is no forward-mode derivative."""
    return jax.lax.platform_dependent(x, w, cpu=_convolve_pairs, default=_plain)


def _forward(
    x: jax.Array, w: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve_few_channels(x, w), (x, w)


def _backward(
    residuals: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # The gradients of pairs would take longer than these.
    _, pullback = jax.vjp(_plain, *residuals)
    return pullback(g)


_convolve_few_channels.defvjp(_forward, _backward)


def _plain(
    x: jax.Array, w: jax.Array, stride: int = 1, padding: str = "SAME"
) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _keeps_size(w: jax.Array, stride: int, padding: str) -> bool:
    """Returns whether images keep their size, with as much padding on both sides."""
    height, width = w.shape[:2]
    return stride == 1 and padding == "SAME" and height == width and height % 2 == 1


def _is_paired(x: jax.Array) -> bool:
    return x.shape[_WIDTH] % 2 == 0 and x.shape[-1] <= _MAX_CHANNELS_IN_PAIRS


def _convolve_pairs(x: jax.Array, w: jax.Array) -> jax.Array:
    """Convolves few channels, with two neighbours along the width as one pixel.

    With 3x3 filters that is a third more products, of twice as many inputs and outputs.

    Args:
      x: `[B, H, W, i]` of even width.
      w: `[k, k, i, o]`, k odd.

    Returns:
      `[B, H, W, o]`.
    """
    batch, height, width, inputs = x.shape
    size, outputs = w.shape[0], w.shape[-1]
    edge = size // 2
    padded = jnp.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    pairs = padded.reshape(batch, height + 2 * edge, -1, 2 * inputs)
    # The filter of a pair's first pixel ends one pixel before that of its second.
    both = [
        jnp.pad(w, ((0, 0), (second, 1 - second), (0, 0), (0, 0))) for second in (0, 1)
    ]
    filters = jnp.stack(both, axis=-2).reshape(size, edge + 1, 2 * inputs, -1)
    return _plain(pairs, filters, 1, "VALID").reshape(batch, height, width, outputs)
