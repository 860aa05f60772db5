"""The Acme learner: steps, counts, saves, and stops at a loss that is no number."""

import itertools
import weakref

import jax
import numpy as np
import optax
import pytest
from acme.utils import counting
from acme.utils.loggers import base as loggers

from acme_moe import learning
from acme_moe.learning.learner import Learner, NonFiniteLossError
from tests.learning.tiny import NETWORK, batch, make_state

OPTIMIZER = optax.adam(1e-2)
# Which all learners share, so that it is compiled once.
UPDATE = learning.make_update(
    learning.q_learning(NETWORK, discount=0.9), OPTIMIZER, target_update_period=4
)


class Rows(loggers.Logger):
    """Keeps what is written."""

    def __init__(self):
        self.rows = []

    def write(self, data):
        self.rows.append(data)

    def close(self):
        pass


def samples(change=lambda i, data: data):
    for i in itertools.count():
        data = change(i, batch(seed=i))
        yield learning.Sample(
            np.arange(4, dtype=np.uint64), np.ones(4, np.float32), jax.device_put(data)
        )


def make_learner(source=None, **kwargs):
    return Learner(make_state(OPTIMIZER), UPDATE, source or samples(), **kwargs)


def noise():
    """An optimiser that holds a typed key, and adds noise."""

    def update(updates, key, params=None):
        del params
        key, own = jax.random.split(key)
        return jax.tree.map(lambda x: x + jax.random.normal(own), updates), key

    return optax.GradientTransformation(lambda params: jax.random.key(3), update)


def equal(x, y):
    jax.tree.map(np.testing.assert_array_equal, x, y)


def test_an_update_that_does_not_compile_is_told_by_the_first_step():
    learner = make_learner()
    sample = next(samples())
    wrong = sample.transitions._replace(action=jax.ShapeDtypeStruct((5,), np.int32))
    learner.compile(sample._replace(transitions=wrong))
    with pytest.raises((TypeError, ValueError), match=r"shape|size"):
        learner.step()


def test_an_update_that_compiles_meanwhile_is_waited_for():
    learner, plain = make_learner(), make_learner()
    learner.compile(next(samples()))
    for which in (learner, plain):
        which.step()
        which.check()
    equal(learner.state, plain.state)


def test_an_optimiser_may_hold_a_typed_key():
    optimizer = optax.chain(optax.sgd(1e-3), noise())
    update = learning.make_update(
        learning.q_learning(NETWORK, discount=0.9), optimizer, target_update_period=4
    )
    one, other = (Learner(make_state(optimizer), update, samples()) for _ in range(2))
    one.step()
    saved = one.save()
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(saved))
    other.step()
    other.restore(saved)
    for learner in (one, other):
        learner.step()
    equal(one.save(), other.save())


def test_steps_are_counted_and_logged():
    counter, rows = counting.Counter(), Rows()
    learner = make_learner(counter=counter, logger=rows)
    for _ in range(5):
        learner.step()
    assert counter.get_counts()["steps"] == 5
    # Each row is written when the next step is due.
    assert [row["steps"] for row in rows.rows] == [1, 2, 3, 4]
    assert all(np.isfinite(row["loss"]) for row in rows.rows)
    assert learner.get_variables(["policy"])[0].learner_steps == 5


def test_a_restored_learner_goes_on_as_the_saved_one_would_have():
    learner = make_learner()
    for _ in range(3):
        learner.step()
    saved = learner.save()
    other = make_learner(itertools.islice(samples(), 3, None))
    other.restore(saved)
    for _ in range(3):
        learner.step()
        other.step()
    equal(learner.save(), other.save())
    # What was saved is a copy: later steps have not changed it.
    assert saved.steps == 3


def test_variables_outlive_the_next_step():
    learner = make_learner()
    learner.step()
    before = learner.get_variables([""])[0]
    kept = jax.tree.map(np.array, before.params)
    learner.step()
    equal(before.params, kept)


def test_buffers_that_an_update_took_over_are_dropped_once_it_has_ended():
    # On a CPU dropping them waits for the update, and nothing would overlap with it.
    learner = make_learner()
    taken = [weakref.ref(x) for x in jax.tree.leaves(learner.state.opt_state)]
    learner.step()
    assert all(x() is not None for x in taken)
    learner.check()
    assert all(x() is None for x in taken)


def test_a_loss_that_is_no_number_stops_the_learner():
    def poison(i, data):
        return data._replace(reward=data.reward * np.nan) if i == 2 else data

    learner = make_learner(samples(poison))
    for _ in range(3):
        learner.step()
    with pytest.raises(NonFiniteLossError, match="the loss is nan after 3 updates"):
        learner.step()
    with pytest.raises(NonFiniteLossError):
        learner.save()


def test_waiting_for_data_is_measured():
    learner = make_learner()
    assert learner.statistics()["learner_step_ms"] is None
    for _ in range(60):
        learner.step()
    statistics = learner.statistics()
    assert statistics["learner_step_ms"] > 0
    assert 0 <= statistics["data_wait_fraction"] <= 1


def test_priorities_of_earlier_updates_arrive_before_the_next_batch_is_taken():
    events = []

    class Sink:
        def put(self, keys, priorities):
            events.append("put")

        def flush(self):
            events.append("flush")

        def close(self):
            pass

    def source():
        for sample in samples():
            events.append("take")
            yield sample

    learner = make_learner(source(), priorities=Sink())
    for _ in range(2):
        learner.step()
    learner.check()
    assert events == ["flush", "take", "put"] * 2


def test_priorities_are_handed_on_with_their_keys():
    class Sink:
        given, flushed, closed = [], False, False

        def put(self, keys, priorities):
            self.given.append((keys, priorities))

        def flush(self):
            self.flushed = True

        def close(self):
            self.closed = True

    sink = Sink()
    learner = make_learner(priorities=sink)
    learner.step()
    ((keys, priorities),) = sink.given
    learner.save()
    assert sink.flushed
    assert not sink.closed
    learner.close()
    assert sink.closed
    np.testing.assert_array_equal(keys, np.arange(4))
    assert priorities.shape == (4,)
