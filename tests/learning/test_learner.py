"""The Acme learner: steps, counts, saves, and stops at a loss that is no number."""

import itertools
import threading
import weakref
from concurrent import futures

import jax
import numpy as np
import optax
import pytest
from acme.utils import counting
from acme.utils.loggers import base as loggers

from acme_moe import learning
from acme_moe.learning import learner as learner_module
from acme_moe.learning.dispatcher import make_dispatcher
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
    # Each row is written once the next update is on its way.
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


class Failing:
    """The update, except that a call fails."""

    def __init__(self, call):
        self.calls = itertools.count(1)
        self.fails = call

    def __call__(self, *args):
        if next(self.calls) == self.fails:
            raise RuntimeError("out of memory")
        return UPDATE(*args)


def test_an_update_is_not_waited_for_not_even_for_its_dispatch(monkeypatch):
    go_on, second = threading.Event(), threading.Event()

    def update(*args):
        if second.is_set():
            assert go_on.wait(60)
        second.set()
        return UPDATE(*args)

    # As there may be a single core here.
    monkeypatch.setattr(
        learner_module, "make_dispatcher", lambda: futures.ThreadPoolExecutor(1)
    )
    learner = Learner(make_state(OPTIMIZER), update, samples())
    for _ in range(2):
        learner.step()
    go_on.set()
    learner.check()
    assert learner.state.steps == 2
    learner.close()


def test_an_update_that_fails_is_told_by_whatever_comes_next():
    learner = Learner(make_state(OPTIMIZER), Failing(2), samples())
    learner.step()
    saved = learner.save()
    learner.step()
    for ask in (learner.step, learner.check, learner.save, lambda: learner.state):
        with pytest.raises(RuntimeError, match="out of memory"):
            ask()
    learner.restore(saved)
    learner.step()
    assert learner.save().steps == 2


def test_the_first_update_that_fails_is_told_at_once():
    learner = Learner(make_state(OPTIMIZER), Failing(1), samples())
    with pytest.raises(RuntimeError, match="out of memory"):
        learner.step()


@pytest.mark.parametrize("index", [2, 48])  # The 50th call is timed.
def test_a_loss_that_is_no_number_stops_the_learner(index):
    def poison(i, data):
        return data._replace(reward=data.reward * np.nan) if i == index else data

    learner = make_learner(samples(poison))
    for _ in range(index + 1):
        learner.step()
    message = f"the loss is nan after {index + 1} updates"
    with pytest.raises(NonFiniteLossError, match=message):
        learner.step()
    with pytest.raises(NonFiniteLossError):
        learner.save()


def test_a_single_core_runs_an_update_where_it_is_asked_for(monkeypatch):
    def where():
        return make_dispatcher().submit(threading.get_ident).result()

    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert where() != threading.get_ident()
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert where() == threading.get_ident()

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dispatcher().submit(interrupted)
    assert isinstance(make_dispatcher().submit(int, "x").exception(), ValueError)


def test_waiting_for_data_is_measured():
    learner = make_learner()
    assert learner.statistics()["learner_step_ms"] is None
    for _ in range(60):
        learner.step()
    statistics = learner.statistics()
    assert statistics["learner_step_ms"] > 0
    assert 0 <= statistics["data_wait_fraction"] <= 1


class Sink:
    """Notes what happens to priorities."""

    def __init__(self):
        self.events, self.given = [], []

    def put(self, keys, priorities):
        self.events.append("put")
        self.given.append((keys, priorities))

    def flush(self):
        self.events.append("flush")

    def close(self):
        self.events.append("close")


def test_priorities_of_earlier_updates_arrive_before_the_next_batch_is_taken():
    sink = Sink()

    def source():
        for sample in samples():
            sink.events.append("take")
            yield sample

    learner = make_learner(source(), priorities=sink)
    for _ in range(3):
        learner.step()
    # Of the first update, which is waited for, and of the second, which is not.
    before_the_third = ["flush", "take", "put"] * 2
    assert sink.events == [*before_the_third, "flush", "take"]


def test_asking_for_variables_hands_on_no_priorities():
    # Other threads ask, and what is handed on has its place in the order of a step.
    sink = Sink()
    learner = make_learner(priorities=sink)
    for _ in range(2):
        learner.step()
    assert learner.get_variables([""])[0].learner_steps == 2
    assert len(sink.given) == 1


@pytest.mark.parametrize("close_after", ["save", "step"])
def test_all_priorities_are_handed_on_with_their_keys(close_after):
    sink = Sink()
    learner = make_learner(priorities=sink)
    for _ in range(3):
        learner.step()
    if close_after == "save":
        learner.save()
        assert sink.events[-2:] == ["put", "flush"]
    learner.close()
    assert sink.events[-1] == "close"
    assert len(sink.given) == 3
    for keys, priorities in sink.given:
        np.testing.assert_array_equal(keys, np.arange(4))
        assert priorities.shape == (4,)


def test_a_learner_whose_last_update_failed_closes():
    sink = Sink()
    learner = Learner(make_state(OPTIMIZER), Failing(2), samples(), priorities=sink)
    for _ in range(2):
        learner.step()
    learner.close()
    assert sink.events[-1] == "close"
    assert len(sink.given) == 1
