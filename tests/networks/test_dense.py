"""Layers without a mixture: numbers, and those of dopamine's `labs/moes`."""

import pathlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import NetworkConfig, check_part, make_network
from acme_moe.networks.dense import GlobalAveragePool, simplicial
from acme_moe.networks.describe import totals
from acme_moe.networks.interfaces import DenseSpec
from acme_moe.networks.parts import DENSES
from tests.reference_networks import dense_params, encoder_params

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "lab_moe_types.npz"
SIZES = {
    "encoder": "nature_cnn",
    "moe": "none",
    "num_experts": 3,
    "expert_width": 5,
}
# What of dopamine's `MoEType` is no mixture; `test_reference.py` has the mixtures.
MOE_TYPES = {
    "BASELINE": "flatten",
    "EXPERTCHOICE": "flatten",
    "SIMPLICIAL_EMBEDDING_V1": "simplicial_v1",
    "SIMPLICIAL_EMBEDDING_V2": "simplicial_v2",
}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 24, 16, 1)).astype(np.uint8)


def network_of(**settings):
    return make_network(NetworkConfig(**{**SIZES, **settings}), 4)


def applied(dense, **settings):
    """Features before the layer, its parameters, and its hidden units."""
    network = network_of(dense=dense, **settings)
    params = jax.jit(network.init)(jax.random.key(0), IMAGES)
    output = jax.jit(partial(network.apply, evaluation=True))(params, None, IMAGES)
    np.testing.assert_array_equal(output.activations["penultimate"], output.features)
    features = np.asarray(output.activations["conv_2"], np.float64)
    return features, jax.tree.map(np.asarray, params["dense"]), output.features


def dense_relu(x, params):
    return np.maximum(x @ params["w"] + params["b"], 0)


@pytest.mark.parametrize("moe_type", MOE_TYPES)
def test_equals_dopamines_lab(moe_type):
    with np.load(GOLDEN) as file:
        arrays = dict(file)
    own = {**arrays, **of_type(arrays, moe_type)}
    params = {
        **encoder_params(arrays),
        "dense": dense_params(own, "params/Dense_0"),
        "head/value": dense_params(own, "params/Dense_1"),
    }
    network = network_of(dense=MOE_TYPES[moe_type])
    output = network.apply(params, None, arrays["images"], evaluation=True)
    hidden, q_values = (arrays[f"{moe_type}/{x}"] for x in ("hidden", "q_values"))
    np.testing.assert_allclose(output.features, hidden, atol=1e-5)
    np.testing.assert_allclose(output.q_values, q_values, atol=1e-5)
    assert np.ptp(hidden) > 1e-3


def of_type(arrays, moe_type):
    prefix = f"{moe_type}/"
    return {k.removeprefix(prefix): v for k, v in arrays.items() if prefix in k}


def test_gap_is_the_mean_over_positions():
    features, params, hidden = applied("gap")
    expected = dense_relu(features.mean(axis=(1, 2)), params)
    np.testing.assert_allclose(hidden, expected, atol=1e-5)
    assert params["w"].shape == (64, 5)
    assert np.any(expected > 0)


@pytest.mark.parametrize("tokenizer", ["per_conv", "per_feat"])
@pytest.mark.parametrize("dense", ["token_sum", "token_mean"])
def test_tokens_pass_one_layer_each(dense, tokenizer):
    features, params, hidden = applied(dense, tokenizer=tokenizer)
    tokens = features.reshape(2, -1, 64)
    if tokenizer == "per_feat":
        tokens = tokens.swapaxes(1, 2)
    each = np.stack(
        [dense_relu(tokens[:, i], params) for i in range(tokens.shape[1])], axis=1
    )
    expected = each.sum(axis=1) if dense == "token_sum" else each.mean(axis=1)
    np.testing.assert_allclose(hidden, expected, rtol=1e-4, atol=1e-5)


def test_the_mean_of_one_token_is_the_flat_layer():
    one = applied("token_mean", tokenizer="per_samp")
    flat = applied("flatten")
    np.testing.assert_allclose(one[2], flat[2], atol=1e-6)


def test_pooled_features_have_no_place():
    """Shifted content within a map leaves the means, and so the output, as they are."""
    features = jax.random.uniform(jax.random.key(0), (2, 4, 4, 64))

    def same(units, name):
        return lambda x: x

    spec = DenseSpec(64, 1, same, lambda x: x)
    pooled, rolled = (
        GlobalAveragePool()(x, spec) for x in (features, jnp.roll(features, 1, axis=2))
    )
    np.testing.assert_allclose(pooled, rolled, rtol=1e-6)


def test_simplices_sum_to_one_and_sharpen_as_it_cools():
    _, _, warm = applied("simplicial_v2", simplicial_temperature=1.0)
    _, _, cold = applied("simplicial_v2", simplicial_temperature=0.01)
    for hidden in (warm, cold):
        np.testing.assert_allclose(hidden.reshape(2, 3, 5).sum(-1), 1, rtol=1e-5)
    assert cold.max(initial=0) > warm.max(initial=0)


def test_a_softmax_is_computed_in_float32():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 64)), jnp.bfloat16)
    found = simplicial(x, 0.3, axis=1)
    assert found.dtype == jnp.bfloat16
    precise = jax.nn.softmax(np.asarray(x, np.float32) / 0.3, axis=1)
    np.testing.assert_array_equal(found, precise.astype(jnp.bfloat16))


def test_widening_widens_each_but_the_groups():
    frame = jax.ShapeDtypeStruct((24, 16, 1), jnp.uint8)
    for dense in set(DENSES) - {"simplicial_v2"}:
        narrow, wide = (
            totals(network_of(dense=dense, widen_dense=widen), frame)[0]
            for widen in (False, True)
        )
        assert wide > narrow


# Noise is in the layer that all have, of one vector or of each token.
NOISY = [("flatten", True), ("token_mean", True)]


@pytest.mark.parametrize(("dense", "noisy"), [*((x, False) for x in DENSES), *NOISY])
def test_the_checker_finds_nothing_wrong(dense, noisy, monkeypatch):
    monkeypatch.setattr(check_part, "_cost", lambda bench: "")
    config = NetworkConfig(**SIZES, dense=dense, noisy=noisy)
    found = list(check_part.check("dense", dense, config, (24, 24, 2)))
    assert not [x for x in found if x.outcome == "FAILED"], found
    assert found[-2].detail == "yes"
