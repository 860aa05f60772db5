"""Spectral and layer normalisation, and pooling to a grid, against plain numpy."""

import dataclasses

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import NetworkConfig, encoders, layers, make_network

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 2)).astype(np.uint8)
spectral_norm = jax.jit(layers.spectral_norm, static_argnums=1)
IMPALA = NetworkConfig(impala_width=0.25, moe="none", expert_width=8)


@pytest.mark.parametrize("shape", [(36, 4), (144, 16), (5, 8)])
def test_the_spectral_norm_is_the_largest_singular_value(shape):
    w = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    w[:, 0] *= 3
    largest = np.linalg.svd(w, compute_uv=False)[0]
    np.testing.assert_allclose(spectral_norm(w), largest, rtol=0.02)
    np.testing.assert_allclose(spectral_norm(w, 200), largest, rtol=1e-5)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_found_where_no_direction_stands_out(seed, dtype):
    """The kernels of Impala's blocks as they are drawn."""
    w = np.random.default_rng(seed).normal(size=(288, 32))
    w = jnp.asarray(w, dtype)
    largest = np.linalg.svd(np.asarray(w, np.float64), compute_uv=False)[0]
    norm = spectral_norm(w)
    assert norm.dtype == dtype
    np.testing.assert_allclose(float(norm), largest, rtol=0.02)


def test_its_gradient_passes_through_the_matrix_alone():
    w = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    gradient = jax.grad(lambda x: spectral_norm(x, 200))(w)
    u, _, v = np.linalg.svd(w)
    np.testing.assert_allclose(gradient, np.outer(u[:, 0], v[0]), atol=1e-4)
    zeros = jax.grad(spectral_norm)(jnp.zeros((6, 4)))
    assert np.isfinite(zeros).all()


def test_only_residual_blocks_are_normalised_and_scaling_them_changes_nothing():
    plain = make_network(IMPALA, 3)
    config = dataclasses.replace(IMPALA, impala_spectral_norm=True)
    network = make_network(config, 3)
    params = jax.jit(network.init)(jax.random.key(0), IMAGES)
    assert jax.tree.structure(params) == jax.tree.structure(
        jax.eval_shape(plain.init, jax.random.key(0), IMAGES)
    )
    values = jax.jit(lambda params: network.apply(params, None, IMAGES, True).q_values)
    before = values(params)

    def scaled(part):
        return {
            name: {**layer, "w": 2 * layer["w"]} if part in name else layer
            for name, layer in params.items()
        }

    blocks = values(scaled("_block_"))
    np.testing.assert_allclose(blocks, before, atol=1e-6)
    others = values(scaled("stack_0_conv"))
    assert np.abs(others - before).max() > 1e-3


@pytest.mark.parametrize(("length", "size"), [(11, 6), (12, 6), (6, 6), (5, 2), (3, 4)])
def test_pooling_to_a_grid(length, size):
    images = np.random.default_rng(2).normal(size=(2, length, length + 1, 3))
    pooled = encoders.adaptive_max_pool(jnp.asarray(images), size)
    assert pooled.shape == (2, size, size, 3)
    for i in range(size):
        for j in range(size):
            rows = slice(i * length // size, -(-(i + 1) * length // size))
            columns = slice(
                j * (length + 1) // size, -(-(j + 1) * (length + 1) // size)
            )
            np.testing.assert_allclose(
                pooled[:, i, j], images[:, rows, columns].max(axis=(1, 2)), rtol=1e-6
            )


def test_btrs_pooling_gives_36_tokens():
    config = dataclasses.replace(IMPALA, impala_max_pool=6, moe="soft", num_experts=2)
    images = np.zeros((1, 84, 84, 4), np.uint8)
    network = make_network(config, 3)
    shapes = jax.eval_shape(network.init, jax.random.key(0), images)
    output = jax.eval_shape(network.apply, shapes, jax.random.key(0), images)
    assert output.moe.dispatch_weights.shape[1] == 36


def test_a_layer_norm_has_mean_zero_and_variance_one_before_its_scale():
    layer = hk.transform(lambda x: layers.LayerNorm()(x))
    x = np.random.default_rng(3).normal(2.0, 3.0, size=(4, 5, 16)).astype(np.float32)
    params = layer.init(None, x)
    y = layer.apply(params, None, x)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=-1), 1, atol=1e-3)
    assert np.isfinite(layer.apply(params, None, np.zeros_like(x))).all()


@pytest.mark.parametrize("size", [16, 64, 512])
def test_a_layer_norm_of_entries_that_are_all_alike_is_finite(size):
    """Rounding makes the mean square of some less than the square of the mean."""
    layer = hk.transform(lambda x: layers.LayerNorm()(x))
    values = np.linspace(3.0, 30.0, 1000, dtype=np.float32)
    x = np.repeat(values[:, None], size, axis=1)
    params = layer.init(None, x)
    apply = jax.jit(lambda x: layer.apply(params, None, x))
    np.testing.assert_allclose(apply(x), 0.0, atol=0.05)
    gradient = jax.grad(lambda x: jnp.sum(jnp.square(apply(x) - 1.0)))(x)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("encoder", ["nature_cnn", "impala", "minatar_cnn"])
@pytest.mark.parametrize("moe", ["none", "soft"])
def test_layer_norm_follows_each_layer_before_the_head(encoder, moe):
    config = NetworkConfig(
        encoder=encoder,
        impala_width=0.25,
        moe=moe,
        num_experts=2,
        expert_width=8,
        layer_norm=True,
    )
    network = make_network(config, 3)
    params = jax.eval_shape(network.init, jax.random.key(0), IMAGES)
    norms = {name.removesuffix("_norm") for name in params if name.endswith("_norm")}
    layers_of = {
        name for name in params if name.startswith("encoder/") and "_norm" not in name
    }
    if moe == "none":
        layers_of.add("dense")
    assert norms == layers_of


def test_where_there_is_none_of_it():
    with pytest.raises(ValueError, match=r"layer_norm: True is not accepted; False"):
        NetworkConfig(encoder="hadamax", layer_norm=True)
    for field in ("layer_norm", "impala_spectral_norm"):
        with pytest.raises(ValueError, match=f"^{field}: True is not accepted; False"):
            NetworkConfig(variant="all", tokenizer="per_samp", **{field: True})
