import collections
import functools

import haiku as hk
import jax
import numpy as np
import pytest
from acme.jax.networks import duelling

from acme_moe.diagnostics import neuron_layers
from acme_moe.networks import NetworkConfig, make_recurrent_network

STEPS, BATCH, ACTIONS, UNITS, WIDTH = 4, 2, 3, 7, 6
RNG = np.random.default_rng(0)
SMALL = {"num_experts": 2, "expert_width": 6, "mlp_widths": (5,)}
VECTORS = RNG.normal(size=(STEPS, BATCH, 5)).astype(np.float32)
IMAGES = RNG.integers(0, 256, (STEPS, BATCH, 12, 12, 2), np.uint8)
OAR = collections.namedtuple("OAR", ["observation", "action", "reward"])

MLP = NetworkConfig(encoder="mlp", tokenizer="per_samp", dueling=True, **SMALL)
CASES = [
    (MLP, VECTORS),
    (NetworkConfig(encoder="nature_cnn", **SMALL), IMAGES),
    (NetworkConfig(encoder="nature_cnn", moe="top1", **SMALL), IMAGES),
    (NetworkConfig(encoder="mlp", moe="none", num_atoms=5, **SMALL), VECTORS),
    (
        NetworkConfig(encoder="mlp", tokenizer="per_samp", variant="big", **SMALL),
        VECTORS,
    ),
    (
        NetworkConfig(encoder="mlp", tokenizer="per_samp", variant="all", **SMALL),
        VECTORS,
    ),
]


@functools.cache
def compiled(config):
    network = make_recurrent_network(config, ACTIONS, lstm_size=UNITS, head_width=WIDTH)
    return (
        network,
        jax.jit(network.apply, static_argnums=4),
        jax.jit(network.unroll, static_argnums=4),
    )


@pytest.mark.parametrize(("config", "observations"), CASES)
def test_unroll_is_one_step_after_the_other(config, observations):
    network, apply, unroll = compiled(config)
    params = jax.jit(network.init)(jax.random.key(0), observations[0])
    state = network.initial_state(BATCH)
    together, last = unroll(params, None, observations, state, True)
    for step in range(STEPS):
        output, state = apply(params, None, observations[step], state, True)
        np.testing.assert_allclose(together.q_values[step], output.q_values, atol=1e-5)
        np.testing.assert_allclose(together.features[step], output.features, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), last, state)
    assert together.q_values.shape == (STEPS, BATCH, ACTIONS)
    if config.moe != "none":
        assert together.moe.load.shape == (STEPS, BATCH, 2)
    if config.num_atoms:
        assert together.logits.shape == (STEPS, BATCH, ACTIONS, 5)
        assert together.atoms.shape == (5,)


def test_remembers():
    network, _, unroll = compiled(MLP)
    params = jax.jit(network.init)(jax.random.key(0), VECTORS[0])
    state = network.initial_state(BATCH)
    before, _ = unroll(params, None, VECTORS, state, True)
    changed = VECTORS.copy()
    changed[1] += 1.0
    after, _ = unroll(params, None, changed, state, True)
    moved = np.abs(before.q_values - after.q_values).max(axis=(1, 2))
    assert moved[0] == 0
    assert (moved[1:] > 0).all()


def test_sees_the_last_action_and_reward():
    network, apply, _ = compiled(MLP)
    rewards = np.array([0.0, 10.0], np.float32)
    first = OAR(VECTORS[0], np.array([0, 1]), rewards)
    params = jax.jit(network.init)(jax.random.key(0), first)
    weights = params["lstm/linear"]["w"]
    plain = jax.jit(network.init)(jax.random.key(0), VECTORS[0])["lstm/linear"]["w"]
    assert weights.shape[0] == plain.shape[0] + ACTIONS + 1
    state = network.initial_state(BATCH)
    values = apply(params, None, first, state, True)[0].q_values
    for other in (
        first._replace(action=np.array([0, 2])),
        first._replace(reward=rewards * 0.1),
    ):
        changed = apply(params, None, other, state, True)[0].q_values
        assert (np.abs(changed - values)[1] > 0).all()


def test_the_head_is_that_of_acme():
    """The same parameters and LSTM output give the same values."""
    network, apply, _ = compiled(MLP)
    params = jax.jit(network.init)(jax.random.key(0), VECTORS[0])
    # Biases start at zero, which would hide one in the wrong place.
    params = jax.tree.map(lambda x: x + RNG.normal(size=x.shape, scale=0.1), params)
    start = network.initial_state(BATCH)
    output, state = apply(params, None, VECTORS[0], start, True)
    hidden, advantage, value = (
        params[f"head/{layer}"] for layer in ("hidden", "advantage", "value")
    )
    theirs = {
        "duelling_q_network/~/mlp/~/linear_0": {
            k: x[..., WIDTH:] for k, x in hidden.items()
        },
        "duelling_q_network/~/mlp/~/linear_1": value,
        "duelling_q_network/~/mlp_1/~/linear_0": {
            k: x[..., :WIDTH] for k, x in hidden.items()
        },
        "duelling_q_network/~/mlp_1/~/linear_1": advantage,
    }
    head = hk.without_apply_rng(
        hk.transform(lambda x: duelling.DuellingMLP(ACTIONS, hidden_sizes=[WIDTH])(x))
    )
    q_values = head.apply(theirs, state.hidden)
    assert np.std(q_values) > 0.01
    np.testing.assert_allclose(output.q_values, q_values, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        (MLP, ("head_advantage_hidden", "head_value_hidden")),
        (CASES[3][0], ("head_hidden",)),
    ],
)
def test_the_hidden_layers_of_the_head_are_layers_of_neurons(config, layers):
    network, _, unroll = compiled(config)
    params = jax.jit(network.init)(jax.random.key(0), VECTORS[0])
    output, _ = unroll(params, None, VECTORS, network.initial_state(BATCH), True)
    step = jax.tree.map(lambda x: x[-1], output._replace(atoms=None))
    neurons = neuron_layers(step)
    assert {layer for layer in neurons if layer.startswith("head")} == set(layers)
    for layer in layers:
        assert neurons[layer].shape == (BATCH, WIDTH)
        assert (np.asarray(neurons[layer]) >= 0).all()
        assert (np.asarray(neurons[layer]) > 0).any()
    # What the last layer reads.
    read = np.concatenate([neurons[layer] for layer in layers], axis=-1)
    np.testing.assert_array_equal(step.features, read)


@pytest.mark.parametrize("field", ["lstm_size", "head_width"])
def test_refuses_layers_without_units(field):
    with pytest.raises(ValueError, match=rf"^{field}: 0 "):
        make_recurrent_network(MLP, ACTIONS, **{field: 0})
