"""Branches: what `jax.lax.cond` gives, on whatever device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.learning.branches import branch

OPERANDS = {"x": np.arange(3.0), "mask": np.array([True, False])}


@jax.jit
def on_cpu(predicate, operands):
    return branch(predicate, doubled, lambda operands: operands, operands)


def doubled(operands):
    return {"x": 2 * operands["x"], "mask": ~operands["mask"]}


@pytest.mark.parametrize("predicate", [True, False])
def test_only_the_branch_that_is_asked_for_counts(predicate, as_on_accelerator):
    expected = doubled(OPERANDS) if predicate else OPERANDS
    jax.tree.map(np.testing.assert_array_equal, on_cpu(predicate, OPERANDS), expected)
    with as_on_accelerator():
        result = branch(jnp.array(predicate), doubled, lambda x: x, OPERANDS)
    jax.tree.map(np.testing.assert_array_equal, result, expected)


def test_an_accelerator_takes_no_branch(as_on_accelerator):
    def program():  # A new function each time: JAX keeps what it traced.
        return str(
            jax.make_jaxpr(lambda x: branch(x, doubled, lambda x: x, OPERANDS))(True)
        )

    assert "cond[" in program()
    with as_on_accelerator():
        assert "cond[" not in program()
