"""Gradients against finite differences, in float64."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from acme_moe.networks.noisy import NoisyDense
from acme_moe.networks.soft_moe import SoftMoE
from acme_moe.networks.top1_moe import Top1MoE
from tests.precision import enable_x64


@pytest.mark.parametrize(
    "layer",
    [
        lambda: SoftMoE(3, 2, 5),
        lambda: SoftMoE(3, 2, 5, normalization=True),
        lambda: SoftMoE(1, 4, 5),
        lambda: Top1MoE(3, 2, 5),
        lambda: Top1MoE(3, 2, 5, noise_stddev=0.1),
        lambda: Top1MoE(4, 1, 5),
    ],
    ids=["soft", "soft_normalized", "soft_one", "top1", "top1_noisy", "top1_drops"],
)
def test_mixture(layer):
    with enable_x64(True):
        check(lambda tokens: layer()(tokens).tokens, (2, 7, 4))


def test_noisy_layer():
    with enable_x64(True):
        check(lambda x: NoisyDense(5, evaluation=False)(x), (3, 4))
    assert not jax.config.jax_enable_x64


def check(forward, shape):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=shape))
    transformed = hk.transform(forward)
    params = jax.jit(transformed.init)(jax.random.key(0), x)
    params = jax.tree.map(
        lambda p: jnp.asarray(p + 0.3 * rng.normal(size=p.shape), jnp.float64), params
    )
    output = jax.jit(transformed.apply)(params, jax.random.key(1), x)
    assert output.dtype == jnp.float64
    weights = jnp.asarray(rng.normal(size=output.shape))

    @jax.jit
    def total(params, x):
        return (transformed.apply(params, jax.random.key(1), x) * weights).sum()

    check_grads(total, (params, x), order=1, modes=["rev"], atol=1e-6, rtol=1e-6)
