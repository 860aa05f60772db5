"""Gradual magnitude pruning: the schedule's formula, and what becomes of weights."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from acme_moe.learning.pruning import pruned, sparsity_schedule

SETTINGS = {"sparsity": 0.9, "start": 4, "end": 20, "period": 4}


def parameters():
    keys = jax.random.split(jax.random.key(0), 4)
    return {
        "dense": {
            "w": jax.random.normal(keys[0], (8, 25)),
            "b": jax.random.normal(keys[1], (25,)),
        },
        "experts": {
            "w": jax.random.normal(keys[2], (2, 5, 10)),
            "b": jax.random.normal(keys[3], (2, 10)),
            "w_sigma": jnp.full((4, 10), 0.1),
        },
    }


def trajectory(steps, **settings):
    """Parameters after each of a number of updates."""
    # Its steps are so large that what is pruned could outgrow some of the rest.
    optimizer = pruned(optax.adam(0.3), **{**SETTINGS, **settings})
    params = parameters()
    state = optimizer.init(params)

    @jax.jit
    def step(params, state, key):
        gradients = jax.tree.map(lambda x: jax.random.normal(key, x.shape), params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    seen = []
    for i in range(steps):
        params, state = step(params, state, jax.random.key(i))
        seen.append(jax.tree.map(np.asarray, params))
    return seen


@pytest.mark.parametrize(
    ("steps", "share"),
    [
        (0, 0.0),
        (10, 0.0),
        (30, 0.8 * (1 - 0.75**3)),
        (50, 0.8 * (1 - 0.5**3)),
        (90, 0.8),
        (1000, 0.8),
    ],
)
def test_the_schedule_is_the_formula(steps, share):
    assert np.isclose(sparsity_schedule(0.8, 10, 90)(steps), share, rtol=1e-6)


@pytest.mark.parametrize(("sparsity", "period"), [(0.9, 4), (0.3, 1)])
def test_each_layer_has_the_share_of_its_last_choice(sparsity, period):
    schedule = sparsity_schedule(sparsity, 4, 20)
    seen = trajectory(30, sparsity=sparsity, period=period)
    for step, params in enumerate(seen, start=1):
        last = min(step - step % period, 20)
        share = float(schedule(last)) if step >= 4 else 0.0
        for w in (params["dense"]["w"], *of_experts(params)):
            # A half may be rounded either way.
            assert abs((w == 0).sum() - share * w.size) < 0.51, step


def of_experts(params):
    return params["experts"]["w"], params["experts"]["w_sigma"]


def test_what_is_pruned_stays_so_and_biases_never_are():
    seen = trajectory(30)
    for before, after in itertools.pairwise(seen):
        zero = before["dense"]["w"] == 0
        assert (after["dense"]["w"][zero] == 0).all()
        assert (after["experts"]["b"] != 0).all()
        assert (after["dense"]["b"] != 0).all()


def test_the_smallest_are_pruned():
    (*_, before, after) = trajectory(4, start=3, end=4, period=100, sparsity=0.5)
    assert (before["dense"]["w"] != 0).sum() == 200
    plain = trajectory(4, sparsity=0.0)[-1]["dense"]["w"]
    cut = np.sort(np.abs(plain).ravel())[100]
    np.testing.assert_array_equal(after["dense"]["w"] != 0, np.abs(plain) >= cut)


def test_before_the_start_nothing_changes():
    plain = trajectory(3, sparsity=0.0)[-1]
    np.testing.assert_array_equal(trajectory(3)[-1]["dense"]["w"], plain["dense"]["w"])


def test_the_end_is_reached_where_the_period_does_not_divide():
    params = trajectory(21, period=7)[-1]
    assert (params["dense"]["w"] == 0).sum() == 180


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": 4, "end": 4}, "end: 4 is not accepted; at least 5"),
        ({"sparsity": 95.0}, r"sparsity: 95\.0 is not accepted; 0 to 1"),
        ({"period": 0}, "period: 0 is not accepted; at least 1"),
    ],
)
def test_what_would_prune_everything_or_never_is_refused(settings, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        trajectory(0, **settings)
