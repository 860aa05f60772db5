"""Parts from outside: settings that name them, and networks made of them."""

import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import (
    NetworkConfig,
    describe,
    make_network,
    make_recurrent_network,
)

HERE = "tests.outside_parts"
SMALL = {"encoder": "nature_cnn", "num_experts": 2, "expert_width": 4}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 2), np.uint8)


def scaled(**options):
    return NetworkConfig(moe=f"{HERE}:Scaled", moe_options=options, **SMALL)


def values(config, observations=IMAGES):
    network = make_network(config, 3)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), observations)
    apply = jax.jit(network.apply, static_argnums=3)
    return apply(params, None, observations, True), params


def test_options_are_completed_and_hashed():
    config = scaled(widths=[2, 3])
    assert config.moe_options == {"factor": 1.0, "widths": (2, 3), "bias": False}
    assert config == scaled(widths=(2, 3), factor=1.0)
    assert hash(config) == hash(scaled(widths=(2, 3), factor=1.0))
    assert config != scaled(widths=(2, 3), factor=2.0)
    assert pickle.loads(pickle.dumps(config)) == config
    assert dataclasses.replace(config, num_experts=4).moe_options == config.moe_options
    with pytest.raises(TypeError):
        config.moe_options["factor"] = 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facter": 1.0}, r"facter: is not an option; did you mean factor\?"),
        ({"factor": "x"}, "factor: 'x' is not accepted; float"),
        ({"factor": True}, "factor: True is not accepted; float"),
        ({"bias": 1}, "bias: 1 is not accepted; bool"),
        ({"factor": -1.0}, "factor: -1.0 is not accepted; at least 0"),
        ({"area": 3}, "area: is not an option"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=rf"^moe_options\.{message}"):
        scaled(**options)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"moe": f"{HERE}:NotFrozen"}, r"moe: .* a frozen dataclass whose instances"),
        ({"moe": f"{HERE}:HERE"}, "moe: .* has no 'HERE'"),
        (
            {"moe": "soft", "moe_options": {"k": 1}},
            r"moe_options\.k: .* of 'soft'; the",
        ),
        (
            {"moe": f"{HERE}:Scaled", "moe_options": {"widths": 3}},
            r"moe_options\.widths: 3 is not accepted; tuple\[int, \.\.\.\]",
        ),
        (
            {"moe": f"{HERE}:Summed", "moe_options": {"rows": 3}},
            "moe_options: 'int' object is not iterable",
        ),
        ({"moe_options": 3}, "moe_options: 3 is not accepted; a mapping"),
        (
            {"tokenizer": f"{HERE}:Required"},
            r"tokenizer_options\.size: is missing; int",
        ),
        (
            {"head": f"{HERE}:tanh_head", "head_options": {"a": 1}},
            r"head_options\.a: is",
        ),
        ({"moe": f"{HERE}:Scaled", "phi": "fixed"}, "phi: 'fixed' .* with moe 'tests"),
        ({"encoder": f"{HERE}:vectors"}, "tokenizer: .* 'per_samp' with encoder"),
    ],
)
def test_what_does_not_fit_is_named(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        NetworkConfig(**settings)


def test_the_mixture_has_its_options():
    one, params = values(scaled())
    nothing, _ = values(scaled(factor=0.0))
    soft, soft_params = values(NetworkConfig(moe="soft", **SMALL))
    assert one.features.shape == soft.features.shape
    assert np.any(one.features)
    assert not np.any(nothing.features)
    assert jax.tree.structure(soft_params) != jax.tree.structure(params)
    assert {name.split("/")[0] for name in params} == {"encoder", "moe", "head"}


def test_every_part_may_be_from_outside():
    config = NetworkConfig(
        encoder=f"{HERE}:pooled",
        tokenizer=f"{HERE}:Required",
        tokenizer_options={"size": 8},
        moe=f"{HERE}:Scaled",
        head=f"{HERE}:tanh_head",
        num_atoms=5,
        num_experts=2,
        expert_width=4,
    )
    output, _ = values(config)
    assert output.logits.shape == (2, 3, 5)
    assert np.abs(output.logits).max() <= 1
    assert output.moe.load.shape == (2, 2)
    assert set(output.activations) == {"conv", "penultimate"}
    text = describe(make_network(config, 3), IMAGES[0])
    assert f"{HERE}:pooled -> {HERE}:Required(size=8) -> {HERE}:Scaled(factor" in text


def test_an_encoder_of_vectors_takes_any_nest():
    config = NetworkConfig(encoder=f"{HERE}:vectors", moe="none", expert_width=4)
    nest = {"a": np.ones((2, 3), np.float32), "b": np.ones((2, 2, 2), np.float32)}
    output, _ = values(config, nest)
    assert output.activations["dense"].shape == (2, 8)


def tokens_alone(tokens, experts):
    return tokens


def of_a_vector(x, kinds):
    return kinds.dense(8)(x), {}


of_a_vector.takes = "vector"


def test_a_mixture_that_returns_something_else_is_named():
    config = NetworkConfig(moe=f"{__name__}:tokens_alone", **SMALL)
    with pytest.raises(ValueError, match=r":tokens_alone' returns .*; a Mixed is acc"):
        values(config)


def test_an_encoder_says_that_it_takes_images_or_vectors():
    with pytest.raises(ValueError, match="takes 'vector'; 'images' or 'vectors' is"):
        values(NetworkConfig(encoder=f"{__name__}:of_a_vector", moe="none"))


def test_a_recurrent_network_has_them_too():
    config = dataclasses.replace(scaled(), head=f"{HERE}:tanh_head", dueling=True)
    network = make_recurrent_network(config, 3, lstm_size=5)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), IMAGES)
    apply = jax.jit(network.apply, static_argnums=4)
    output, _ = apply(params, None, IMAGES, network.initial_state(2), True)
    assert output.features.shape == (2, 5)
    assert jnp.abs(output.q_values).max() <= 1


