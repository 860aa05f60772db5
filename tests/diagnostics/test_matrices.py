"""Norms and ranks of matrices whose answers are known."""

import jax
import numpy as np
import pytest

from acme_moe import diagnostics


def low_rank(rank, shape=(32, 50), seed=0):
    """A matrix with that many singular values of 1, and no others."""
    rng = np.random.default_rng(seed)
    left, _ = np.linalg.qr(rng.normal(size=(shape[0], rank)))
    right, _ = np.linalg.qr(rng.normal(size=(shape[1], rank)))
    return (left @ right.T).astype(np.float32)


def test_the_feature_norm_is_the_mean_of_the_rows():
    features = np.array([[3.0, 4.0], [0.0, 0.0], [-6.0, 8.0]])
    assert float(diagnostics.feature_norm(features)) == pytest.approx(5.0)


@pytest.mark.parametrize("rank", [1, 3, 32])
def test_the_numerical_rank_of_a_matrix_of_rank_k_is_k(rank):
    matrix = low_rank(rank)
    assert int(jax.jit(diagnostics.numerical_rank)(matrix, 0.01)) == rank
    assert int(diagnostics.numerical_rank(1e-6 * matrix, 0.01)) == rank


def test_the_threshold_is_a_share_of_the_largest_singular_value():
    matrix = np.diag([5.0, 1.0, 0.06, 0.04, 0.0])
    assert int(diagnostics.numerical_rank(matrix, 0.01)) == 3
    assert int(diagnostics.numerical_rank(matrix, 0.001)) == 4
    assert int(diagnostics.numerical_rank(matrix, 0.5)) == 1
    # Above it, not at it.
    assert int(diagnostics.numerical_rank(np.eye(4), 1.0)) == 0


@pytest.mark.parametrize("rank", [1, 3, 32])
def test_the_effective_rank_of_equal_singular_values_counts_them(rank):
    assert int(diagnostics.effective_rank(low_rank(rank))) == rank


def test_the_effective_rank_leaves_out_a_share_of_the_sum():
    matrix = np.diag([90.0, 9.5, 0.3, 0.2])
    assert int(diagnostics.effective_rank(matrix, 0.01)) == 2
    assert int(diagnostics.effective_rank(matrix, 0.2)) == 1
    assert int(diagnostics.effective_rank(matrix, 0.003)) == 3
    # The first is all that has to be left.
    assert int(diagnostics.effective_rank(np.eye(2), 0.5)) == 1


def test_a_matrix_of_zeros_has_rank_zero():
    zeros = np.zeros((4, 6))
    assert int(diagnostics.numerical_rank(zeros, 0.01)) == 0
    assert int(diagnostics.effective_rank(zeros)) == 0
