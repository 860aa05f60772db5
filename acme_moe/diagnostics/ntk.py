"""The empirical neural tangent kernel of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def empirical_ntk(
    function: Callable[[Any, Any], jax.Array],
    params: Any,
    examples: Any,
    *,
    max_bytes: int = 2**29,
) -> jax.Array:
    """Computes the dot products of the gradients of all pairs of examples.

    `K[i, j] = <grad f(x_i), grad f(x_j)>`, with gradients with respect to all
    parameters: the matrix of section 4.3 of the MoE paper. For an output of the network
    it is the tangent kernel of Jacot et al. (2018). For a loss, whose gradient is the
    output's times the error, each row and column has its example's error as a factor.

    The gradients of all examples are computed at once if they take no more than
    `max_bytes`. Otherwise the kernel is computed block by block: the gradients of two
    blocks of examples are in memory, and those of a block are recomputed for each later
    block.

    Args:
      function: `(params, example) -> f(example)`, a scalar.
      params: nest of parameters.
      examples: nest of `[N, ...]`.
      max_bytes: memory for gradients; those of two examples are held, however large.

    Returns:
      `[N, N]` float32.
    """
    num_examples = jax.tree.leaves(examples)[0].shape[0]
    gradient_bytes = 4 * sum(math.prod(x.shape) for x in jax.tree.leaves(params))
    size = block_size(num_examples, gradient_bytes, max_bytes)
    gradient = jax.grad(function)

    def gradients(block: Any) -> Any:
        return jax.vmap(gradient, in_axes=(None, 0))(params, block)

    if size == num_examples:
        rows = gradients(examples)
        return _dot_products(rows, rows)
    num_blocks = num_examples // size
    blocks = jax.tree.map(
        lambda x: jnp.asarray(x).reshape(num_blocks, size, *x.shape[1:]), examples
    )

    def block_row(i: jax.Array, kernel: jax.Array) -> jax.Array:
        rows = gradients(jax.tree.map(lambda x: x[i], blocks))

        def block(j: jax.Array, kernel: jax.Array) -> jax.Array:
            products = _dot_products(
                rows, gradients(jax.tree.map(lambda x: x[j], blocks))
            )
            return kernel.at[i, j].set(products).at[j, i].set(products.T)

        kernel = kernel.at[i, i].set(_dot_products(rows, rows))
        return jax.lax.fori_loop(0, i, block, kernel)

    kernel = jnp.zeros((num_blocks, num_blocks, size, size), jnp.float32)
    kernel = jax.lax.fori_loop(0, num_blocks, block_row, kernel)
    return kernel.swapaxes(1, 2).reshape(num_examples, num_examples)


def block_size(num_examples: int, gradient_bytes: int, max_bytes: int) -> int:
    """Returns how many examples' gradients to hold at once, a divisor of their number.

    This is all examples if their gradients fit in `max_bytes`, otherwise as many as fit
    twice, since a block of the kernel needs two blocks of examples; at least one.
    """
    if num_examples * gradient_bytes <= max_bytes:
        return num_examples
    fit = max(1, max_bytes // (2 * gradient_bytes))
    sizes = range(1, num_examples + 1)
    return max(n for n in sizes if num_examples % n == 0 and n <= fit)


def _dot_products(left: Any, right: Any) -> jax.Array:
    """Computes dot products `[n, m]` of all rows of nests `[n, ...]` and `[m, ...]`."""

    def of_leaf(x: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.matmul(
            x.reshape(x.shape[0], -1),
            y.reshape(y.shape[0], -1).T,
            # A GPU would round to ten bits, too coarse for small singular values.
            precision=jax.lax.Precision.HIGHEST,
        )

    products = jax.tree.map(of_leaf, left, right)
    return jax.tree.reduce(jnp.add, products)
