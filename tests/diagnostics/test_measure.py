"""All diagnostics together, jitted, of small networks."""

import jax
import numpy as np
import pytest

from acme_moe import diagnostics, learning
from acme_moe.networks import NetworkConfig, make_network
from tests.learning import tiny

CONFIG = diagnostics.DiagnosticsConfig()


def make(network, batch_size, config=CONFIG):
    return diagnostics.make_measure(
        diagnostics.transition_probe(network),
        learning.q_learning(network, discount=0.99),
        config,
        batch_size=batch_size,
    )


def arguments(network, batch, seed=0):
    params = jax.jit(network.init)(jax.random.PRNGKey(0), batch.observation)
    probabilities = np.ones(len(batch.action), np.float32)
    return params, params, jax.random.PRNGKey(seed), batch, probabilities


def test_it_compiles_once():
    measure = jax.jit(make(tiny.NETWORK, 4))
    for seed in range(3):
        results = measure(*arguments(tiny.NETWORK, tiny.batch(4, seed), seed))
    assert measure._cache_size() == 1
    assert {x.shape for x in results.values()} == {()}
    assert all(np.isfinite(float(x)) for x in results.values())


def test_only_the_last_items_of_a_batch_are_measured():
    measure = jax.jit(make(tiny.NETWORK, 4))
    first, last = tiny.batch(4, 0), tiny.batch(4, 1)
    both = jax.tree.map(lambda *x: np.concatenate(x), first, last)
    args = arguments(tiny.NETWORK, last)
    long = (*args[:3], both, np.ones(8, np.float32))
    assert measure(*long) == measure(*args)


def test_a_batch_of_one_transition_has_ranks_of_one():
    batch = jax.tree.map(lambda x: np.repeat(x[:1], 8, axis=0), tiny.batch(4))
    results = jax.jit(make(tiny.NETWORK, 8))(*arguments(tiny.NETWORK, batch))
    assert results["ntk_rank"] == results["feature_rank"] == 1


def test_little_memory_gives_the_same_numbers():
    network = make_network(
        NetworkConfig(encoder="nature_cnn", moe="none", expert_width=64), 3
    )
    rng = np.random.default_rng(0)
    batch = tiny.batch(4)._replace(
        observation=rng.integers(0, 256, (4, 44, 44, 1)).astype(np.uint8),
        next_observation=rng.integers(0, 256, (4, 44, 44, 1)).astype(np.uint8),
    )
    args = arguments(network, batch)
    size = 4 * sum(x.size for x in jax.tree.leaves(args[0]))
    small = diagnostics.DiagnosticsConfig(gradient_megabytes=1)
    assert 2 * size > 2**20  # So that one gradient is held at a time.
    whole = jax.jit(make(network, 4))(*args)
    assert whole == pytest.approx(jax.jit(make(network, 4, small))(*args))
    assert not any("expert" in name or "router" in name for name in whole)


def test_noisy_layers_have_their_noise_from_the_key():
    config = NetworkConfig(
        encoder="mlp", mlp_widths=(8,), moe="none", expert_width=8, noisy=True
    )
    network = make_network(config, tiny.NUM_ACTIONS)
    measure = jax.jit(make(network, 4))
    batch = tiny.batch(4)
    one, again, other = (measure(*arguments(network, batch, s)) for s in (0, 0, 1))
    assert one == again
    assert one["feature_norm"] != other["feature_norm"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("every", -1),
        ("every", 2.5),
        ("dormant_tau", -0.1),
        ("rank_threshold", 1.5),
        ("gradient_megabytes", 0),
    ],
)
def test_settings_without_sense_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field}: {value}"):
        diagnostics.DiagnosticsConfig(**{field: value})
