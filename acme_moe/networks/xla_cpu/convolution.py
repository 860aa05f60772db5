"""Convolutions with matrix products for what XLA:CPU convolves slowly."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

_HEIGHT, _WIDTH = 1, 2
# With more of them XLA:CPU's own convolution is faster than that of pairs.
_MAX_CHANNELS_IN_PAIRS = 12


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(x: jax.Array, w: jax.Array, stride: int, padding: str) -> jax.Array:
    """Convolves images; accelerators take XLA's own operations.

    There is no forward-mode derivative.

    Args:
      x: `[B, H, W, i]`.
      w: `[h, w, i, o]`.
      stride: along height and width.
      padding: `SAME` or `VALID`.

    Returns:
      `[B, H/stride, W/stride, o]`.
    """
    plain = functools.partial(_plain, stride=stride, padding=padding)
    if not (_keeps_size(w, stride, padding) and _is_paired(x)):
        return plain(x, w)
    return jax.lax.platform_dependent(x, w, cpu=_convolve_pairs, default=plain)


def _convolve_forward(
    x: jax.Array, w: jax.Array, stride: int, padding: str
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return convolve(x, w, stride, padding), (x, w)


def _convolve_backward(
    stride: int, padding: str, residuals: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, w = residuals
    plain = functools.partial(_plain, stride=stride, padding=padding)
    (to_x,) = jax.linear_transpose(lambda x: plain(x, w), x)(g)

    def plain_filter_gradient(x: jax.Array, g: jax.Array) -> jax.Array:
        (to_w,) = jax.linear_transpose(lambda w: plain(x, w), w)(g)
        return to_w

    if not _keeps_size(w, stride, padding):
        return to_x, plain_filter_gradient(x, g)
    product = functools.partial(_filter_gradient, size=w.shape[0])
    to_w = jax.lax.platform_dependent(x, g, cpu=product, default=plain_filter_gradient)
    return to_x, to_w


convolve.defvjp(_convolve_forward, _convolve_backward)


def _plain(x: jax.Array, w: jax.Array, stride: int, padding: str) -> jax.Array:
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

    A third more products (with 3x3), of twice the inputs and outputs.

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
    both = [_pad(w, 1, (second, 1 - second)) for second in (0, 1)]
    filters = jnp.stack(both, axis=-2).reshape(size, edge + 1, 2 * inputs, -1)
    return _plain(pairs, filters, 1, "VALID").reshape(batch, height, width, outputs)


def _filter_gradient(x: jax.Array, g: jax.Array, size: int) -> jax.Array:
    """Computes the gradient with respect to the filters, as one matrix product.

    The entry of an offset is a sum of products of pixels that far apart. The width's
    share of the offset is put on the inputs and the height's on the outputs: each side
    has `size` times its channels, and no term is computed twice.

    Args:
      x: the inputs, `[B, H, W, i]`.
      g: the gradient with respect to the outputs, `[B, H, W, o]`.
      size: of the filters.

    Returns:
      `[size, size, i, o]`.
    """
    edge = size // 2
    inputs = _shifted(x, _WIDTH, range(-edge, edge + 1))
    # Behind a barrier, or what computes it is repeated for each of the neighbours.
    g = jax.lax.optimization_barrier(g)
    outputs = _shifted(g, _HEIGHT, range(edge, -edge - 1, -1))
    product = inputs.T @ outputs
    by_offset = product.reshape(size, x.shape[-1], size, g.shape[-1])
    return by_offset.transpose(2, 0, 1, 3)


def _shifted(x: jax.Array, axis: int, offsets: range) -> jax.Array:
    """Puts each pixel's neighbours side by side, zeros beyond the border.

    Args:
      x: `[B, H, W, C]`.
      axis: the axis that the neighbours lie along.
      offsets: where they lie.

    Returns:
      `[B * H * W, len(offsets) * C]`.
    """
    neighbours = [_pad(x, axis, (-offset, offset)) for offset in offsets]
    return jnp.concatenate(neighbours, -1).reshape(-1, len(offsets) * x.shape[-1])


def _pad(x: jax.Array, axis: int, widths: tuple[int, int]) -> jax.Array:
    """Pads one axis with zeros, or cuts it where a width is negative."""
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (*widths, 0)
    return jax.lax.pad(x, jnp.zeros((), x.dtype), config)
