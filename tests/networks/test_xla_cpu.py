"""Values and gradients are those of the plain operations, ties included."""

import functools

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.networks.xla_cpu import experts_affine, max_pool, relu


def by_window(x):
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"
    )


@functools.partial(jax.jit, static_argnums=0)
def value_and_pullback(pool, x, g):
    value, pullback = jax.vjp(pool, x)
    return value, pullback(g)[0]


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    hnp.arrays(
        np.float32,
        # Few, as each is compiled anew: odd and even, shorter than a window and longer.
        st.sampled_from(
            [(2, *size, 2) for size in ((1, 1), (2, 5), (3, 2), (6, 1), (7, 8))]
        ),
        elements=st.integers(-2, 2).map(float),
    ),
    st.integers(0, 99),
)
def test_values_and_gradients_are_those_of_a_reduced_window(x, seed):
    rows, columns = (-(-length // 2) for length in x.shape[1:3])
    g = np.random.default_rng(seed).normal(size=(2, rows, columns, 2))
    g = g.astype(np.float32)
    expected, expected_gradient = value_and_pullback(by_window, x, g)
    value, gradient = value_and_pullback(max_pool, x, g)
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_relu_is_the_plain_one():
    x = jnp.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(relu(x), jax.nn.relu(x))
    ours = jax.vmap(jax.grad(relu))(x)
    np.testing.assert_array_equal(ours, jax.vmap(jax.grad(jax.nn.relu))(x))


def test_experts_affine_is_the_plain_one():
    def plain(x, w, b):
        return jnp.einsum("ebsi,eio->ebso", x, w) + b[:, None, None]

    rng = np.random.default_rng(0)
    shapes = ((2, 3, 5, 4), (2, 4, 6), (2, 6), (2, 3, 5, 6))
    x, w, b, g = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    value, gradients = jax.vjp(experts_affine, x, w, b)
    expected, expected_gradients = jax.vjp(plain, x, w, b)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-5),
        (value, *gradients(g)),
        (expected, *expected_gradients(g)),
    )
