"""Priorities: how items enter, how they are sampled, how new values come back."""

import collections

import dm_env
import jax.numpy as jnp
import numpy as np
import pytest
from acme import specs

from acme_moe import replay
from tests.agents.agents import catch

TABLE = "transitions"


@pytest.fixture
def client():
    environment = catch()
    table = replay.make_table(
        replay.TableSettings(
            TABLE,
            replay.transition_signature(specs.make_environment_spec(environment)),
            max_size=100,
            min_size=1,
            samples_per_insert=1.0,
            error_buffer=10.0,
            priority_exponent=1.0,
        )
    )
    server, client = replay.start_server([table])
    yield client
    server.stop()


def add_episode(client, priorities):
    """One transition for each priority, whose reward is its number."""
    spec = specs.make_environment_spec(catch())
    adder = replay.NStepAdder(
        client, spec, table=TABLE, n_step=1, discount=1.0, max_abs_reward=1e9
    )
    observation = np.zeros(spec.observations.shape, np.float32)
    adder.add_first(dm_env.restart(observation))
    for number, priority in enumerate(priorities):
        step = dm_env.transition(reward=float(number), observation=observation)
        adder.add(np.int32(0), step, {"priority": jnp.float32(priority)})
    adder.close()


def sample_many(client, batches):
    """How often each transition was sampled, with which probability, and its key."""
    samples = replay.make_sample_iterator(client, table=TABLE, batch_size=50)
    counts, probabilities, keys = collections.Counter(), {}, {}
    for _ in range(batches):
        sample = next(samples)
        for key, probability, reward in zip(
            sample.keys,
            np.asarray(sample.probabilities),
            np.asarray(sample.transitions.reward),
            strict=True,
        ):
            counts[int(reward)] += 1
            probabilities[int(reward)] = float(probability)
            keys[int(reward)] = key
    return counts, probabilities, keys


def test_items_are_sampled_in_proportion_to_the_priority_itself(client):
    # The reference's sum tree holds sqrt(loss) and has no further exponent.
    priorities = np.sqrt([1.0, 4.0, 25.0])
    add_episode(client, priorities)
    counts, probabilities, _ = sample_many(client, batches=80)
    expected = priorities / priorities.sum()
    for number, share in enumerate(expected):
        assert probabilities[number] == pytest.approx(share, rel=1e-6)
        assert counts[number] / 4000 == pytest.approx(share, abs=0.03)


def test_new_priorities_arrive_at_their_items(client):
    add_episode(client, [1.0, 1.0])
    _, _, keys = sample_many(client, batches=2)
    writer = replay.PriorityWriter(client, TABLE)
    writer.put(np.array([keys[0], keys[1]]), jnp.array([3.0, 1.0]))
    writer.flush()
    _, probabilities, _ = sample_many(client, batches=2)
    assert probabilities == {0: pytest.approx(0.75), 1: pytest.approx(0.25)}
    writer.close()


def test_keys_that_were_dropped_meanwhile_do_no_harm(client):
    add_episode(client, [3.0, 1.0])
    _, _, keys = sample_many(client, batches=2)
    writer = replay.PriorityWriter(client, TABLE)
    dropped = int(keys[0]) ^ 1
    assert dropped not in keys.values()
    writer.put(np.array([dropped], np.uint64), jnp.array([2.0]))
    writer.flush()
    _, probabilities, _ = sample_many(client, batches=2)
    assert probabilities == {0: pytest.approx(0.75), 1: pytest.approx(0.25)}
    writer.close()


def test_a_failure_to_write_is_raised_where_the_learner_is():
    class Broken:
        def mutate_priorities(self, table, updates):
            raise ConnectionError(f"{table}: {len(updates)} lost")

    writer = replay.PriorityWriter(Broken(), TABLE)
    writer.put(np.zeros(3, np.uint64), jnp.ones(2))
    with pytest.raises(ValueError, match="zip"):
        writer.flush()
    writer.close()
    writer = replay.PriorityWriter(Broken(), TABLE)
    writer.put(np.arange(2, dtype=np.uint64), jnp.ones(2))
    with pytest.raises(ConnectionError, match="transitions: 2 lost"):
        writer.flush()
    with pytest.raises(ConnectionError):
        writer.put(np.zeros(1, np.uint64), jnp.ones(1))
    # Closing comes after an error as well, and more than once.
    writer.close()
    writer.close()
