"""Implicit quantiles: a step of dopamine's agent, and what a network of them gives."""

import dataclasses
import functools
import pathlib

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning
from acme_moe.agents import acting
from acme_moe.agents.dqn import DQNConfig
from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.networks import NetworkConfig, make_network, quantiles
from tests.golden import make_iqn_step as reference
from tests.learning.tiny import batch

FILE = pathlib.Path(__file__).parents[1] / "golden" / "iqn_step.npz"
NATURE = make_network(
    NetworkConfig(
        encoder="nature_cnn",
        moe="none",
        num_quantiles=reference.QUANTILES,
        quantile_embedding=reference.EMBEDDING,
    ),
    reference.ACTIONS,
)
LAYERS = {
    "encoder/conv_0": "Conv_0",
    "encoder/conv_1": "Conv_1",
    "encoder/conv_2": "Conv_2",
    "quantile_embedding": "Dense_0",
    "dense": "Dense_1",
    "head/value": "Dense_2",
}
SMALL = NetworkConfig(
    encoder="mlp",
    mlp_widths=(6,),
    tokenizer="per_samp",
    num_experts=2,
    expert_width=8,
    num_quantiles=4,
    quantile_embedding=5,
)


def ours(flat):
    """The reference's parameters by our names."""
    return {
        name: {"w": flat[f"{layer}/kernel"], "b": flat[f"{layer}/bias"]}
        for name, layer in LAYERS.items()
    }


def init(network, observations):
    return jax.jit(network.init)(jax.random.key(0), observations)


def applied(network, params, key, observations, evaluation=False):
    # A function of its own is traced anew, with the levels that are drawn by then.
    apply = jax.jit(lambda *arguments: network.apply(*arguments, evaluation))
    return apply(params, key, observations)


@pytest.fixture(scope="module")
def arrays():
    with np.load(FILE) as file:
        return dict(file)


def test_a_step_is_that_of_the_reference(arrays, monkeypatch):
    drawn = iter([arrays["target_levels"], arrays["levels"]] * 2)
    monkeypatch.setattr(
        quantiles, "_draw_levels", lambda batch, count: jnp.asarray(next(drawn))
    )
    objective = learning.q_learning(NATURE, discount=reference.GAMMA, loss="quantile")
    transitions = learning.Transition(
        observation=arrays["states"],
        action=arrays["actions"],
        reward=arrays["rewards"],
        discount=1 - arrays["terminals"].astype(np.float32),
        next_observation=arrays["next_states"],
    )
    online, target = (ours(reference.draw(seed)) for seed in (0, 1))
    step = jax.jit(jax.value_and_grad(objective, has_aux=True))
    (loss, output), gradient = step(
        online, target, jax.random.key(0), transitions, jnp.ones(reference.BATCH)
    )
    np.testing.assert_allclose(loss, arrays["loss"], rtol=1e-5)
    np.testing.assert_allclose(output.losses.mean(), loss, rtol=1e-6)
    for name in ("Dense_0/bias", "Dense_2/kernel"):
        moved = arrays[f"moved/{name}"]
        layer, array = name.split("/")
        ours_of = {theirs: mine for mine, theirs in LAYERS.items()}[layer]
        step = -gradient[ours_of]["b" if array == "bias" else "w"]
        np.testing.assert_allclose(step, moved, atol=1e-3 * np.abs(moved).max())


def test_the_target_selects_by_its_own_draw_or_another_alike(arrays, monkeypatch):
    # Dopamine draws levels for the selection alone; here both chose the same actions,
    # or the step above could not be the same.
    chosen = []
    for name in ("selector_levels", "target_levels"):
        monkeypatch.setattr(
            quantiles, "_draw_levels", lambda *_, name=name: jnp.asarray(arrays[name])
        )
        params = ours(reference.draw(1))
        values = applied(NATURE, params, jax.random.key(0), arrays["next_states"])
        chosen.append(values.q_values.argmax(axis=1))
    np.testing.assert_array_equal(*chosen)


def test_values_of_levels_are_those_of_the_reference(arrays, monkeypatch):
    monkeypatch.setattr(
        quantiles, "_draw_levels", lambda *_: jnp.asarray(arrays["levels"])
    )
    params = ours(reference.draw(0))
    output = applied(NATURE, params, jax.random.key(0), arrays["states"])
    np.testing.assert_allclose(
        output.quantile_values, arrays["quantile_values"], atol=1e-5
    )
    np.testing.assert_allclose(
        output.q_values, arrays["quantile_values"].mean(axis=1), atol=1e-5
    )


