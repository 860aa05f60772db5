"""The authors' measures of figure 10: by hand, and in their own code's numbers."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import diagnostics, learning
from acme_moe.networks import Network, NetworkConfig, ValueOutput
from acme_moe.networks.heads import support
from tests.diagnostics.test_matrices import low_rank

ITEMS, INPUTS, ACTIONS, ATOMS = 8, 5, 3, 5
CONFIG = diagnostics.DiagnosticsConfig(definitions="authors")

# What `train` of dopamine-rl 4.1.2 (`labs/moes/agents/full_rainbow_moe_agent.py`) gave
# as `network_statistics`, on JAX 0.6.2, with what `tiny_network`, `params_of` and
# `transitions` below make: a `network_def` whose `apply` returns the same outputs of
# one observation as a `BaselineNetworkReturn`, `hidden_act` of `[20]` or `[2, 3, 4]`
# among them; target parameters of seed 10; `optax.set_to_zero()` as the optimiser; loss
# weights from 0.1 to 1. For `entk_*` one line was mended, `jacs, _ = jac_fn(...)`; what
# they are without that is in `AS_LOGGED`.
DENSE_C51 = {
    "feature_norm": 0.33326,
    "param_norm": 263.1899,
    "q_mean": -0.4834382,
    "q_std": 0.1234214,
    "td_error_mean": 1.86751,
    "td_error_var": 0.4827979,
    "srank_0.0": 8,
    "srank_0.001": 4,
    "srank_0.01": 3,
    "dormant_0.0": 9,
    "dormant_0.001": 16,
    "dormant_0.01": 17,
    "entk_srank_0.0": 8,
    "entk_srank_0.001": 7,
    "entk_srank_0.01": 6,
    "entk_diagonal_mean": 5.833855,
    "entk_diagonal_std": 5.958305,
    "entk_off_diagonal_mean": 0.1148984,
    "entk_negative_frac": 0.34375,
    "entk_positive_frac": 0.65625,
}
MIXTURE_C51 = {
    "feature_norm": 0.003103248,
    "param_norm": 294.3138,
    "q_mean": 0.03373862,
    "q_std": 0.4841628,
    "td_error_mean": 2.057702,
    "td_error_var": 0.07594068,
    "srank_0.0": 48,
    "srank_0.001": 40,
    "srank_0.01": 26,
    "dormant_0.0": 11,
    "dormant_0.001": 21,
    "dormant_0.01": 23,
    "entk_srank_0.0": 8,
    "entk_srank_0.001": 8,
    "entk_srank_0.01": 7,
    "entk_diagonal_mean": 8.324214,
    "entk_diagonal_std": 4.697706,
    "entk_off_diagonal_mean": 1.542793,
    "entk_negative_frac": 0.15625,
    "entk_positive_frac": 0.84375,
}
# Neither distributional nor double, and with `mse_loss`.
MIXTURE_SQUARED = {
    **MIXTURE_C51,
    "param_norm": 148.9795,
    "q_mean": 0.6881759,
    "q_std": 1.119824,
    "td_error_mean": 4.664115,
    "td_error_var": 16.48535,
    "entk_srank_0.001": 5,
    "entk_srank_0.01": 3,
    "entk_diagonal_mean": 420.8018,
    "entk_diagonal_std": 367.2422,
    "entk_off_diagonal_mean": 64.5772,
    "entk_negative_frac": 0.46875,
    "entk_positive_frac": 0.53125,
}
# `DENSE_C51` as their code logs it.
AS_LOGGED = {
    "entk_srank_0.0": 8,
    "entk_srank_0.001": 6,
    "entk_srank_0.01": 4,
    "entk_diagonal_mean": 58.43224,
    "entk_diagonal_std": 37.57455,
    "entk_off_diagonal_mean": 48.59639,
    "entk_negative_frac": 0,
    "entk_positive_frac": 1,
}


def chirp(*shape, seed):
    """Numbers in [-1, 1] that every library agrees on."""
    n = np.arange(np.prod(shape)) + 1.0
    return np.sin(0.7 * n**2 + seed).astype(np.float32).reshape(shape)


def params_of(shape, outputs, seed):
    """Every seventh unit is silent, and each four are weaker than those before."""
    units = np.arange(np.prod(shape))
    scale = 10.0 ** -(0.7 * (units // 4))
    bias = np.where(units % 7 == 3, -10.0, 0.3) * scale
    return {
        "hidden": np.float32(chirp(INPUTS, len(units), seed=seed) * scale),
        "bias": bias.astype(np.float32),
        "head": chirp(len(units), outputs, seed=seed + 1),
    }


def transitions():
    """The later an item, the closer to the first."""
    apart = 10.0 ** -(np.arange(ITEMS)[:, None] / 3)
    states = chirp(1, INPUTS, seed=2) + chirp(ITEMS, INPUTS, seed=3) * apart
    return learning.Transition(
        observation=states.astype(np.float32),
        action=(np.arange(ITEMS) // 3).astype(np.int32),
        reward=np.float32(0.3) * chirp(ITEMS, seed=4),
        discount=(np.arange(ITEMS) % 4 != 2).astype(np.float32),
        next_observation=np.roll(states, 1, axis=0).astype(np.float32),
    )


def tiny_network(shape, num_atoms=None):
    """One hidden layer, taken for the units of `shape`, and a linear head."""
    config = NetworkConfig(encoder="mlp", moe="none", num_atoms=num_atoms, v_max=2.0)

    def apply(params, key, observations, evaluation=False):
        del key, evaluation
        x = jax.nn.relu(observations @ params["hidden"] + params["bias"])
        values, logits, atoms = x @ params["head"], None, None
        if num_atoms is not None:
            logits, atoms = values.reshape(-1, ACTIONS, num_atoms), support(ATOMS, 2.0)
            values = jax.nn.softmax(logits) @ atoms
        hidden = x.reshape(-1, *shape)
        return ValueOutput(values, logits, atoms, None, x, {"penultimate": hidden})

    return Network(init=None, apply=apply, config=config, num_actions=ACTIONS)


def measured(shape, objective, num_atoms=None, **settings):
    network = tiny_network(shape, num_atoms)
    measure = diagnostics.make_measure(
        diagnostics.transition_probe(network),
        objective(network, discount=0.9),
        dataclasses.replace(CONFIG, **settings),
        batch_size=ITEMS,
    )
    outputs = ACTIONS * (num_atoms or 1)
    results = jax.jit(measure)(
        params_of(shape, outputs, 0),
        params_of(shape, outputs, 10),
        jax.random.PRNGKey(0),
        transitions(),
        np.linspace(0.1, 1.0, ITEMS, dtype=np.float32),
    )
    return {name.removeprefix("authors_"): float(x) for name, x in results.items()}


C51 = {"objective": learning.categorical_q_learning, "num_atoms": ATOMS}
SQUARED = {"objective": functools.partial(learning.q_learning, loss="squared")}


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((20,), C51, DENSE_C51),
        ((2, 3, 4), C51, MIXTURE_C51),
        ((2, 3, 4), SQUARED, MIXTURE_SQUARED),
    ],
    ids=["dense_c51", "mixture_c51", "mixture_squared"],
)
def test_they_are_those_of_the_authors_code(shape, settings, expected):
    results = measured(shape, **settings)
    units = np.prod(shape)
    shares = {t: results.pop(f"dormant_share_{t}") for t in (0.0, 0.001, 0.01)}
    assert results == pytest.approx(expected, rel=1e-4)
    for t, share in shares.items():
        assert share == pytest.approx(expected[f"dormant_{t}"] / units)


def test_their_log_has_the_products_of_the_outputs_in_the_kernel():
    """`jax.jacrev` with `has_aux` returns a pair, and they sum over all leaves of it.

    So the second, the network's outputs, is in the sum as though it were gradients.
    """
    network, params = tiny_network((20,), ATOMS), params_of((20,), ACTIONS * ATOMS, 0)
    target_params, items = params_of((20,), ACTIONS * ATOMS, 10), transitions()
    objective = learning.categorical_q_learning(network, discount=0.9)

    def losses(params):
        key, ones = jax.random.PRNGKey(0), np.ones(ITEMS)
        return objective(params, target_params, key, items, ones)[1].losses

    output = network.apply(params, None, items.observation)
    outputs = (
        output.q_values,
        output.logits,
        jax.nn.softmax(output.logits),
        output.activations["penultimate"],
    )
    rows = [
        x.reshape(ITEMS, -1)
        for x in jax.tree.leaves((jax.jacrev(losses)(params), outputs))
    ]
    logged = diagnostics.kernel_statistics(sum(x @ x.T for x in rows))
    assert {k: float(x) for k, x in logged.items()} == pytest.approx(
        AS_LOGGED, rel=1e-4
    )


def test_less_memory_gives_the_same_numbers():
    """The gradients of all items take 1.3 MB."""
    little, much = (
        measured((2_000,), **C51, gradient_megabytes=megabytes)
        for megabytes in (1, 512)
    )
    assert little == pytest.approx(much, rel=1e-3)


def test_the_feature_norm_is_of_the_variances_over_the_batch():
    """Variances 9 and 16 of the first slot, 0 and 0 of the second."""
    hidden = np.zeros((2, 1, 2, 2))
    hidden[:, 0, 0] = [[0, 1], [6, 9]]
    hidden[:, 0, 1] = 7
    results = diagnostics.hidden_statistics(hidden)
    assert float(results["feature_norm"]) == pytest.approx((np.hypot(9, 16) + 0) / 2)
    dense = diagnostics.hidden_statistics(hidden[:, 0, 0])
    assert float(dense["feature_norm"]) == pytest.approx(np.hypot(9, 16))


def test_dormant_units_vary_by_at_most_the_threshold():
    """However active: the first is always on."""
    deviations = np.sqrt([0.0, 0.0005, 0.002, 0.5])
    hidden = 3 + np.array([[-1.0], [1.0]]) * deviations
    results = diagnostics.hidden_statistics(hidden)
    counts = [int(results[f"dormant_{t}"]) for t in (0.0, 0.001, 0.01)]
    assert counts == [1, 2, 3]
    shares = [float(results[f"dormant_share_{t}"]) for t in (0.0, 0.001, 0.01)]
    assert shares == pytest.approx([0.25, 0.5, 0.75])


def test_ranks_count_singular_values_by_their_share_of_the_largest():
    spread = np.diag([5.0, 0.5, 0.04, 0.002])
    results = diagnostics.hidden_statistics(spread)
    counts = [int(results[f"srank_{t}"]) for t in (0.0, 0.001, 0.01)]
    assert counts == [4, 3, 2]
    results = diagnostics.kernel_statistics(spread)
    counts = [int(results[f"entk_srank_{t}"]) for t in (0.0, 0.001, 0.01)]
    assert counts == [4, 3, 2]
    assert int(diagnostics.hidden_statistics(low_rank(3))["srank_0.001"]) == 3


def test_of_a_mixture_the_largest_singular_value_is_that_of_all_experts():
    """The second expert's are 0.5 % of the first's."""
    hidden = np.zeros((1, 2, 3, 3))
    hidden[0, 0], hidden[0, 1] = np.eye(3), 0.005 * np.eye(3)
    results = diagnostics.hidden_statistics(hidden)
    assert int(results["srank_0.001"]) == 6
    assert int(results["srank_0.01"]) == 3


def test_the_kernel_is_described_as_it_is():
    kernel = np.array([[4.0, -1.0], [-1.0, 2.0]])
    results = diagnostics.kernel_statistics(kernel)
    assert float(results["entk_diagonal_mean"]) == 3
    assert float(results["entk_diagonal_std"]) == 1
    assert float(results["entk_off_diagonal_mean"]) == -1
    assert float(results["entk_negative_frac"]) == 0.5
    assert float(results["entk_positive_frac"]) == 0.5
    alone = diagnostics.kernel_statistics(np.array([[4.0]]))
    assert float(alone["entk_off_diagonal_mean"]) == 0


def test_of_zeros_all_is_dormant_and_nothing_has_a_rank():
    results = {
        **diagnostics.hidden_statistics(np.zeros((4, 2, 3, 5))),
        **diagnostics.kernel_statistics(np.zeros((4, 4))),
    }
    assert all(np.isfinite(float(x)) for x in results.values())
    assert {float(results[f"dormant_share_{t}"]) for t in (0.0, 0.01)} == {1.0}
    assert {float(x) for k, x in results.items() if "rank" in k} == {0.0}


def test_noise_adds_nothing_to_the_variance():
    """Of one observation in a network whose hidden layer is noise, from its key."""

    def probe(params, key, batch):
        hidden = params + jax.random.normal(key, (len(batch), 4))
        return hidden[:, 0], ValueOutput(
            hidden, None, None, None, hidden, {"penultimate": hidden}
        )

    def loss(params, target_params, key, batch, probabilities):
        del target_params, key, probabilities
        losses = params * jnp.sum(batch, axis=1)
        return jnp.mean(losses), learning.ObjectiveOutput(losses, losses, {})

    measure = diagnostics.make_measure(probe, loss, CONFIG, batch_size=3)
    results = jax.jit(measure)(
        jnp.ones(()), jnp.ones(()), jax.random.PRNGKey(0), np.ones((3, 2)), np.ones(3)
    )
    assert float(results["authors_feature_norm"]) == pytest.approx(0, abs=1e-10)
    assert float(results["authors_q_std"]) > 0
