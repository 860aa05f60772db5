"""Expert choice routing, against a loop over experts and slots."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import NetworkConfig, check_part, layers
from acme_moe.networks.expert_choice import ExpertChoice
from acme_moe.networks.interfaces import ExpertSpec

TOKENS, SIZE, EXPERTS, HIDDEN = 7, 4, 3, 5


def mixed(num_slots, seed=0):
    """Tokens, parameters and what the mixture makes of them."""
    spec = ExpertSpec(EXPERTS, num_slots, HIDDEN, layers.Dense, evaluation=True)
    function = hk.transform(lambda x: ExpertChoice()(x, spec))
    tokens = np.random.default_rng(seed).normal(size=(2, TOKENS, SIZE))
    tokens = 2 * tokens.astype(np.float32)
    params = jax.jit(function.init)(jax.random.key(seed), tokens)
    params = jax.tree.map(lambda x: np.asarray(x) + np.float32(0.1), params)
    return tokens, params, jax.jit(function.apply)(params, None, tokens)


@pytest.mark.parametrize("num_slots", [1, 3, 7])
def test_equals_a_loop(num_slots):
    tokens, params, output = mixed(num_slots)
    first, second = params["moe/experts/hidden"], params["moe/experts/output"]
    for b in range(2):
        logits = tokens[b].astype(np.float64) @ params["moe/router"]["w"]
        scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected = np.zeros((TOKENS, SIZE))
        taken = np.zeros((TOKENS, EXPERTS))
        for e in range(EXPERTS):
            for i in np.argsort(-scores[:, e])[:num_slots]:
                hidden = np.maximum(tokens[b, i] @ first["w"][e] + first["b"][e], 0)
                expert = hidden @ second["w"][e] + second["b"][e]
                expected[i] += scores[i, e] * expert
                taken[i, e] = 1
        np.testing.assert_allclose(output.tokens[b], expected, atol=1e-4)
        of_token = taken.sum(axis=1, keepdims=True)
        load = (taken / np.maximum(of_token, 1)).mean(axis=0)
        np.testing.assert_allclose(output.moe.load[b], load, atol=1e-6)
        np.testing.assert_allclose(output.moe.dropped[b], (of_token == 0).mean())


def test_every_slot_holds_a_token_of_its_own():
    _, _, output = mixed(3)
    dispatch = np.asarray(output.moe.dispatch_weights)
    np.testing.assert_array_equal(dispatch.sum(axis=1), 1)
    assert dispatch.sum(axis=3).max() == 1


def test_there_are_no_more_slots_than_tokens():
    _, _, output = mixed(9)
    assert output.moe.dispatch_weights.shape[3] == TOKENS
    assert not output.moe.dropped.any()


def test_the_router_learns():
    tokens, params, _ = mixed(2)
    spec = ExpertSpec(EXPERTS, 2, HIDDEN, layers.Dense, evaluation=True)
    function = hk.transform(lambda x: ExpertChoice()(x, spec))
    gradients = jax.grad(
        lambda params: jnp.sum(function.apply(params, None, tokens).tokens ** 2)
    )(params)
    assert np.abs(gradients["moe/router"]["w"]).max() > 0


def test_the_checker_finds_nothing_wrong(monkeypatch):
    monkeypatch.setattr(check_part, "_cost", lambda bench: "")
    config = NetworkConfig(
        encoder="nature_cnn", moe="expert_choice", num_experts=2, expert_width=4
    )
    found = list(check_part.check("moe", "expert_choice", config, (24, 24, 2)))
    assert not [x for x in found if x.outcome == "FAILED"], found
