"""R2D2's loss beside a plain loop in double precision."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe import losses

few = settings(max_examples=40, deadline=None, derandomize=True)
T, B, A = 9, 4, 3


def h(x):
    return np.sign(x) * (np.sqrt(np.abs(x) + 1) - 1) + 1e-3 * x


def h_inverse(x):
    """By bisection, so that it owes nothing to the closed form."""
    low, high = -1e4, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if h(middle) < x else (low, middle)
    return (low + high) / 2


@functools.partial(jax.jit, static_argnames="n_step")
def compiled(x, n_step):
    return losses.transformed_n_step_errors(**x, n_step=n_step)


def draw(seed, lengths, terminal_at):
    """Sequences of those lengths, whose padding holds arbitrary numbers."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (3 * rng.normal(size=shape)).astype(np.float32)

    discount = np.full((T, B), 0.9, np.float32)
    for b, step in enumerate(terminal_at):
        if step is not None:
            discount[min(step, lengths[b] - 1), b] = 0.0
    mask = np.arange(T)[:, None] < np.asarray(lengths)
    discount[~mask] = rng.choice([0.0, 0.5, 1.0], size=(~mask).sum())
    return {
        "q_tm1": normal(T, B, A),
        "a_tm1": rng.integers(A, size=(T, B)),
        "r_t": normal(T, B),
        "discount_t": discount,
        "q_t_value": normal(T, B, A),
        "q_t_selector": normal(T, B, A),
        "mask": mask,
    }


def loop(x, n_step):
    """Step by step, sequence by sequence."""
    x = {
        k: np.asarray(v, np.float64 if v.dtype.kind == "f" else None)
        for k, v in x.items()
    }
    errors = np.zeros((T, B))
    for b in range(B):
        length = int(x["mask"][:, b].sum())
        for t in range(length):
            value, factor = 0.0, 1.0
            for i in range(t, min(t + n_step, length)):
                value += factor * x["r_t"][i, b]
                factor *= x["discount_t"][i, b]
                last = i
            best = int(np.argmax(x["q_t_selector"][last, b]))
            value += factor * h_inverse(x["q_t_value"][last, b, best])
            errors[t, b] = h(value) - x["q_tm1"][t, b, x["a_tm1"][t, b]]
    return errors


lengths = st.lists(st.integers(1, T), min_size=B, max_size=B)
terminals = st.lists(
    st.one_of(st.none(), st.integers(0, T - 1)), min_size=B, max_size=B
)


@few
@given(
    seed=st.integers(0, 2**31 - 1),
    lengths=lengths,
    terminal_at=terminals,
    n_step=st.sampled_from([1, 3, 5, T + 2]),
)
def test_errors_are_those_of_the_loop(seed, lengths, terminal_at, n_step):
    x = draw(seed, lengths, terminal_at)
    np.testing.assert_allclose(compiled(x, n_step), loop(x, n_step), atol=2e-3)


@pytest.mark.parametrize("discount_at_end", [0.0, 0.9])
def test_padding_does_not_matter(discount_at_end):
    """Whatever it holds, discounts of 0 and of 1 in its middle included."""
    x = draw(0, [4, 4, 4, 4], [None] * B)
    x["discount_t"][3] = discount_at_end
    other = draw(1, [4, 4, 4, 4], [None] * B)
    mixed = {k: np.concatenate([x[k][:4], other[k][4:]]) for k in x}
    mixed["discount_t"][5] = 0.0
    mixed["r_t"][4:] = 100.0
    errors = compiled(x, 5)
    np.testing.assert_array_equal(errors, compiled(mixed, 5))
    assert not errors[4:].any()
    assert np.asarray(errors[:4]).all()


def test_a_truncated_episode_bootstraps_where_a_terminal_one_does_not():
    x = draw(0, [4, 4, 4, 4], [None] * B)
    truncated = compiled(x, 5)
    moved = {**x, "q_t_value": x["q_t_value"].copy()}
    moved["q_t_value"][3] += 1.0
    # All four returns end at the last observation.
    assert (np.asarray(compiled(moved, 5) - truncated)[:4] > 0).all()
    for end in (x, moved):
        end["discount_t"] = x["discount_t"].copy()
        end["discount_t"][3] = 0.0
    np.testing.assert_array_equal(compiled(moved, 5), compiled(x, 5))


def test_gradients_reach_the_predictions_alone():
    x = draw(0, [T, 5, 3, 1], [None] * B)

    def total(q_tm1, q_t_value, q_t_selector):
        errors = losses.transformed_n_step_errors(
            **{
                **x,
                "q_tm1": q_tm1,
                "q_t_value": q_t_value,
                "q_t_selector": q_t_selector,
            },
            n_step=3,
        )
        return losses.sequence_losses(errors).sum()

    gradients = jax.jit(jax.grad(total, (0, 1, 2)))(
        x["q_tm1"], x["q_t_value"], x["q_t_selector"]
    )
    assert not gradients[1].any()
    assert not gradients[2].any()
    np.testing.assert_array_equal(gradients[0].any(axis=-1), x["mask"])


def test_losses_and_priorities_by_hand():
    errors = jnp.array([[1.0, -4.0], [-3.0, 0.0], [2.0, 0.0]])
    mask = jnp.array([[True, True], [True, False], [True, False]])
    np.testing.assert_allclose(losses.sequence_losses(errors), [7.0, 8.0])
    np.testing.assert_allclose(
        losses.sequence_priorities(errors, mask, 0.9),
        [0.9 * 3 + 0.1 * 2, 4.0],
        rtol=1e-6,
    )


def test_importance_weights_with_an_exponent():
    probabilities = jnp.array([0.01, 0.04, 0.25])
    weights = losses.importance_weights(probabilities, 0.6)
    np.testing.assert_allclose(
        weights, (0.01 / np.array([0.01, 0.04, 0.25])) ** 0.6, rtol=1e-5
    )
    np.testing.assert_allclose(losses.importance_weights(probabilities, 0.0), 1.0)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.5, 2.0)])
def test_examples_that_do_not_count_balance_nothing(weights):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4, 5, 3)).astype(np.float32)
    mask = np.array([True, False, True, True])
    key = jax.random.key(1)

    @jax.jit
    def total(logits):
        return losses.load_balancing_loss(
            key, logits, jax.nn.softmax(logits), *weights, mask=mask
        )

    changed = logits.copy()
    changed[1] *= 7
    np.testing.assert_allclose(total(logits), total(changed), rtol=1e-6)
    changed[0] *= 7
    assert abs(total(logits) - total(changed)) > 1e-3
    kept = logits[mask]
    if not weights[1]:  # The load loss's noise is drawn for all examples.
        np.testing.assert_allclose(
            total(logits),
            losses.load_balancing_loss(key, kept, jax.nn.softmax(kept), *weights),
            rtol=1e-5,
        )
