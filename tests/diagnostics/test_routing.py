"""What routers did, from weights written by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import diagnostics
from acme_moe.networks import MoEOutput, NetworkConfig, make_network


def test_entropies_of_uniform_and_of_certain_weights():
    assert float(diagnostics.entropy(np.ones(7))) == pytest.approx(
        math.log(7), rel=1e-5
    )
    assert float(diagnostics.entropy(np.eye(7)[2])) == 0.0
    assert float(diagnostics.entropy(np.zeros(7))) == 0.0


def test_weights_need_not_sum_to_one():
    weights = np.array([[1.0, 1.0], [3.0, 1.0]])
    halves = diagnostics.entropy(weights / 8)
    np.testing.assert_allclose(halves, diagnostics.entropy(weights), rtol=1e-5)
    columns = diagnostics.entropy(weights, axis=0)
    assert float(columns[1]) == pytest.approx(math.log(2), rel=1e-5)


def test_an_entropy_of_zeros_has_a_gradient_that_is_a_number():
    gradient = jax.grad(lambda x: diagnostics.entropy(x).sum())(jnp.zeros(3))
    assert not np.isnan(gradient).any()


def test_a_uniform_soft_mixture_has_the_largest_entropies():
    tokens, experts, slots = 6, 3, 2
    uniform = np.ones((4, tokens, experts, slots), np.float32)
    statistics = diagnostics.router_statistics(
        MoEOutput(
            dispatch_weights=uniform / tokens,
            combine_weights=uniform / (experts * slots),
            logits=0 * uniform,
            probabilities=uniform.mean(-1) / (experts * slots),
            load=np.full((4, experts), 1 / experts, np.float32),
            dropped=np.zeros(4, np.float32),
        )
    )
    assert float(statistics["dispatch_entropy"]) == pytest.approx(
        math.log(tokens), rel=1e-5
    )
    assert float(statistics["combine_entropy"]) == pytest.approx(math.log(6), rel=1e-5)
    assert float(statistics["expert_entropy"]) == pytest.approx(
        math.log(experts), rel=1e-5
    )
    assert float(statistics["load_expert_2"]) == pytest.approx(1 / 3, rel=1e-5)
    assert float(statistics["dropped_tokens"]) == 0


def test_what_a_top1_mixture_drops_is_no_distribution():
    """Two tokens, both for expert 0 of two, which has room for one."""
    one = np.zeros((1, 2, 2, 1), np.float32)
    one[0, 0, 0, 0] = 1.0
    probabilities = np.array([[[0.9, 0.1], [0.5, 0.5]]], np.float32)
    statistics = diagnostics.router_statistics(
        MoEOutput(
            dispatch_weights=one,
            combine_weights=0.9 * one,
            logits=np.log(probabilities),
            probabilities=probabilities,
            load=np.array([[0.5, 0.0]], np.float32),
            dropped=np.array([0.5], np.float32),
        )
    )
    assert float(statistics["dispatch_entropy"]) == 0.0
    assert float(statistics["combine_entropy"]) == pytest.approx(0.0, abs=1e-6)
    first = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert float(statistics["expert_entropy"]) == pytest.approx(
        (first + math.log(2)) / 2, rel=1e-5
    )
    assert [float(statistics[f"load_expert_{i}"]) for i in (0, 1)] == [0.5, 0.0]
    assert float(statistics["dropped_tokens"]) == 0.5


def test_what_holds_nothing_does_not_lower_an_entropy():
    """Both tokens are in one slot of two, and only one of them is served, by both."""
    dispatch, combine = np.zeros((2, 1, 2, 2, 1), np.float32)
    dispatch[0, :, 0] = combine[0, 0] = 0.5
    statistics = diagnostics.router_statistics(
        MoEOutput(
            dispatch_weights=dispatch,
            combine_weights=combine,
            logits=combine,
            probabilities=np.full((1, 2, 2), 0.5, np.float32),
            load=np.array([[0.25, 0.25]], np.float32),
            dropped=np.array([0.5], np.float32),
        )
    )
    for of in ("dispatch", "combine"):
        entropy = float(statistics[f"{of}_entropy"])
        assert entropy == pytest.approx(math.log(2), rel=1e-5)


def test_a_mixture_of_ones_own_has_a_router_by_any_name():
    gradients = {
        "moe/gate": {"w": np.full(4, 1.0)},
        "moe/experts/ffn": {"w": np.full(8, 2.0)},
        "moe/experts/router": {"w": np.full(1, 2.0)},
        "encoder/conv": {"w": np.full(5, 3.0)},
        "encoder/bias": {"b": np.full((2, 3), 3.0)},
    }
    norms = diagnostics.gradient_norms(gradients)
    assert float(norms["router_gradient_norm"]) == pytest.approx(2)
    assert float(norms["experts_gradient_norm"]) == pytest.approx(6)


@pytest.mark.parametrize(
    ("settings", "router", "experts"),
    [
        ({"moe": "soft"}, {"moe/slot_logits"}, {"moe/experts/hidden"}),
        ({"moe": "top1"}, {"moe/router"}, {"moe/experts/output"}),
        (
            {"variant": "big", "tokenizer": "per_samp"},
            {"moe/slot_logits"},
            {"expert_0/encoder/conv_1", "expert_1/head/value"},
        ),
        (
            {"variant": "all", "tokenizer": "per_samp"},
            {"dense_routing/slot_logits", "head/value_routing/slot_logits"},
            {"dense", "head/value", "encoder/conv_0"},
        ),
        (
            {"variant": "all", "tokenizer": "per_samp", "phi": "redrawn"},
            set(),
            {"dense", "head/value", "encoder/conv_0"},
        ),
        (
            {
                "variant": "all",
                "tokenizer": "per_samp",
                "encoder": "tests.outside_parts:unpadded",
            },
            {"encoder/conv_routing_1/slot_logits"},
            {"encoder/conv", "encoder/conv_1"},
        ),
        ({"moe": "none"}, set(), set()),
    ],
)
def test_gradients_are_told_apart_by_their_part(settings, router, experts):
    config = NetworkConfig(**{"encoder": "nature_cnn", "num_experts": 2, **settings})
    params = jax.eval_shape(
        make_network(config, 4).init,
        jax.random.PRNGKey(0),
        np.zeros((1, 16, 16, 1), np.uint8),
    )

    def gradients(ones):
        return {
            module: {
                name: np.full(x.shape, float(module in ones))
                for name, x in both.items()
            }
            for module, both in params.items()
        }

    def root_of_sizes(modules):
        return math.sqrt(
            sum(math.prod(x.shape) for m in modules for x in params[m].values())
        )

    assert router | experts <= set(params)
    norms = diagnostics.gradient_norms(gradients(router | experts))
    assert float(norms["router_gradient_norm"]) == pytest.approx(
        root_of_sizes(router), rel=1e-5
    )
    assert float(norms["experts_gradient_norm"]) == pytest.approx(
        root_of_sizes(experts), rel=1e-5
    )
    rest = {m for m in params if "encoder" in m and settings.get("variant") is None}
    none = diagnostics.gradient_norms(gradients(rest))
    assert {float(x) for x in none.values()} == {0.0}
