"""Properties of both mixtures of experts."""

import functools

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe.networks import layers
from acme_moe.networks.interfaces import ExpertSpec
from acme_moe.networks.soft_moe import SoftMoE, l2_normalize
from acme_moe.networks.top1_moe import Top1, Top1MoE, assign

HIDDEN = 6

few = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31 - 1)
# Batch, tokens, token size, experts, slots: few, as each is compiled anew.
sizes = st.sampled_from(
    [
        (1, 1, 4, 1, 1),
        (3, 9, 4, 5, 3),
        (2, 9, 1, 2, 1),
        (3, 2, 4, 5, 1),
        (2, 7, 3, 1, 9),
    ]
)


@functools.cache
def compiled(kind, num_experts, slots, **kwargs):
    """A mixture's `init` and `apply`."""
    transformed = hk.transform(
        lambda tokens: kind(num_experts, slots, HIDDEN, **kwargs)(tokens)
    )
    return jax.jit(transformed.init), jax.jit(transformed.apply)


def make_case(kind, seed, sizes, **kwargs):
    """A mixture's function of parameters and tokens, and some of both."""
    *tokens_shape, num_experts, slots = sizes
    init, apply = compiled(kind, num_experts, slots, **kwargs)
    rng = np.random.default_rng(seed)
    tokens = 2 * rng.normal(size=tokens_shape).astype(np.float32)
    params = init(jax.random.key(seed), tokens)
    # Biases matter too.
    params = jax.tree.map(lambda x: np.asarray(x) + np.float32(0.1), params)
    # As arrays of NumPy, whose operations are not compiled.
    return (
        lambda params, tokens: jax.tree.map(np.asarray, apply(params, None, tokens)),
        params,
        tokens,
    )


@few
@given(seed=seeds, sizes=sizes, normalization=st.booleans())
def test_soft_weights_sum_to_one(seed, sizes, normalization):
    apply, params, tokens = make_case(SoftMoE, seed, sizes, normalization=normalization)
    moe = apply(params, tokens).moe
    np.testing.assert_allclose(moe.dispatch_weights.sum(axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(moe.combine_weights.sum(axis=(2, 3)), 1.0, atol=1e-5)
    np.testing.assert_allclose(moe.load.sum(axis=1), 1.0, atol=1e-5)
    assert not moe.dropped.any()


@few
@given(seed=seeds, sizes=sizes, normalization=st.booleans())
def test_soft_permuted_tokens_permute_the_outputs(seed, sizes, normalization):
    apply, params, tokens = make_case(SoftMoE, seed, sizes, normalization=normalization)
    order = np.random.default_rng(seed).permutation(sizes[1])
    straight = apply(params, tokens).tokens[:, order]
    np.testing.assert_allclose(
        apply(params, tokens[:, order]).tokens, straight, atol=1e-4
    )


@few
@given(seed=seeds, kind=st.sampled_from([SoftMoE, Top1MoE]))
def test_one_expert_with_one_token_is_that_expert(seed, kind):
    apply, params, tokens = make_case(kind, seed, (3, 1, 4, 1, 1))
    first, second = params["moe/experts/hidden"], params["moe/experts/output"]
    hidden = np.maximum(tokens @ first["w"][0] + first["b"][0], 0)
    expected = hidden @ second["w"][0] + second["b"][0]
    mixed = apply(params, tokens)
    np.testing.assert_allclose(mixed.tokens, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mixed.expert_hidden[:, 0], hidden, rtol=1e-5, atol=1e-5)


@few
@given(seed=seeds, sizes=sizes, kind=st.sampled_from([SoftMoE, Top1MoE]))
def test_a_batch_gives_what_its_examples_give(seed, sizes, kind):
    apply, params, tokens = make_case(kind, seed, sizes)
    together = apply(params, tokens)
    alone = [apply(params, tokens[i : i + 1]) for i in range(sizes[0])]
    one_by_one = jax.tree.map(lambda *x: np.concatenate(x), *alone)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), together, one_by_one
    )


@few
@given(seed=seeds, sizes=sizes)
def test_top1_keeps_the_capacity_and_drops_the_last(seed, sizes):
    apply, params, tokens = make_case(Top1MoE, seed, sizes)
    mixed = apply(params, tokens)
    moe = mixed.moe
    num_tokens, capacity = sizes[1], sizes[-1]
    per_slot = moe.dispatch_weights.sum(axis=1)
    assert (per_slot <= 1).all()
    taken = per_slot.sum(axis=-1)
    assert (taken <= capacity).all()
    np.testing.assert_allclose(taken / num_tokens, moe.load, atol=1e-6)
    np.testing.assert_allclose(moe.load.sum(axis=1) + moe.dropped, 1.0, atol=1e-6)
    np.testing.assert_allclose(moe.probabilities.sum(axis=-1), 1.0, atol=1e-5)
    chosen = moe.probabilities.argmax(axis=-1)
    served = moe.dispatch_weights.sum(axis=(2, 3))
    for example in range(sizes[0]):
        for expert in range(sizes[3]):
            queue = np.flatnonzero(chosen[example] == expert)
            assert (served[example, queue[:capacity]] == 1).all()
            assert (served[example, queue[capacity:]] == 0).all()
            assert not mixed.tokens[example, queue[capacity:]].any()


