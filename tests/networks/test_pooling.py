"""Max pooling and its gradient are XLA's own, ties included."""

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.networks.pooling import max_pool


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
