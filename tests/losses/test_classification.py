"""HL-Gauss and two-hot: numbers by integration and by hand, and what holds of any."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from acme_moe import losses
from acme_moe.losses.classification import hl_gauss_probabilities
from tests.precision import enable_x64

ATOMS = np.linspace(-10, 10, 51)
TARGETS = np.array([-10.0, -3.21, 0.0, 0.13, 4.0, 9.9])


@pytest.fixture(autouse=True)
def double():
    with enable_x64(True):
        yield


@pytest.mark.parametrize("sigma_over_width", [0.75, 2.0])
def test_hl_gauss_integrates_a_normal_distribution_over_each_bin(sigma_over_width):
    width = ATOMS[1] - ATOMS[0]
    sigma = sigma_over_width * width
    for target in TARGETS:
        normal = scipy.stats.norm(target, sigma)
        ends = ATOMS[0] - width / 2, ATOMS[-1] + width / 2
        expected = [
            normal.cdf(z + width / 2) - normal.cdf(z - width / 2) for z in ATOMS
        ]
        expected = np.array(expected) / (normal.cdf(ends[1]) - normal.cdf(ends[0]))
        found = hl_gauss_probabilities(
            jnp.asarray(target), jnp.asarray(ATOMS), sigma_over_width
        )
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_papers_bins_are_an_accepted_support():
    """51 bins between -10 and 10, as `num_atoms` and `v_max` of a network."""
    edges = np.linspace(-10, 10, 52)
    centres = np.linspace(-10 * 50 / 51, 10 * 50 / 51, 51)
    np.testing.assert_allclose(centres, (edges[1:] + edges[:-1]) / 2)
    sigma, target = 0.75 * 20 / 51, 1.234
    below = scipy.stats.norm(target, sigma).cdf(edges)
    expected = np.diff(below) / (below[-1] - below[0])
    found = hl_gauss_probabilities(jnp.asarray(target), jnp.asarray(centres))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_mean_is_the_target_away_from_the_ends():
    inner = np.linspace(-8, 8, 33)
    found = hl_gauss_probabilities(jnp.asarray(inner), jnp.asarray(ATOMS)) @ ATOMS
    np.testing.assert_allclose(found, inner, atol=1e-3)
    np.testing.assert_allclose(
        hl_gauss_probabilities(jnp.asarray(TARGETS), jnp.asarray(ATOMS)).sum(-1), 1
    )


def test_two_hot_is_the_two_atoms_beside_the_target():
    atoms = jnp.asarray([-2.0, 0.0, 2.0, 4.0])
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)))
    log_p = np.asarray(jax.nn.log_softmax(logits))
    found = losses.two_hot(logits, jnp.asarray([0.5, 2.0, 4.0, 9.0]), atoms)
    expected = [
        -(0.75 * log_p[0, 1] + 0.25 * log_p[0, 2]),
        -log_p[1, 2],
        -log_p[2, 3],
        -log_p[3, 3],
    ]
    # rlax divides by the width plus 1e-5.
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("loss", [losses.hl_gauss, losses.two_hot])
def test_targets_far_off_count_as_the_ends_and_pass_no_gradient(loss):
    logits = jnp.asarray(np.random.default_rng(0).normal(size=(2, 51)))
    atoms = jnp.asarray(ATOMS)
    far, end = (loss(logits, jnp.full(2, x), atoms) for x in (1e4, 10.0))
    np.testing.assert_allclose(far, end)
    by_logits, by_targets = jax.grad(lambda *x: loss(*x, atoms).sum(), argnums=(0, 1))(
        logits, jnp.full(2, 1e4)
    )
    assert np.isfinite(by_logits).all()
    assert not by_targets.any()


@pytest.mark.parametrize("loss", [losses.hl_gauss, losses.two_hot])
def test_gradient_descent_finds_the_target(loss):
    atoms, target = jnp.asarray(ATOMS), jnp.asarray([3.3])
    logits = jnp.zeros((1, 51))
    step = jax.jit(jax.grad(lambda x: loss(x, target, atoms).sum()))
    for _ in range(2_000):
        logits -= 2.0 * step(logits)
    np.testing.assert_allclose(jax.nn.softmax(logits) @ atoms, target, atol=0.05)
