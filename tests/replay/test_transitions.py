"""Packed transitions come back byte for byte, beside those of the earlier layout."""

import dm_env
import hypothesis
import numpy as np
import pytest
import reverb
import tree
from acme import specs
from hypothesis import strategies as st

from acme_moe.learning import Transition
from acme_moe.replay import NStepAdder, to_tensor_specs, transition_signature
from acme_moe.replay.dataset import make_sampler
from acme_moe.replay.transitions import Unpacker, pack_step
from tests.replay import episodes as truth

ACTIONS = {
    "buttons": specs.BoundedArray((3,), np.uint8, 0, 1),
    "force": specs.Array((), np.float64),
    "jump": specs.Array((), bool),
}
SPEC = truth.FRAMES._replace(actions=ACTIONS)


@pytest.fixture(scope="module")
def client():
    signature = to_tensor_specs(transition_signature(SPEC))
    table = reverb.Table.queue("t", 1_000, signature=signature)
    server = reverb.Server([table], port=None)
    yield reverb.Client(f"localhost:{server.port}")
    server.stop()


def noise(spec, rng, count):
    """Values of a spec from all bit patterns that are numbers."""
    if spec.dtype == np.float64:
        return rng.standard_normal((count, *spec.shape))
    largest = 2 if spec.dtype == bool else 256
    return rng.integers(0, largest, (count, *spec.shape)).astype(spec.dtype)


@pytest.mark.parametrize("where", ["server", "process"])
@hypothesis.given(
    n_step=st.integers(1, 6),
    length=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
)
@hypothesis.settings(max_examples=25, deadline=None)
def test_all_bytes_come_back(client, where, n_step, length, seed):
    local = truth.make_local(transition_signature(SPEC))
    rng = np.random.default_rng(seed)
    blank = np.zeros((truth.STACK - 1, truth.HEIGHT, truth.WIDTH), np.uint8)
    frames = rng.integers(1, 256, (length + 1, truth.HEIGHT, truth.WIDTH), np.uint8)
    frames = np.concatenate([blank, frames])
    actions = tree.map_structure(lambda spec: noise(spec, rng, length), ACTIONS)
    rewards = rng.standard_normal(length).astype(np.float32)

    def stack(t):
        return frames[t : t + truth.STACK]

    adder = NStepAdder(
        client if where == "server" else local,
        SPEC,
        table="t",
        n_step=n_step,
        discount=1.0,
    )
    adder.add_first(dm_env.restart(np.moveaxis(stack(0), 0, -1)))
    for t in range(length):
        adder.add(
            tree.map_structure(lambda values, t=t: values[t], actions),
            dm_env.truncation(rewards[t], np.moveaxis(stack(t + 1), 0, -1), 1.0)
            if t == length - 1
            else dm_env.transition(rewards[t], np.moveaxis(stack(t + 1), 0, -1), 1.0),
        )
    adder.close()
    sample, signature = make_sampler(client if where == "server" else local, "t")
    columns = (
        sample(length).columns
        if where == "server"
        else [np.stack(x) for x in zip(*truth.take_all(local), strict=True)]
    )
    found = tree.unflatten_as(signature, columns)
    ends = np.minimum(np.arange(length) + n_step, length)
    expected = Transition(
        observation=np.stack([stack(t) for t in range(length)]),
        action=actions,
        reward=np.array(
            [
                sum(rewards[t:end].tolist(), start=0.0)
                for t, end in zip(range(length), ends, strict=True)
            ],
            np.float32,
        ),
        discount=np.ones(length, np.float32),
        next_observation=np.stack([stack(end) for end in ends]),
    )
    for x, y in zip(tree.flatten(found), tree.flatten(expected), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("packed", ["all", "none", "some"])
def test_items_of_the_earlier_layout_are_read(packed):
    """Those held the columns of the signature, as a restored checkpoint may."""
    rng = np.random.default_rng(0)
    signature = transition_signature(truth.NEST)
    image = rng.integers(0, 256, (5, 5, truth.HEIGHT, truth.WIDTH), np.uint8)
    vector = rng.standard_normal((5, 2, 2)).astype(np.float32)
    action = np.arange(5, dtype=np.int32)
    reward, discount = rng.standard_normal((2, 5)).astype(np.float32)
    expected = [
        image[:, :4],
        vector[:, 0],
        action,
        reward,
        discount,
        image[:, 1:],
        vector[:, 1],
    ]
    items = [
        [image[i], vector[i], pack_step(action[i], reward[i], discount[i])]
        if packed == "all" or (packed == "some" and i % 2)
        else [column[i] for column in expected]
        for i in range(5)
    ]
    found = Unpacker(signature)(items)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
