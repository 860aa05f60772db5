"""The empirical NTK of functions whose gradients are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import diagnostics
from acme_moe.diagnostics.ntk import block_size
from tests.learning import tiny


def linear(params, x):
    """Its gradient by the parameters is the example itself, in two leaves."""
    return jnp.dot(params["a"], x[:2]) + jnp.sum(params["b"] * x[2:].reshape(2, 2))


PARAMS = {"a": jnp.ones(2), "b": jnp.ones((2, 2))}
GRADIENT_BYTES = 4 * 6


@jax.jit
def rank(examples):
    kernel = diagnostics.empirical_ntk(linear, PARAMS, examples)
    return diagnostics.numerical_rank(kernel, 1e-3)


def test_the_kernel_of_a_linear_function_is_the_gram_matrix_of_its_inputs():
    x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    kernel = diagnostics.empirical_ntk(linear, PARAMS, x)
    np.testing.assert_allclose(kernel, x @ x.T, rtol=1e-5, atol=1e-5)


def test_the_rank_is_that_of_the_gradients():
    rng = np.random.default_rng(0)
    assert rank(np.eye(6, dtype=np.float32)) == 6
    assert rank(np.tile(rng.normal(size=6), (5, 1)).astype(np.float32)) == 1
    spanned = rng.normal(size=(9, 2)) @ rng.normal(size=(2, 6))
    assert rank(spanned.astype(np.float32)) == 2
    assert rank(np.zeros((3, 6), np.float32)) == 0


@pytest.mark.parametrize("held", [1, 2, 4, 8])
def test_less_memory_gives_the_same_kernel(held):
    x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    kernel = jax.jit(
        lambda x: diagnostics.empirical_ntk(
            linear, PARAMS, x, max_bytes=held * GRADIENT_BYTES
        )
    )(x)
    np.testing.assert_allclose(kernel, x @ x.T, rtol=1e-5, atol=1e-5)


def test_a_block_is_as_large_as_memory_allows():
    assert block_size(32, 100, 3200) == 32
    assert block_size(32, 100, 3199) == 8  # Two of 16 would need 3200.
    assert block_size(32, 100, 1600) == 8
    assert block_size(32, 100, 1599) == 4
    assert block_size(32, 100, 1) == 1
    assert block_size(7, 100, 699) == 1
    assert block_size(1, 100, 50) == 1


def test_it_is_the_kernel_of_a_network():
    network, batch = tiny.NETWORK, tiny.batch(8)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), batch.observation)

    def value(params, observation):
        return network.apply(params, None, observation[None]).q_values[0, 1]

    jacobian = jax.jit(jax.vmap(jax.grad(value), (None, 0)))(params, batch.observation)
    jacobian = jax.tree.map(np.asarray, jacobian)
    rows = np.concatenate([x.reshape(8, -1) for x in jax.tree.leaves(jacobian)], axis=1)
    for max_bytes in (2**29, 1):
        kernel = jax.jit(
            lambda params, x, max_bytes=max_bytes: diagnostics.empirical_ntk(
                value, params, x, max_bytes=max_bytes
            )
        )(params, batch.observation)
        np.testing.assert_allclose(kernel, rows @ rows.T, rtol=1e-4, atol=1e-6)
