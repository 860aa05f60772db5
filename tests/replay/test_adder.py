"""Every episode comes back as the transitions that its steps define."""

import dm_env
import hypothesis
import numpy as np
import pytest
import reverb
from acme import specs
from hypothesis import strategies as st

from acme_moe.replay import NStepAdder, transition_signature
from acme_moe.specs import StackedFrames

HEIGHT, WIDTH, STACK = 3, 2, 4
DISCOUNT = 0.9


def _spec(observation):
    return specs.EnvironmentSpec(
        observations=observation,
        actions=specs.DiscreteArray(5, dtype=np.int32),
        rewards=specs.Array((), np.float32),
        discounts=specs.BoundedArray((), np.float32, 0, 1),
    )


FRAMES = _spec(StackedFrames(HEIGHT, WIDTH, STACK))
NEST = _spec(
    {
        "image": StackedFrames(HEIGHT, WIDTH, STACK),
        "vector": specs.Array((2,), np.float32),
    }
)
VECTOR = _spec(specs.Array((2,), np.float32))


def _stack(t):
    """Frames t-3 to t, zero before the episode; frame t is filled with t + 1."""
    values = np.maximum(np.arange(t - STACK + 2, t + 2), 0).astype(np.uint8)
    return np.broadcast_to(values, (HEIGHT, WIDTH, STACK))


def _vector(t):
    return np.array([t, -t], np.float32)


OBSERVATIONS = {
    "frames": (FRAMES, _stack),
    "vector": (VECTOR, _vector),
    "nest": (NEST, lambda t: {"image": _stack(t), "vector": _vector(t)}),
}


@pytest.fixture(scope="module")
def servers():
    """One server, with a queue for each kind of observation."""
    server = reverb.Server(
        [
            reverb.Table.queue(name, 10_000, signature=transition_signature(spec))
            for name, (spec, _) in OBSERVATIONS.items()
        ],
        port=None,
    )
    yield reverb.Client(f"localhost:{server.port}")
    server.stop()


def _play(adder, observe, rewards, truncated):
    adder.add_first(dm_env.restart(observe(0)))
    last = len(rewards)
    for t, reward in enumerate(rewards, 1):
        make = dm_env.transition
        if t == last:
            make = dm_env.truncation if truncated else dm_env.termination
        timestep = make(np.float32(reward), observe(t))
        timestep = timestep._replace(discount=np.float32(timestep.discount))
        adder.add(np.int32(t % 5), timestep)


def _take(client, table, count):
    return [
        sample.data
        for sample in (
            next(iter(client.sample(table, 1, emit_timesteps=False)))
            for _ in range(count)
        )
    ]


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
        observe = _stack
    else:
        observe = _vector
    np.testing.assert_array_equal(observation, observe(start))
    np.testing.assert_array_equal(next_observation, observe(end))
    assert action == (start + 1) % 5
    np.testing.assert_allclose(reward, expected_reward, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(discount, expected_discount, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("table", OBSERVATIONS)
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
def test_transitions_are_those_of_the_episodes(servers, table, n_step, episodes):
    spec, observe = OBSERVATIONS[table]
    adder = NStepAdder(
        servers,
        spec,
        table=table,
        n_step=n_step,
        discount=DISCOUNT,
        max_abs_reward=1.0,
    )
    expected = []
    for rewards, truncated in episodes:
        _play(adder, observe, rewards, truncated)
        clipped = np.clip(rewards, -1, 1)
        length = len(rewards)
        for start in range(length):
            end = min(start + n_step, length)
            powers = DISCOUNT ** np.arange(end - start)
            value = float(np.sum(powers * clipped[start:end]))
            terminal = end == length and not truncated
            expected.append((start, end, value, 0.0 if terminal else powers[-1]))
    adder.close()
    found = _take(servers, table, len(expected))
    assert servers.server_info()[table].current_size == 0
    for item, expectation in zip(found, expected, strict=True):
        _compare(table, item, expectation)


def test_a_frame_is_stored_once(servers, tmp_path):
    """Bytes grow with the frames, not with the stacks that refer to them."""
    rng = np.random.default_rng(0)
    side, steps = 84, 200
    spec = _spec(StackedFrames(side, side, STACK))
    table = reverb.Table(
        "t",
        reverb.selectors.Uniform(),
        reverb.selectors.Fifo(),
        1000,
        reverb.rate_limiters.MinSize(1),
        signature=transition_signature(spec),
    )
    server = reverb.Server(
        [table],
        port=None,
        checkpointer=reverb.checkpointers.DefaultCheckpointer(str(tmp_path)),
    )
    client = reverb.Client(f"localhost:{server.port}")
    adder = NStepAdder(client, spec, table="t", n_step=3, discount=DISCOUNT)
    # Noise does not compress, so that the size is that of the frames.
    frames = rng.integers(0, 256, (steps + STACK, side, side), np.uint8)

    def observe(t):
        return np.moveaxis(frames[t : t + STACK], 0, -1)

    first = observe(0).copy()
    first[..., :-1] = 0
    adder.add_first(dm_env.restart(first))
    for t in range(1, steps):
        adder.add(np.int32(0), dm_env.transition(np.float32(0), observe(t)))
    adder.close()
    client.checkpoint()
    size = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    server.stop()
    assert steps * side * side <= size < 1.2 * steps * side * side


def test_misuse_is_named(servers):
    adder = NStepAdder(servers, VECTOR, table="vector", n_step=1, discount=DISCOUNT)
    with pytest.raises(ValueError, match="add_first before"):
        adder.add(np.int32(0), dm_env.transition(np.float32(0), _vector(1)))
    with pytest.raises(ValueError, match="reset"):
        adder.add_first(dm_env.transition(np.float32(0), _vector(1)))
