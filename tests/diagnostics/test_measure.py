"""All diagnostics together, jitted, of small networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import diagnostics, learning
from acme_moe.networks import NetworkConfig, ValueOutput, make_network
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


MEASURE = jax.jit(make(tiny.NETWORK, 4))


def test_it_compiles_once():
    MEASURE(*arguments(tiny.NETWORK, tiny.batch(4)))
    compiled = MEASURE._cache_size()
    for seed in (1, 2):
        results = MEASURE(*arguments(tiny.NETWORK, tiny.batch(4, seed), seed))
    assert MEASURE._cache_size() == compiled
    assert {x.shape for x in results.values()} == {()}
    assert all(np.isfinite(float(x)) for x in results.values())


def test_a_batch_of_one_transition_has_ranks_of_one():
    batch = jax.tree.map(lambda x: np.repeat(x[:1], 4, axis=0), tiny.batch(4))
    results = MEASURE(*arguments(tiny.NETWORK, batch))
    assert results["ntk_rank"] == results["feature_rank"] == 1


def test_each_measure_is_of_its_own_matrix_with_its_own_threshold():
    items = np.diag([10.0, 1.0, 0.05]).astype(np.float32)

    def probe(params, key, batch):
        del key
        activations = {"conv": batch, "penultimate": jnp.ones((len(batch), 2))}
        # The gradient of a value is its item.
        return batch @ params, ValueOutput(batch, None, None, None, batch, activations)

    config = diagnostics.DiagnosticsConfig(dormant_tau=0.5, rank_threshold=0.001)
    measure = diagnostics.make_measure(probe, None, config, batch_size=3)
    results = measure(jnp.ones(3), None, jax.random.PRNGKey(0), items, np.ones(3))
    assert {name: float(x) for name, x in results.items()} == {
        "feature_norm": pytest.approx(11.05 / 3),
        "feature_rank": 2,  # The first two are 99.5 % of the sum.
        "ntk_rank": 2,  # Of 100, 1 and 0.0025.
        # A unit's mean is a third of its item, and half of the layer's mean is 0.61.
        "dormant_share": pytest.approx(2 / 5),
        "dormant_share_penultimate": 0,
    }


def test_only_the_last_items_of_a_batch_are_measured():
    first, last = tiny.batch(4, 0), tiny.batch(4, 1)
    both = jax.tree.map(lambda *x: np.concatenate(x), first, last)
    args = arguments(tiny.NETWORK, last)
    long = (*args[:3], both, np.ones(8, np.float32))
    whole, part = (jax.tree.map(float, MEASURE(*given)) for given in (long, args))
    assert whole == pytest.approx(part, rel=1e-5)


def test_without_a_mixture_there_is_nothing_to_say_of_one():
    config = NetworkConfig(encoder="mlp", moe="none", expert_width=8)
    network = make_network(config, tiny.NUM_ACTIONS)
    args = arguments(network, tiny.batch(4))
    results = jax.eval_shape(make(network, 4), *args)
    assert set(results) == {
        "feature_norm",
        "feature_rank",
        "ntk_rank",
        "dormant_share",
        "dormant_share_penultimate",
    }


def test_the_columns_of_the_two_sets_have_no_name_in_common():
    args = arguments(tiny.NETWORK, tiny.batch(4))
    published = jax.eval_shape(MEASURE, *args)
    of_authors = diagnostics.DiagnosticsConfig(definitions="authors")
    authors = jax.eval_shape(make(tiny.NETWORK, 4, of_authors), *args)
    mixture = {name for name in authors if not name.startswith("authors_")}
    assert set(published) & set(authors) == mixture
    assert {"dispatch_entropy", "router_gradient_norm"} <= mixture
    assert len(authors) == 23 + len(mixture)


def test_noisy_layers_have_their_noise_from_the_key():
    config = NetworkConfig(
        encoder="mlp", mlp_widths=(8,), moe="none", expert_width=8, noisy=True
    )
    network = make_network(config, tiny.NUM_ACTIONS)
    probe = jax.jit(diagnostics.transition_probe(network))
    batch = tiny.batch(4)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), batch.observation)
    one, again, other = (
        probe(params, jax.random.PRNGKey(seed), batch)[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("every", -1),
        ("every", 2.5),
        ("definitions", "kumar"),
        ("dormant_tau", -0.1),
        ("rank_threshold", 1.5),
        ("gradient_megabytes", 0),
    ],
)
def test_settings_without_sense_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field}: {value!r}"):
        diagnostics.DiagnosticsConfig(**{field: value})
