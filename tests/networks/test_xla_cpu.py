"""Values and gradients are those of the plain operations, ties included."""

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


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    hnp.arrays(
        np.float32,
        st.tuples(st.just(2), st.integers(1, 8), st.integers(1, 8), st.just(2)),
        elements=st.integers(-2, 2).map(float),
    ),
    st.integers(0, 99),
)
def test_values_and_gradients_are_those_of_a_reduced_window(x, seed):
    expected, expected_gradient = jax.vjp(by_window, x)
    value, gradient = jax.vjp(max_pool, x)
    np.testing.assert_array_equal(value, expected)
    g = np.random.default_rng(seed).normal(size=value.shape).astype(np.float32)
    np.testing.assert_allclose(gradient(g)[0], expected_gradient(g)[0], atol=1e-6)


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
