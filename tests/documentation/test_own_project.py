"""The programs of the page on projects of one's own that no other test runs."""

import re

import jax
import numpy as np

from tests.learning.tiny import NETWORK, batch
from tests.programs import ROOT


def test_the_update_works_in_a_jitted_loop():
    page = (ROOT / "docs" / "own_project.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {}
    exec(next(block for block in blocks if "def make_train" in block), names)
    init, train = names["make_train"](NETWORK, target_update_period=2)
    transitions = jax.tree.map(lambda *x: np.stack(x), *(batch(seed=i) for i in (0, 1)))
    key = jax.random.PRNGKey(0)
    params = jax.jit(NETWORK.init)(key, batch().observation)
    state, losses = train(init(params, key), transitions)
    assert losses.shape == (2,)
    assert np.isfinite(losses).all()
    assert int(state.steps) == 2
    # After every second update.
    jax.tree.map(np.testing.assert_array_equal, state.params, state.target_params)
