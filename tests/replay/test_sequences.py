"""Every episode comes back as the sequences that its steps define."""

import collections
import itertools

import hypothesis
import jax
import numpy as np
import pytest
import reverb
import tree
from acme.wrappers.observation_action_reward import OAR
from hypothesis import strategies as st

from acme_moe import replay
from acme_moe.learning import Sequences
from acme_moe.replay import SequenceAdder, sequence_signature, to_tensor_specs
from tests.replay import episodes as truth

State = collections.namedtuple("State", ["hidden", "cell"])
STATE_SPEC = State(*(jax.ShapeDtypeStruct((2,), np.float32) for _ in range(2)))

OAR_SPEC = truth.make_spec(
    OAR(truth.FRAMES.observations, truth.FRAMES.actions, truth.FRAMES.rewards)
)


def oar(t):
    # A wrapper may give Python's numbers where its spec says float32.
    return OAR(truth.stack(t), truth.action(t), float(t))


KINDS = {**truth.OBSERVATIONS, "oar": (OAR_SPEC, oar)}


def state(t):
    """The core's state before the action at step t."""
    return State(np.full(2, t, np.float32), np.full(2, -t, np.float32))


def extras(t):
    return {"core_state": state(t - 1)}


@pytest.fixture(scope="module")
def client():
    server = reverb.Server(
        [reverb.Table.queue(name, 10_000) for name in KINDS], port=None
    )
    yield reverb.Client(f"localhost:{server.port}")
    server.stop()


def starts(length, trace, period):
    """First steps that are learnt from, as few as reach the end."""
    for start in itertools.count(0, period):
        yield start
        if start + trace >= length:
            return


def padded(spec, observe, length, start, stop):
    """Observations of the steps in a range, blank outside of the episode."""
    blank = tree.map_structure(
        lambda leaf: np.zeros(leaf.shape, leaf.dtype), spec.observations
    )
    inside = [observe(t) if 0 <= t <= length else blank for t in range(start, stop)]
    return tree.map_structure(
        lambda leaf, *x: np.stack([np.asarray(i, leaf.dtype) for i in x]),
        spec.observations,
        *inside,
    )


@pytest.mark.parametrize("kind", KINDS)
@hypothesis.given(data=st.data())
@hypothesis.settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_sequences_are_those_of_the_episodes(client, kind, data):
    spec, observe = KINDS[kind]
    burn_in = data.draw(st.integers(0, 4), "burn_in_length")
    period = data.draw(st.integers(max(burn_in, 1), 5), "period")
    trace = data.draw(st.integers(period, 7), "trace_length")
    episodes = data.draw(
        st.lists(
            st.tuples(
                st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=22),
                st.booleans(),
            ),
            min_size=1,
            max_size=3,
        ),
        "episodes",
    )
    limit = data.draw(st.sampled_from([None, 1.0]), "max_abs_reward")
    adder = SequenceAdder(
        client,
        spec,
        table=kind,
        burn_in_length=burn_in,
        trace_length=trace,
        period=period,
        max_abs_reward=limit,
    )
    expected = []
    for rewards, truncated in episodes:
        truth.play(adder, observe, rewards, truncated, extras)
        length, learnt = len(rewards), set()
        for start in starts(length, trace, period):
            steps = np.arange(start - burn_in, start + trace)
            mask = (steps >= 0) & (steps < length)
            expected.append((rewards, truncated, steps, mask))
            learnt |= set(steps[burn_in:][mask[burn_in:]])
        assert learnt == set(range(length))
    adder.close()
    found = truth.take(client, kind, len(expected))
    assert client.server_info()[kind].current_size == 0
    for item, (rewards, truncated, steps, mask) in zip(found, expected, strict=True):
        example = Sequences(spec.observations, 0, 0, 0, 0, STATE_SPEC)
        item = tree.unflatten_as(example, item)
        _compare(spec, observe, item, rewards, truncated, steps, mask, limit)
        first = max(int(steps[0]), 0)
        tree.map_structure(
            np.testing.assert_array_equal, item.start_state, state(first)
        )


def _compare(spec, observe, item, rewards, truncated, steps, mask, limit):
    length = len(rewards)
    inside = np.clip(steps, 0, length - 1)
    np.testing.assert_array_equal(item.mask, mask)
    expected = np.where(mask, np.asarray(rewards, np.float32)[inside], 0)
    if limit is not None:
        expected = np.clip(expected, -limit, limit)
    np.testing.assert_allclose(item.reward, expected)
    ended = (steps == length - 1) & (not truncated)
    np.testing.assert_array_equal(item.discount, np.where(mask & ~ended, 1.0, 0.0))
    actions = [truth.action(t + 1) for t in steps]
    np.testing.assert_array_equal(item.action, np.where(mask, actions, 0))
    observation = tree.map_structure(lambda x: x[None], item.observation)
    observation = replay.decode_frame_sequences(spec.observations, observation)
    truths = padded(spec, observe, length, steps[0], steps[-1] + 2)
    # Past the end, a stack still holds the last frames; before it, it must not.
    seen = np.arange(steps[0], steps[-1] + 2) <= length
    tree.map_structure(
        lambda x, y: np.testing.assert_array_equal(x[0][seen], y[seen]),
        observation,
        truths,
    )


def test_a_frame_is_stored_once(tmp_path):
    """Bytes grow with the frames, not with the sequences that overlap in them."""
    share = truth.bytes_per_byte_of_frames(
        tmp_path,
        lambda spec: sequence_signature(spec, STATE_SPEC, steps=60),
        lambda client, spec: SequenceAdder(
            client, spec, table="t", burn_in_length=20, trace_length=40, period=20
        ),
        extras,
    )
    assert 1.0 <= share < 1.2


def test_batches_keep_the_structure_of_the_observation():
    steps = 5
    server = reverb.Server(
        [
            reverb.Table(
                "t",
                reverb.selectors.Prioritized(0.9),
                reverb.selectors.Fifo(),
                100,
                reverb.rate_limiters.MinSize(1),
                signature=to_tensor_specs(
                    sequence_signature(OAR_SPEC, STATE_SPEC, steps)
                ),
            )
        ],
        port=None,
    )
    client = reverb.Client(f"localhost:{server.port}")
    adder = SequenceAdder(
        client, OAR_SPEC, table="t", burn_in_length=2, trace_length=3, period=3
    )
    truth.play(adder, oar, np.arange(9.0), False, extras)
    adder.close()
    samples = replay.make_sample_iterator(
        client, table="t", batch_size=2, batch_type=Sequences
    )
    sequences = next(samples).transitions
    observation = replay.decode_frame_sequences(
        OAR_SPEC.observations, sequences.observation
    )
    assert observation._fields == OAR._fields
    assert observation.observation.shape == (2, steps + 1, *truth.stack(0).shape)
    assert observation.action.shape == observation.reward.shape == (2, steps + 1)
    assert sequences.start_state._fields == State._fields
    assert sequences.mask.dtype == bool
    np.testing.assert_array_equal(sequences.mask.sum(axis=1) >= 3, True)
    samples.close()
    server.stop()


def test_misuse_is_named(client):
    adder = SequenceAdder(
        client, truth.VECTOR, table="vector", burn_in_length=1, trace_length=2, period=1
    )
    with pytest.raises(
        ValueError, match=r"^extras: \(\) is not accepted; .*core_state"
    ):
        truth.play(adder, truth.vector, [0.0], truncated=False)
