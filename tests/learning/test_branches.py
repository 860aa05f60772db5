"""Branches: what `jax.lax.cond` gives, on whatever device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.learning.branches import branch
from tests.lowering import branches

OPERANDS = {"x": np.arange(3.0), "mask": np.array([True, False])}


@jax.jit
def jitted(predicate, operands):
    return branch(predicate, doubled, lambda operands: operands, operands)


def doubled(operands):
    return {"x": 2 * operands["x"], "mask": ~operands["mask"]}


@pytest.mark.parametrize("predicate", [True, False])
def test_only_the_branch_that_is_asked_for_counts(predicate, as_on_accelerator):
    expected = doubled(OPERANDS) if predicate else OPERANDS
    jax.tree.map(np.testing.assert_array_equal, jitted(predicate, OPERANDS), expected)
    with as_on_accelerator():
        result = branch(jnp.array(predicate), doubled, lambda x: x, OPERANDS)
    jax.tree.map(np.testing.assert_array_equal, result, expected)


def test_only_a_cpu_takes_a_branch():
    assert branches(jitted, True, OPERANDS, platform="cpu") == 1
    assert branches(jitted, True, OPERANDS, platform="cuda") == 0