@pytest.mark.parametrize("size", [2000, 8000])
def test_the_embedding_starts_as_large_whatever_the_number_of_features(size):
    config = dataclasses.replace(SMALL, num_quantiles=9, quantile_embedding=64)
    embed = hk.transform(lambda x: quantiles.embed(config, x, evaluation=True))
    ones = jnp.ones((1, size))
    params = init(embed, ones)
    w = params["quantile_embedding"]["w"]
    variance = 1 / (np.sqrt(3) * 64)  # Of Dopamine's initialiser.
    assert w.shape == (64, size)
    np.testing.assert_allclose(w.std(), np.sqrt(variance), rtol=0.02)
    # Nearly normal before the ReLU, by the sum of 64; a normal's positive part has mean
    # sigma / sqrt(2 pi).
    embedding, levels = jax.jit(embed.apply)(params, None, ones)
    cosines = np.cos(np.pi * levels[0, :, None] * np.arange(1, 65))
    sigma = np.sqrt(variance * np.square(cosines).sum(axis=1))
    expected = (sigma / np.sqrt(2 * np.pi)).mean()
    np.testing.assert_allclose(embedding.mean(), expected, rtol=0.05)


@pytest.mark.parametrize("moe", ["none", "soft", "top1"])
def test_an_example_has_values_at_each_level_whatever_the_layer(moe):
    network = make_network(dataclasses.replace(SMALL, moe=moe), 3)
    observations = batch().observation
    params = init(network, observations)
    output = applied(network, params, jax.random.key(1), observations)
    assert output.q_values.shape == (4, 3)
    assert output.quantile_values.shape == (4, 4, 3)
    assert output.levels.shape == (4, 4)
    assert len(np.unique(output.levels)) == 16
    # An example's values are its own.
    evaluated = applied(network, params, None, observations, True)
    np.testing.assert_allclose(evaluated.levels[0], [0.125, 0.375, 0.625, 0.875])
    alone = applied(network, params, None, observations[1:2], True)
    np.testing.assert_allclose(
        alone.quantile_values[0], evaluated.quantile_values[1], atol=1e-6
    )


@pytest.mark.parametrize("moe", ["none", "soft"])
def test_noise_is_an_examples_and_not_a_quantiles(moe, monkeypatch):
    levels = jnp.full((4, 4), 0.5)
    monkeypatch.setattr(quantiles, "_draw_levels", lambda *_: levels)
    network = make_network(dataclasses.replace(SMALL, moe=moe, noisy=True), 3)
    observations = jnp.ones_like(batch().observation)
    params = init(network, observations)
    output = applied(network, params, jax.random.key(1), observations)
    values = output.quantile_values
    np.testing.assert_allclose(values, values[:, :1].repeat(4, axis=1), atol=1e-6)
    assert np.abs(values[0] - values[1]).max() > 1e-4


@pytest.mark.parametrize("moe", ["soft", "top1"])
def test_routing_of_an_observation_is_the_mean_over_its_levels(moe):
    network = make_network(dataclasses.replace(SMALL, moe=moe), 3)
    observations = batch().observation[:1]
    params = init(network, observations)
    params = jax.tree.map(lambda x: x + 0.3, params)  # No ReLU gives zeros only.
    output = applied(network, params, None, observations, True)
    state = acting.initial_state(network, jax.random.key(1))
    decide = functools.partial(acting.decide, network, evaluation=True)
    decision = jax.jit(decide)(params, 0.0, observations[0], state)
    routings = map(jax.tree.leaves, (decision.output.moe, output.moe))
    for found, each in zip(*routings, strict=True):
        assert each.shape == (4, *found.shape)
        np.testing.assert_allclose(found, each.mean(axis=0), atol=1e-6)
    assert np.ptp(output.moe.probabilities, axis=0).max() > 1e-4


def test_quantiles_are_learnt():
    # A state whose return is -1 or 1 by chance: its median is anywhere, the outer
    # quantiles are not.
    network = make_network(dataclasses.replace(SMALL, moe="none", num_quantiles=8), 1)
    objective = learning.q_learning(network, discount=0.0, loss="quantile")
    data = batch(size=8)
    same = jnp.ones_like(data.observation)
    data = data._replace(
        observation=same,
        next_observation=same,
        action=jnp.zeros(8, jnp.int32),
        reward=jnp.asarray([-1.0, 1.0] * 4),
    )
    params = init(network, same)

    @jax.jit
    def step(params, key):
        gradient, _ = jax.grad(objective, has_aux=True)(
            params, params, key, data, jnp.ones(8)
        )
        return jax.tree.map(lambda x, g: x - 0.05 * g, params, gradient)

    for i in range(600):
        params = step(params, jax.random.key(i))
    values = applied(network, params, None, same, True).quantile_values[0, :, 0]
    assert values[1] < -0.5
    assert values[-2] > 0.5


def test_what_does_not_go_with_quantiles_is_refused():
    with pytest.raises(ValueError, match=r"^num_atoms: 51 is not accepted; None with"):
        dataclasses.replace(SMALL, num_atoms=51)
    with pytest.raises(ValueError, match=r"^num_quantiles: 4 is not accepted; None"):
        dataclasses.replace(SMALL, encoder="impala", variant="big")
    with pytest.raises(ValueError, match="loss: 'squared' is not accepted; 'quantile'"):
        DQNConfig(network=SMALL)
    with pytest.raises(ValueError, match=r"accepted; a network\.num_quantiles"):
        DQNConfig(loss="quantile")
    with pytest.raises(ValueError, match="num_quantiles: 4 is not accepted; None with"):
        R2D2Config(network=SMALL)
