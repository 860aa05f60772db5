"""The composition: what the settings accept runs, and is what it says."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import NetworkConfig, make_network, parts
from acme_moe.networks.settings import VARIANTS

ACTIONS = 3
BATCH = 2
IMAGES = np.random.default_rng(0).integers(0, 256, (BATCH, 12, 12, 2), np.uint8)
SMALL = {"num_experts": 2, "expert_width": 6, "mlp_widths": (5,), "patch_size": 2}
HEADS = ({"dueling": True}, {"num_atoms": 5, "dueling": True, "noisy": True})


# One that gives feature maps and one that gives vectors: what follows an encoder sees
# no other difference.
COMBINED = ("nature_cnn", "mlp")


def accepted_configs():
    """Every accepted combination of tokenizer, mixture and variant with `COMBINED`.

    With the other encoders one of each variant.
    """
    for encoder, moe, tokenizer, variant, normalization in itertools.product(
        parts.ENCODERS,
        parts.MOES,
        parts.TOKENIZERS,
        VARIANTS,
        (False, True),
    ):
        if moe == "none" and tokenizer != "per_conv":
            continue  # Not used, so nothing new.
        if encoder not in COMBINED and (
            moe not in ("none", "soft")
            or (variant == "regular" and tokenizer != "per_conv")
            or normalization
        ):
            continue
        try:
            yield NetworkConfig(
                encoder=encoder,
                moe=moe,
                tokenizer=tokenizer,
                variant=variant,
                normalization=normalization,
                **SMALL,
            )
        except ValueError:
            continue


CONFIGS = list(accepted_configs())


def name(config):
    norm = "norm" if config.normalization else ""
    parts = (config.encoder, config.moe, config.tokenizer, config.variant, norm)
    return "-".join(part for part in parts if part)


@functools.cache
def compiled(config, num_actions=ACTIONS):
    network = make_network(config, num_actions)
    return jax.jit(network.init), jax.jit(network.apply, static_argnums=3)


def test_all_kinds_are_among_the_combinations():
    assert len(CONFIGS) > 40
    for field, known in (
        ("encoder", parts.ENCODERS),
        ("moe", parts.MOES),
        ("tokenizer", parts.TOKENIZERS),
        ("variant", VARIANTS),
    ):
        assert {getattr(config, field) for config in CONFIGS} == set(known)


@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_every_combination_has_the_right_shapes(config):
    for head in HEADS:
        config_with_head = dataclasses.replace(config, **head)
        network = make_network(config_with_head, ACTIONS)
        key = jax.random.key(0)
        params = jax.eval_shape(network.init, key, IMAGES)
        output = jax.eval_shape(network.apply, params, key, IMAGES)
        check_shapes(config_with_head, output)


def check_shapes(config, output):
    assert output.q_values.shape == (BATCH, ACTIONS)
    assert output.q_values.dtype == jnp.float32
    assert output.features.ndim == 2
    if config.num_atoms is None:
        assert output.logits is None
        assert output.atoms is None
    else:
        assert output.logits.shape == (BATCH, ACTIONS, config.num_atoms)
        assert output.atoms.shape == (config.num_atoms,)
    for activation in output.activations.values():
        assert activation.shape[0] == BATCH
    assert output.activations["penultimate"].shape[-1] == config.hidden_units
    if config.moe == "none":
        assert output.moe is None
        return
    batch, tokens, experts, slots = output.moe.combine_weights.shape
    assert (batch, experts) == (BATCH, config.num_experts)
    assert output.moe.dispatch_weights.shape == output.moe.combine_weights.shape
    assert output.moe.probabilities.shape == (BATCH, tokens, experts)
    assert output.moe.load.shape == (BATCH, experts)
    assert output.moe.dropped.shape == (BATCH,)
    if config.variant == "regular":
        assert slots == config.slots(tokens)
        hidden = (BATCH, experts, slots, config.hidden_units)
        assert output.activations["penultimate"].shape == hidden


RUN = [
    NetworkConfig(encoder="nature_cnn", tokenizer="per_conv", **SMALL),
    NetworkConfig(encoder="nature_cnn", tokenizer="per_feat", moe="top1", **SMALL),
    NetworkConfig(encoder="mlp", moe="none", widen_dense=True, **SMALL),
    NetworkConfig(encoder="mlp", tokenizer="per_samp", dueling=True, **SMALL),
    NetworkConfig(encoder="mlp", tokenizer="per_samp", variant="big", **SMALL),
    NetworkConfig(
        encoder="nature_cnn",
        tokenizer="per_samp",
        variant="all",
        num_atoms=5,
        dueling=True,
        noisy=True,
        **SMALL,
    ),
    NetworkConfig(
        encoder="mlp",
        tokenizer="per_samp",
        variant="big",
        num_atoms=5,
        normalization=True,
        **SMALL,
    ),
]


@pytest.mark.parametrize("config", RUN, ids=name)
def test_a_batch_gives_what_its_examples_give(config):
    init, apply = compiled(config)
    params = init(jax.random.key(0), IMAGES)
    together = apply(params, None, IMAGES, True)
    alone = [apply(params, None, IMAGES[i : i + 1], True) for i in range(BATCH)]
    np.testing.assert_allclose(
        together.q_values, np.concatenate([x.q_values for x in alone]), atol=1e-5
    )
    assert np.isfinite(together.q_values).all()
    assert len(np.unique(together.q_values)) > 1


@pytest.mark.parametrize("config", RUN, ids=name)
def test_every_parameter_has_a_gradient(config):
    init, _ = compiled(config)
    network = make_network(config, ACTIONS)
    params = init(jax.random.key(0), IMAGES)

    @jax.jit
    @jax.grad
    def gradient(params):
        output = network.apply(params, jax.random.key(1), IMAGES)
        values = output.q_values if output.logits is None else output.logits
        return (values * np.arange(1, values.size + 1).reshape(values.shape)).sum()

    for module, layer in gradient(params).items():
        for parameter, value in layer.items():
            assert np.isfinite(value).all(), (module, parameter)
            # One token alone makes an expert's dispatch blind to Phi, and with the
            # same token twice a load can be even; the rest has to move.
            assert value.any(), (module, parameter)


def test_same_shapes_are_compiled_once():
    network = make_network(RUN[0], ACTIONS)
    traces = []

    @jax.jit
    def apply(params, key, images):
        traces.append(None)
        return network.apply(params, key, images).q_values

    params = jax.jit(network.init)(jax.random.key(0), IMAGES)
    for seed in range(3):
        apply(params, jax.random.key(seed), (IMAGES + seed).astype(np.uint8))
    assert len(traces) == 1


@pytest.mark.parametrize("moe", ["soft", "top1", "none"])
def test_bfloat16_is_close_to_float32(moe):
    config = NetworkConfig(encoder="nature_cnn", moe=moe, **SMALL)
    init, apply = compiled(config)
    _, apply_half = compiled(dataclasses.replace(config, compute_dtype="bfloat16"))
    params = init(jax.random.key(0), IMAGES)
    assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    full = apply(params, None, IMAGES, True)
    half = apply_half(params, None, IMAGES, True)
    assert half.features.dtype == jnp.bfloat16
    assert half.q_values.dtype == jnp.float32
    scale = np.abs(full.q_values).max()
    np.testing.assert_allclose(half.q_values, full.q_values, atol=0.05 * scale)
    if half.moe is not None:
        assert half.moe.combine_weights.dtype == jnp.float32


def test_bfloat16_tells_actions_of_large_values_apart():
    config = NetworkConfig(encoder="nature_cnn", moe="none", dueling=True, **SMALL)
    init, apply = compiled(config)
    _, apply_half = compiled(dataclasses.replace(config, compute_dtype="bfloat16"))
    params = init(jax.random.key(0), IMAGES)
    # The last of the biases is that of the state's value.
    (name,) = (name for name in params if name.endswith("streams"))
    params[name]["b"] = params[name]["b"].at[-1].add(20.0)
    full = apply(params, None, IMAGES, True).q_values
    half = apply_half(params, None, IMAGES, True).q_values
    assert half.min() > 15
    gaps = np.sort(full - full.max(axis=1, keepdims=True))[:, :-1]
    found = np.sort(half - half.max(axis=1, keepdims=True))[:, :-1]
    np.testing.assert_allclose(found, gaps, atol=0.05 * np.abs(gaps).max())


@pytest.mark.parametrize("variant", ["big", "all"])
def test_with_one_expert_the_variants_are_the_plain_network(variant):
    small = {**SMALL, "num_experts": 1, "encoder": "nature_cnn"}
    init, apply = compiled(NetworkConfig(moe="none", **small))
    params = init(jax.random.key(0), IMAGES)
    _, apply_mixture = compiled(
        NetworkConfig(variant=variant, tokenizer="per_samp", **small)
    )
    mixed = {}
    for module, layer in params.items():
        if variant == "big":
            mixed[f"expert_0/{module}"] = layer
        else:
            mixed[module] = {key: value[None] for key, value in layer.items()}
    wanted = jax.eval_shape(
        make_network(
            NetworkConfig(variant=variant, tokenizer="per_samp", **small), ACTIONS
        ).init,
        jax.random.key(0),
        IMAGES,
    )
    rng = np.random.default_rng(0)
    for module, layer in wanted.items():
        if module.endswith("slot_logits"):
            phi = rng.normal(size=layer["phi"].shape).astype(np.float32)
            mixed[module] = {"phi": phi}
    assert jax.tree.map(np.shape, mixed) == jax.tree.map(np.shape, dict(wanted))
    np.testing.assert_allclose(
        apply_mixture(mixed, None, IMAGES, True).q_values,
        apply(params, None, IMAGES, True).q_values,
        atol=1e-6,
    )


@pytest.mark.parametrize("variant", ["big", "all"])
def test_the_last_layer_is_mixed_in_dqn_and_shared_in_rainbow(variant):
    config = NetworkConfig(
        encoder="mlp", tokenizer="per_samp", variant=variant, **SMALL
    )
    for num_atoms in (None, 5):
        network = make_network(
            dataclasses.replace(config, num_atoms=num_atoms), ACTIONS
        )
        params = jax.eval_shape(network.init, jax.random.key(0), IMAGES)
        shared = "head/value" in params and params["head/value"]["w"].ndim == 2
        assert shared == (num_atoms is not None)
        own = "expert_0/head/value" if variant == "big" else "head/value_routing"
        assert any(module.startswith(own) for module in params) != shared


@pytest.mark.parametrize("shape", [(7, 9, 1), (84, 84, 4), (33, 20, 3)])
@pytest.mark.parametrize("encoder", ["nature_cnn", "impala"])
def test_any_image_size(encoder, shape):
    network = make_network(NetworkConfig(encoder=encoder, **SMALL), ACTIONS)
    images = np.zeros((1, *shape), np.uint8)
    params = jax.eval_shape(network.init, jax.random.key(0), images)
    output = jax.eval_shape(network.apply, params, None, images)
    positions = -(-shape[0] // 8) * -(-shape[1] // 8)
    assert output.moe.probabilities.shape[1] == positions


def test_vectors_and_nests():
    config = NetworkConfig(encoder="mlp", tokenizer="per_samp", **SMALL)
    init, apply = compiled(config)
    nest = {
        "position": np.ones((BATCH, 2, 2), np.float32),
        "pixels": np.full((BATCH, 3), 255, np.uint8),
        "speed": np.arange(BATCH, dtype=np.float32),
    }
    params = init(jax.random.key(0), nest)
    assert params["encoder/dense_0"]["w"].shape == (8, 5)
    # Bytes are scaled, and the order of a nest is that of its sorted keys.
    ones, speed = np.ones((BATCH, 7), np.float32), nest["speed"][:, None]
    flat = np.concatenate([ones, speed], axis=1)
    np.testing.assert_allclose(
        apply(params, None, nest, True).q_values,
        apply(params, None, flat, True).q_values,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "observation", [np.zeros((2, 8)), {"a": IMAGES, "b": IMAGES}, np.zeros((2, 8, 8))]
)
def test_convolutions_want_one_image(observation):
    network = make_network(NetworkConfig(**SMALL), ACTIONS)
    with pytest.raises(ValueError, match=r"^observations: .*encoder 'mlp'"):
        jax.eval_shape(network.init, jax.random.key(0), observation)


def test_patches_larger_than_the_map_are_refused():
    config = NetworkConfig(tokenizer="patches_pool", **{**SMALL, "patch_size": 3})
    network = make_network(config, ACTIONS)
    with pytest.raises(ValueError, match=r"^patch_size: 3 "):
        jax.eval_shape(network.init, jax.random.key(0), IMAGES)


def test_impala_width_and_filter_size():
    config = NetworkConfig(impala_width=0.5, impala_filter_size=4, **SMALL)
    network = make_network(config, ACTIONS)
    params = jax.eval_shape(network.init, jax.random.key(0), IMAGES)
    assert params["encoder/stack_0_conv"]["w"].shape == (4, 4, 2, 8)
    assert params["encoder/stack_2_block_1_conv_1"]["w"].shape == (4, 4, 16, 16)


def test_noise_is_off_in_evaluation():
    config = NetworkConfig(
        encoder="mlp",
        tokenizer="per_samp",
        moe="top1",
        router_noise=1.0,
        noisy=True,
        **SMALL,
    )
    init, apply = compiled(config)
    params = init(jax.random.key(0), IMAGES)
    quiet = apply(params, None, IMAGES, True).q_values
    keyed = apply(params, jax.random.key(1), IMAGES, True).q_values
    np.testing.assert_array_equal(quiet, keyed)
    noisy = [apply(params, jax.random.key(s), IMAGES, False).q_values for s in (1, 2)]
    assert (noisy[0] != noisy[1]).all()


def test_noise_differs_between_examples():
    config = NetworkConfig(encoder="mlp", tokenizer="per_samp", noisy=True, **SMALL)
    init, apply = compiled(config)
    same = np.repeat(IMAGES[:1], BATCH, axis=0)
    params = init(jax.random.key(0), same)
    values = apply(params, jax.random.key(1), same, False).q_values
    assert (values[0] != values[1]).all()


def test_categorical_values_are_means():
    config = NetworkConfig(
        encoder="mlp", tokenizer="per_samp", num_atoms=5, v_max=2.0, **SMALL
    )
    init, apply = compiled(config)
    params = init(jax.random.key(0), IMAGES)
    output = apply(params, None, IMAGES, True)
    np.testing.assert_allclose(output.atoms, [-2, -1, 0, 1, 2])
    probabilities = np.exp(output.logits) / np.exp(output.logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(
        output.q_values, (probabilities * output.atoms).sum(-1), atol=1e-6
    )


def test_dueling_advantages_do_not_move_the_mean():
    config = NetworkConfig(encoder="mlp", tokenizer="per_samp", dueling=True, **SMALL)
    init, apply = compiled(config)
    params = dict(init(jax.random.key(0), IMAGES))
    mean = apply(params, None, IMAGES, True).q_values.mean(axis=1)
    params["head/streams"] = {
        name: x.at[..., :-1].multiply(3).at[..., :-1].add(1)
        for name, x in params["head/streams"].items()
    }
    moved = apply(params, None, IMAGES, True).q_values.mean(axis=1)
    np.testing.assert_allclose(mean, moved, atol=1e-5)


def test_streams_start_each_as_a_layer_of_its_own():
    config = NetworkConfig(
        encoder="mlp", tokenizer="per_samp", dueling=True, num_atoms=50, **SMALL
    )
    params = compiled(config)[0](jax.random.key(0), IMAGES)
    w = params["head/streams"]["w"]
    for stream in np.split(w, [ACTIONS * 50], axis=1):
        limit = (6 / sum(stream.shape)) ** 0.5
        assert 0.95 * limit < np.abs(stream).max() <= limit
