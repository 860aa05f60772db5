import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe import losses

few = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31 - 1)
B, A, N = 4, 3, 7
ATOMS = np.linspace(-2, 2, N).astype(np.float32)

compiled = {
    name: jax.jit(getattr(losses, name))
    for name in (
        "q_learning_errors",
        "categorical_double_q_losses",
        "projected_targets",
        "importance_loss",
        "load_loss",
    )
}


def draw(seed):
    rng = np.random.default_rng(seed)
    return {
        "q": rng.normal(size=(3, B, A)).astype(np.float32),
        "logits": 2 * rng.normal(size=(2, B, A, N)).astype(np.float32),
        "a": rng.integers(A, size=B),
        "r": rng.normal(size=B).astype(np.float32),
        "d": rng.choice([0.0, 0.9, 0.99], size=B).astype(np.float32),
    }


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


@few
@given(seed=seeds)
def test_q_learning_is_target_minus_prediction(seed):
    x = draw(seed)
    rows = np.arange(B)
    args = (x["q"][0], x["a"], x["r"], x["d"], x["q"][1])
    target = x["r"] + x["d"] * x["q"][1].max(axis=1)
    errors = compiled["q_learning_errors"](*args)
    np.testing.assert_allclose(errors, target - x["q"][0][rows, x["a"]], atol=1e-5)
    best = x["q"][2].argmax(axis=1)
    target = x["r"] + x["d"] * x["q"][1][rows, best]
    errors = compiled["q_learning_errors"](*args, x["q"][2])
    np.testing.assert_allclose(errors, target - x["q"][0][rows, x["a"]], atol=1e-5)


def test_no_gradient_through_targets():
    x = draw(0)

    def q_loss(q_t, selector):
        errors = losses.q_learning_errors(
            x["q"][0], x["a"], x["r"], x["d"], q_t, selector
        )
        return losses.squared(errors).sum()

    def c51_loss(logits_t, selector):
        return losses.categorical_double_q_losses(
            x["logits"][0], ATOMS, x["a"], x["r"], x["d"], logits_t, selector
        ).sum()

    for gradient in (
        *jax.jit(jax.grad(q_loss, (0, 1)))(x["q"][1], x["q"][2]),
        *jax.jit(jax.grad(c51_loss, (0, 1)))(x["logits"][1], x["q"][2]),
    ):
        assert not gradient.any()


def test_huber_and_squared():
    errors = jnp.array([-3.0, -1.0, 0.0, 0.5, 2.0])
    np.testing.assert_allclose(losses.huber(errors), [2.5, 0.5, 0.0, 0.125, 1.5])
    np.testing.assert_allclose(losses.squared(errors), [9, 1, 0, 0.25, 4])


@few
@given(seed=seeds)
def test_projected_targets_are_distributions_with_the_mean_of_the_target(seed):
    x = draw(seed)
    probabilities = softmax(x["logits"][0][:, 0])
    # So little that no atom leaves the support: then the mean survives.
    r_t, d_t = 0.1 * x["r"], 0.8 * x["d"]
    target = np.asarray(compiled["projected_targets"](ATOMS, r_t, d_t, probabilities))
    np.testing.assert_allclose(target.sum(axis=1), 1.0, atol=1e-5)
    assert (target >= 0).all()
    clipped = np.clip(r_t[:, None] + d_t[:, None] * ATOMS, -2, 2)
    mean = (clipped * probabilities).sum(axis=1)
    np.testing.assert_allclose((target * ATOMS).sum(axis=1), mean, atol=1e-4)


@few
@given(seed=seeds)
def test_c51_is_the_cross_entropy_to_the_projection(seed):
    x = draw(seed)
    rows = np.arange(B)
    best = x["q"][2].argmax(axis=1)
    target = compiled["projected_targets"](
        ATOMS, x["r"], x["d"], softmax(x["logits"][1][rows, best])
    )
    target = np.asarray(target)
    log_p = np.log(softmax(x["logits"][0][rows, x["a"]]))
    errors = compiled["categorical_double_q_losses"](
        x["logits"][0], ATOMS, x["a"], x["r"], x["d"], x["logits"][1], x["q"][2]
    )
    np.testing.assert_allclose(errors, -(target * log_p).sum(axis=1), atol=1e-4)


def test_importance_weights_and_priorities():
    weights = losses.importance_weights(jnp.array([0.01, 0.04, 0.25]))
    np.testing.assert_allclose(weights, [1.0, 0.5, 0.2], rtol=1e-5)
    np.testing.assert_allclose(losses.priorities(jnp.array([4.0, 9.0])), [2.0, 3.0])
    assert jnp.isfinite(jax.grad(lambda x: losses.priorities(x).sum())(jnp.zeros(2)))[0]


def test_conservative_losses():
    q = np.log(np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]], np.float32))
    errors = losses.conservative_losses(q, np.array([1, 2]))
    np.testing.assert_allclose(errors, np.log([4.0, 2.0]), rtol=1e-5)


def test_balanced_routers_lose_nothing_and_collapsed_ones_the_most():
    even = np.full((2, 6, 3), 1 / 3, np.float32)
    collapsed = np.zeros((2, 6, 3), np.float32)
    collapsed[..., 1] = 1.0
    np.testing.assert_allclose(compiled["importance_loss"](even), 0.0, atol=1e-6)
    # One of E experts has everything: variance over squared mean is E - 1.
    np.testing.assert_allclose(compiled["importance_loss"](collapsed), 2.0, rtol=1e-5)
    noise = np.zeros((2, 6, 3), np.float32)
    np.testing.assert_allclose(
        compiled["load_loss"](even, noise, 1 / 3), 0.0, atol=1e-6
    )
    load = compiled["load_loss"](100.0 * collapsed, noise, 1 / 3)
    np.testing.assert_allclose(load, 2.0, rtol=1e-4)


@pytest.mark.parametrize("logits", [np.zeros((2, 5, 3)), np.zeros((2, 1, 1))])
def test_even_routers_have_finite_gradients(logits):
    @jax.jit
    @jax.grad
    def gradient(logits):
        return losses.load_balancing_loss(
            jax.random.key(0), logits, jax.nn.softmax(logits), 0.1, 0.1
        )

    assert np.isfinite(gradient(logits.astype(np.float32))).all()


def test_load_balancing_weights():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 3)).astype(np.float32)
    p = softmax(logits)
    key = jax.random.key(1)
    noise = jax.random.normal(key, logits.shape)

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def total(importance_weight, load_weight):
        return losses.load_balancing_loss(
            key, logits, p, importance_weight, load_weight, load_noise=2.0
        )

    importance = compiled["importance_loss"](p)
    load = compiled["load_loss"](logits, noise, 2.0 / 3)
    np.testing.assert_allclose(total(0.0, 0.0), 0.0)
    np.testing.assert_allclose(total(0.5, 0.0), 0.5 * importance, rtol=1e-5)
    np.testing.assert_allclose(total(0.5, 2.0), 0.5 * importance + 2 * load, rtol=1e-5)
