"""Affine maps whose gradients are matrix products that XLA:CPU computes fast."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

# With fewer outputs, or in other types than float32, XLA:CPU (of JAX 0.6.2) may take
# the experts' products in a form that it cannot transpose, and aborts.
_FEWEST = 4
# With this many times more inputs and outputs than rows, reading the weights is most of
# the work. With fewer, transposing the rows takes as long as it saves, or longer.
_MANY = 4


@jax.custom_vjp
def matmul(rows: jax.Array, w: jax.Array) -> jax.Array:
    """Computes `rows @ w`; there is no forward-mode derivative.

    Args:
      rows: `[R, i]`, or `[E, R, i]` with experts.
      w: `[i, o]`, or `[E, i, o]`.

    Returns:
      `[R, o]`, or `[E, R, o]`.
    """
    return rows @ w


def _matmul_forward(
    rows: jax.Array, w: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return matmul(rows, w), (rows, w)


def _matmul_backward(
    residuals: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array]:
    rows, w = residuals
    of_rows, of_weights = _rows_gradient, _weights_gradient
    if w.dtype == jnp.float32 and min(w.shape[-2:]) >= _MANY * rows.shape[-2]:
        of_rows = _only_on_cpu(_transposed_rows_gradient, of_rows)
    if rows.dtype == jnp.float32 and _FEWEST <= g.shape[-1] < min(rows.shape[-2:]):
        of_weights = _only_on_cpu(_transposed_weights_gradient, of_weights)
    return of_rows(g, w), of_weights(rows, g)


matmul.defvjp(_matmul_forward, _matmul_backward)


def _only_on_cpu(
    form: Callable[..., jax.Array], otherwise: Callable[..., jax.Array]
) -> Callable[..., jax.Array]:
    return functools.partial(jax.lax.platform_dependent, cpu=form, default=otherwise)


def _rows_gradient(g: jax.Array, w: jax.Array) -> jax.Array:
    return g @ jnp.matrix_transpose(w)


def _transposed_rows_gradient(g: jax.Array, w: jax.Array) -> jax.Array:
    # With large weights second and transposed, XLA:CPU takes up to 20 times as long.
    # The barriers keep it from turning this form back into that one.
    columns = jax.lax.optimization_barrier(jnp.matrix_transpose(g))
    return jnp.matrix_transpose(jax.lax.optimization_barrier(w @ columns))


def _weights_gradient(rows: jax.Array, g: jax.Array) -> jax.Array:
    # JAX's own form has the gradient transposed, which XLA then copies.
    return jnp.matrix_transpose(rows) @ g


def _transposed_weights_gradient(rows: jax.Array, g: jax.Array) -> jax.Array:
    # With few columns, XLA:CPU computes the transpose several times as fast. Without
    # the barrier it would turn this form back into the plain one.
    transposed = jax.lax.optimization_barrier(jnp.matrix_transpose(g) @ rows)
    return jnp.matrix_transpose(transposed)


def add_bias(rows: jax.Array, b: jax.Array) -> jax.Array:
    """Adds a bias to many rows, as a product with ones.

    Args:
      rows: `[R, o]`, or `[E, R, o]` with experts.
      b: `[o]`, or `[E, o]`.

    Returns:
      The shape of `rows`.
    """
    ones = jnp.ones((*rows.shape[:-1], 1), rows.dtype)
    return rows + ones @ b[..., None, :]


def experts_affine(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
    """Applies each expert's affine map, with examples and slots as one axis.

    There is no forward-mode derivative.

    Args:
      x: `[E, B, S, i]`.
      w: `[E, i, o]`.
      b: `[E, o]`.

    Returns:
      `[E, B, S, o]`.
    """
    rows = x.reshape(x.shape[0], -1, x.shape[-1])
    return add_bias(matmul(rows, w), b).reshape(*x.shape[:-1], w.shape[-1])