@few
@given(seed=seeds, sizes=sizes)
def test_top1_is_its_weights(seed, sizes):
    """The tokens are what the dispatch and combine weights say, by plain sums."""
    apply, params, tokens = make_case(Top1MoE, seed, sizes)
    mixed = apply(params, tokens)
    moe = mixed.moe
    slots = np.einsum("bmes,bmd->besd", moe.dispatch_weights, tokens)
    first, second = params["moe/experts/hidden"], params["moe/experts/output"]
    hidden = np.einsum("besd,edh->besh", slots, first["w"]) + first["b"][:, None]
    hidden = np.maximum(hidden, 0)
    outputs = np.einsum("besh,ehd->besd", hidden, second["w"]) + second["b"][:, None]
    expected = np.einsum("bmes,besd->bmd", moe.combine_weights, outputs)
    np.testing.assert_allclose(mixed.tokens, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mixed.expert_hidden, hidden, rtol=1e-4, atol=1e-5)


@few
@given(seed=seeds, sizes=sizes)
def test_assignment_is_a_map_and_its_inverse(seed, sizes):
    _, num_tokens, _, num_experts, capacity = sizes
    rng = np.random.default_rng(seed)
    chosen = rng.integers(num_experts, size=(2, num_tokens))
    assignment = jax.jit(assign, static_argnums=(1, 2))(chosen, num_experts, capacity)
    token_slot, slot_token = map(np.asarray, assignment)
    num_slots = num_experts * capacity
    for example in range(2):
        kept = np.flatnonzero(token_slot[example] < num_slots)
        slots = token_slot[example, kept]
        np.testing.assert_array_equal(slot_token[example, slots], kept)
        np.testing.assert_array_equal(slots // capacity, chosen[example, kept])
        empty = np.setdiff1d(np.arange(num_slots), slots)
        assert (slot_token[example, empty] == num_tokens).all()


def test_top1_noise_changes_the_choice_and_not_the_logits():
    init, apply = compiled(Top1MoE, 4, 8, noise_stddev=2.0)
    tokens = np.random.default_rng(0).normal(size=(2, 16, 4)).astype(np.float32)
    params = init(jax.random.key(1), tokens)
    one, two = (apply(params, jax.random.key(seed), tokens).moe for seed in (2, 3))
    np.testing.assert_array_equal(one.logits, two.logits)
    choices = [np.asarray(x.probabilities).argmax(axis=-1) for x in (one, two)]
    assert (choices[0] != choices[1]).any()
    # A token's weight is the probability by which its expert was chosen.
    served = one.dispatch_weights.sum(axis=(2, 3))
    weights = one.combine_weights.sum(axis=(2, 3))
    np.testing.assert_allclose(
        weights, served * one.probabilities.max(axis=-1), rtol=1e-6
    )


def test_router_noise_is_divided_by_the_number_of_experts():
    init, apply = compiled(Top1MoE, 4, 8, noise_stddev=0.5)
    tokens = np.random.default_rng(0).normal(size=(2, 16, 4)).astype(np.float32)
    params = init(jax.random.key(1), tokens)
    spec = ExpertSpec(4, 8, HIDDEN, layers.Dense, evaluation=False)
    mixture = hk.transform(lambda tokens: Top1(router_noise=2.0)(tokens, spec))
    found = jax.jit(mixture.apply)(params, jax.random.key(2), tokens)
    expected = apply(params, jax.random.key(2), tokens)
    np.testing.assert_allclose(
        found.moe.probabilities, expected.moe.probabilities, rtol=1e-6
    )


@pytest.mark.parametrize("phi", ["fixed", "redrawn"])
def test_random_phi_is_not_trained(phi):
    init, apply = compiled(SoftMoE, 2, 2, phi=phi)
    tokens = np.random.default_rng(0).normal(size=(2, 5, 4)).astype(np.float32)
    params = init(jax.random.key(1), tokens)

    @jax.jit
    @jax.value_and_grad
    def total(params, key):
        return apply(params, key, tokens).tokens.sum()

    (one, gradients), (two, _) = (total(params, jax.random.key(s)) for s in (2, 3))
    assert (one != two) == (phi == "redrawn")
    assert ("moe/slot_logits" in params) == (phi == "fixed")
    if phi == "fixed":
        assert not gradients["moe/slot_logits"]["phi"].any()
    assert gradients["moe/experts/hidden"]["w"].any()


def test_normalized_zero_token_has_a_finite_gradient():
    # After a ReLU a token may well be all zeros.
    x = jnp.zeros((2, 3)).at[0].set(1.0)
    gradient = jax.grad(lambda x: l2_normalize(x, axis=-1).sum())(x)
    assert jnp.isfinite(gradient).all()


def test_initial_scales():
    init, _ = compiled(SoftMoE, 4, 16)
    params = init(jax.random.key(0), np.zeros((1, 64, 256), np.float32))
    params = jax.tree.map(np.asarray, params)
    # LeCun normal with the fan-in that a convolution of that shape would have.
    np.testing.assert_allclose(
        params["moe/slot_logits"]["phi"].std(), (256 * 4) ** -0.5, rtol=0.05
    )
    # Xavier uniform with the fans of one expert.
    limit = (6 / (256 + HIDDEN)) ** 0.5
    largest = np.abs(params["moe/experts/hidden"]["w"]).max()
    assert 0.95 * limit < largest <= limit * 1.001
    np.testing.assert_allclose(params["moe/experts/hidden"]["b"], 0.0)