@pytest.mark.parametrize("settings", [{"moe": "none"}, {"variant": "all"}])
def test_an_encoders_layers_take_padding_and_need_no_name(settings):
    small = {**SMALL, "encoder": f"{HERE}:unpadded", "tokenizer": "per_samp"}
    config = NetworkConfig(**{**small, **settings})
    params = jax.eval_shape(make_network(config, 3).init, jax.random.key(0), IMAGES)
    # Of 16 x 16 pixels the two leave 12 x 12.
    assert params["encoder/dense"]["w"].shape[-2:] == (12 * 12 * 3, 5)
    assert {"encoder/conv", "encoder/conv_1"} <= params.keys()


def test_one_expert_of_unpadded_convolutions_is_the_plain_network():
    encoder = {**SMALL, "encoder": f"{HERE}:unpadded", "num_experts": 1}
    plain = NetworkConfig(moe="none", tokenizer="per_samp", **encoder)
    mixed = dataclasses.replace(plain, moe="soft", variant="all")
    output, params = values(mixed)
    of_expert = {
        name: {key: x[0] for key, x in layer.items()}
        for name, layer in params.items()
        if "routing" not in name
    }
    apply = jax.jit(make_network(plain, 3).apply, static_argnums=3)
    expected = apply(of_expert, None, IMAGES, True).q_values
    np.testing.assert_allclose(output.q_values, expected, atol=1e-6)


def test_normalised_layers_need_no_name():
    config = NetworkConfig(
        **{**SMALL, "encoder": f"{HERE}:unpadded"},
        tokenizer="per_samp",
        moe="none",
        layer_norm=True,
    )
    params = jax.eval_shape(make_network(config, 3).init, jax.random.key(0), IMAGES)
    norms = {name for name in params if "_norm" in name and name.startswith("encoder/")}
    assert len(norms) == 3
