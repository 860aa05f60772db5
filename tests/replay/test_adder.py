"""Every episode comes back as the transitions that its steps define."""

import dm_env
import hypothesis
import numpy as np
import pytest
import reverb
from hypothesis import strategies as st

from acme_moe.replay import NStepAdder, to_tensor_specs, transition_signature
from acme_moe.replay.dataset import make_sampler
from tests.replay import episodes as truth

DISCOUNT = 0.9


@pytest.fixture(scope="module")
def servers():
    """One server, with a queue for each kind of observation."""
    server = reverb.Server(
        [
            reverb.Table.queue(
                name, 10_000, signature=to_tensor_specs(transition_signature(spec))
            )
            for name, (spec, _) in truth.OBSERVATIONS.items()
        ],
        port=None,
    )
    yield reverb.Client(f"localhost:{server.port}")
    server.stop()


def _compare(table, found, expected):
    """Nests arrive flattened, in the order of the signature."""
    if table == "nest":
        image, vector, action, reward, discount, next_image, next_vector = found
        _compare("vector", [vector, action, reward, discount, next_vector], expected)
        _compare("frames", [image, action, reward, discount, next_image], expected)
        return
    observation, action, reward, discount, next_observation = found
    start, end, expected_reward, expected_discount = expected
    if table == "frames":
        observation = np.moveaxis(observation, 0, -1)
        next_observation = np.moveaxis(next_observation, 0, -1)
        observe = truth.stack
    else:
        observe = truth.vector
    np.testing.assert_array_equal(observation, observe(start))
    np.testing.assert_array_equal(next_observation, observe(end))
    assert action == truth.action(start + 1)
    np.testing.assert_allclose(reward, expected_reward, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(discount, expected_discount, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("where", ["server", "process"])
@pytest.mark.parametrize("table", truth.OBSERVATIONS)
@hypothesis.given(
    n_step=st.integers(1, 5),
    episodes=st.lists(
        st.tuples(
            st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=12), st.booleans()
        ),
        min_size=1,
        max_size=3,
    ),
)
@hypothesis.settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_transitions_are_those_of_the_episodes(servers, where, table, n_step, episodes):
    spec, observe = truth.OBSERVATIONS[table]
    local = truth.make_local(transition_signature(spec))
    adder = NStepAdder(
        servers if where == "server" else local,
        spec,
        table=table,
        n_step=n_step,
        discount=DISCOUNT,
        max_abs_reward=1.0,
    )
    expected = []
    for rewards, truncated in episodes:
        truth.play(adder, observe, rewards, truncated)
        clipped = np.clip(rewards, -1, 1)
        length = len(rewards)
        for start in range(length):
            end = min(start + n_step, length)
            powers = DISCOUNT ** np.arange(end - start)
            value = float(np.sum(powers * clipped[start:end]))
            terminal = end == length and not truncated
            expected.append((start, end, value, 0.0 if terminal else powers[-1]))
    adder.close()
    if where == "server":
        sample, _ = make_sampler(servers, table)
        found = list(zip(*sample(len(expected)).columns, strict=True))
        assert servers.server_info()[table].current_size == 0
    else:
        found = truth.take_all(local)
    for item, expectation in zip(found, expected, strict=True):
        _compare(table, item, expectation)


def test_a_frame_is_stored_once(tmp_path):
    """Bytes grow with the frames, not with the stacks that refer to them."""
    share = truth.bytes_per_byte_of_frames(
        tmp_path,
        transition_signature,
        lambda client, spec: NStepAdder(
            client, spec, table="t", n_step=3, discount=DISCOUNT
        ),
    )
    assert 1.0 <= share < 1.2


def test_misuse_is_named(servers):
    adder = NStepAdder(
        servers, truth.VECTOR, table="vector", n_step=1, discount=DISCOUNT
    )
    with pytest.raises(ValueError, match="add_first before"):
        adder.add(np.int32(0), dm_env.transition(np.float32(0), truth.vector(1)))
    with pytest.raises(ValueError, match="reset"):
        adder.add_first(dm_env.transition(np.float32(0), truth.vector(1)))
