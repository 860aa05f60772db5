"""A replay in the process: what it holds, what it samples, and what it takes."""

import collections
import json
from pathlib import Path

import dm_env
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from acme_moe import replay
from acme_moe.replay.local.rows import Rows
from acme_moe.replay.local.sum_tree import SumTree
from acme_moe.replay.local.table import ItemColumn
from tests.replay import episodes as truth

SIGNATURE = (truth.specs.Array((), np.int64),)


def fill(local, values, priorities=None):
    """Writes a number an item; returns the writer."""
    writer = local.trajectory_writer(1)
    for i, value in enumerate(values):
        writer.append({"x": np.int64(value)})
        priority = 1.0 if priorities is None else priorities[i]
        writer.create_item("t", priority, (writer.history["x"][-1],))
    return writer


def values(local):
    return [int(x) for (x,) in truth.take_all(local)]


@hypothesis.given(
    size=st.integers(1, 9_000),
    changes=st.lists(
        st.lists(st.tuples(st.integers(0, 8_999), st.floats(0, 1e6)), max_size=9),
        max_size=5,
    ),
    seed=st.integers(0, 9),
)
@hypothesis.settings(max_examples=60, deadline=None)
def test_a_sum_tree_finds_what_a_sum_over_all_does(size, changes, seed):
    sum_tree, weights = SumTree(size), np.zeros(size)
    for change in changes:
        for index, weight in change:
            weights[index % size] = weight
        if len(change) == 1:
            sum_tree.set_one(change[0][0] % size, change[0][1])
        else:
            indices = np.array([index % size for index, _ in change], np.int64)
            sum_tree.set(indices, np.array([weight for _, weight in change]))
        np.testing.assert_allclose(sum_tree.total, weights.sum(), rtol=1e-12)
        if not sum_tree.total:
            continue
        rng = np.random.default_rng(seed)
        points = np.append(rng.random(50), [0.0, 1 - 2**-53]) * sum_tree.total
        found = sum_tree.find(points)
        assert (weights[found] > 0).all()
        ends = np.cumsum(weights)
        slack = 1e-9 * ends[-1]
        assert (points <= ends[found] + slack).all()
        assert (points >= ends[found] - weights[found] - slack).all()
    np.testing.assert_array_equal(sum_tree.weights[:size], weights)


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=50, deadline=None)
def test_rows_keep_their_values_while_anything_refers_to_them(data):
    rows, held = Rows((2,), np.dtype(np.int32)), collections.Counter()
    content = {}
    for step in range(data.draw(st.integers(1, 60))):
        if held and data.draw(st.booleans()):
            row = data.draw(st.sampled_from(sorted(held)))
            if data.draw(st.booleans()):
                rows.refer([row])
                held[row] += 1
            else:
                rows.release([row])
                held[row] -= 1
                held += collections.Counter()
        else:
            value = np.full(2, data.draw(st.integers(0, 2)) * (step + 1), np.int32)
            row = rows.put(value)
            assert row == 0 or row not in held
            held[row] += 1
            content[row] = value
        for row in held:
            np.testing.assert_array_equal(rows.gather(np.array([row]))[0], content[row])
    # No more are held than had to be at once, the blank one aside.
    assert len(rows) <= 1 + len(content)


def test_rows_grow_and_are_written_over():
    rows = Rows((3,), np.dtype(np.float32))
    numbers = [rows.put(np.full(3, i + 1, np.float32)) for i in range(5_000)]
    found = rows.gather(np.array(numbers))
    np.testing.assert_array_equal(found[:, 0], np.arange(5_000) + 1)
    rows.release(numbers)
    assert {rows.put(np.ones(3, np.float32)) for _ in numbers} == set(numbers)
    assert len(rows) == 5_001
    assert rows.nbytes == 5_001 * 12


@pytest.mark.parametrize("shape", [(), (4,)])
def test_a_row_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="row"):
        Rows((3,), np.dtype(np.float32)).put(np.ones(shape, np.float32))


def test_the_oldest_make_room_and_keys_are_never_given_twice():
    local = truth.make_local(SIGNATURE, max_size=7)
    writer = fill(local, range(1, 21))
    assert local.server_info()["t"].current_size == 7
    assert sorted(values(local)) == list(range(14, 21))
    items = local.table.sample(300)
    # The nth item has key n - 1.
    np.testing.assert_array_equal(items.keys + 1, items.columns[0])
    assert items.keys.dtype == np.uint64
    np.testing.assert_array_equal(items.probabilities, np.full(300, 1 / 7))
    writer.close()
    # A row an item and the blank one, and those that an open episode may need.
    assert len(local.table.columns["x/0"]) <= 1 + 7 + 2


def test_uniform_samples_are_uniform():
    local = truth.make_local(SIGNATURE, max_size=8)
    fill(local, range(8))
    counts = np.bincount(local.table.sample(80_000).columns[0], minlength=8)
    np.testing.assert_allclose(counts / 80_000, 1 / 8, atol=5 * (1 / 8 / 80_000) ** 0.5)


@pytest.mark.parametrize("exponent", [1.0, 0.6, 0.0])
def test_prioritised_samples_are_in_proportion_to_the_power_of_the_priority(exponent):
    priorities = np.array([0.5, 0.0, 2.0, 9.0, 1.0])
    local = truth.make_local(SIGNATURE, priority_exponent=exponent)
    fill(local, range(5), priorities)
    weights = priorities**exponent  # 0 to the power of 0 is 1.
    shares = weights / weights.sum()
    items = local.table.sample(50_000)
    np.testing.assert_allclose(items.probabilities, shares[items.columns[0]])
    counts = np.bincount(items.columns[0], minlength=5)
    np.testing.assert_allclose(counts / 50_000, shares, atol=0.012)
    assert items.mass == pytest.approx(weights.sum())


def test_new_priorities_arrive_at_their_items_and_those_of_none_do_no_harm():
    local = truth.make_local(SIGNATURE, max_size=3, priority_exponent=1.0)
    fill(local, range(5))
    # Of 0 and 1 the items are gone, and 5 is not there yet. They come last, so that
    # nothing puts right what they do to the items in their places.
    local.mutate_priorities("t", {2: 1.0, 3: 0.0, 4: 3.0, 0: 50.0, 1: 60.0, 5: 9.0})
    items = local.table.sample(100)
    found = dict(zip(items.columns[0].tolist(), items.probabilities, strict=True))
    assert found == {2: 0.25, 4: 0.75}
    local.table.set_priorities(np.array([2, 4, 2], np.uint64), np.float32([7, 0, 0]))
    items = local.table.sample(100)
    # Where all are zero, each is sampled as often as any other, as by Reverb.
    assert set(items.columns[0].tolist()) == {2, 3, 4}
    np.testing.assert_allclose(items.probabilities, 1 / 3)


def test_a_batch_of_priorities_takes_the_place_of_none_that_waits():
    local = truth.make_local(SIGNATURE, priority_exponent=1.0)
    fill(local, range(2))
    priorities = replay.LocalPriorities(local)
    for key, priority in enumerate([3.0, 5.0]):
        priorities.put(np.array([key], np.uint64), np.float32([priority]))
    priorities.flush()
    assert local.table.sample(1).mass == 8


def test_a_new_item_does_not_inherit_the_priority_of_the_one_before():
    local = truth.make_local(SIGNATURE, max_size=2, priority_exponent=1.0)
    fill(local, range(4), [5.0, 6.0, 1.0, 1.0])
    np.testing.assert_allclose(local.table.sample(50).probabilities, 0.5)


def test_nothing_is_sampled_of_an_empty_table():
    with pytest.raises(RuntimeError, match="no items yet"):
        truth.make_local(SIGNATURE).table.sample(1)


def play(local, episodes, rng):
    """Episodes of frames whose lengths are drawn; a priority each."""
    adder = replay.NStepAdder(local, truth.FRAMES, table="t", n_step=3, discount=0.9)
    for _ in range(episodes):
        length = int(rng.integers(1, 9))
        adder.add_first(dm_env.restart(truth.stack(0)))
        for t in range(1, length + 1):
            make = dm_env.termination if t == length else dm_env.transition
            step = make(np.float32(rng.normal()), truth.stack(t))
            adder.add(truth.action(t), step, {"priority": rng.random()})
    adder.close()


@pytest.mark.parametrize("exponent", [None, 0.7])
@pytest.mark.parametrize("max_size", [20, 500])
def test_a_restored_replay_goes_on_as_the_one_that_was_saved(
    tmp_path, exponent, max_size
):
    signature = replay.transition_signature(truth.FRAMES)
    rng = np.random.default_rng(0)

    def make(seed):
        return truth.make_local(signature, max_size, exponent, seed, tmp_path / "spool")

    saved, restored = make(seed=1), make(seed=2)
    play(saved, 20, rng)
    saved.table.sample(3)  # An odd number, of which the generator keeps a half.
    restored.restore(replay_path := Path(saved.checkpoint()))
    description = json.loads((replay_path / "replay.json").read_text())
    assert description["packed"] is True
    for seed in range(3):
        for local in (saved, restored):
            play(local, 5, np.random.default_rng(seed))
        one, other = saved.table.sample(33), restored.table.sample(33)
        for x, y in zip(
            [one.keys, one.probabilities, *one.columns],
            [other.keys, other.probabilities, *other.columns],
            strict=True,
        ):
            np.testing.assert_array_equal(x, y)
        for local, items in ((saved, one), (restored, other)):
            local.table.set_priorities(items.keys, np.linspace(0.1, 3, 33))


def test_a_restored_replay_has_nothing_that_refers_past_its_rows(tmp_path):
    local = truth.make_local(SIGNATURE, folder=tmp_path)
    fill(local, range(1, 9))
    path = Path(local.checkpoint())
    with np.load(path / "replay.npz") as file:
        arrays = dict(file)
    for wrong in (-1, 9):
        arrays["item/0"] = np.full(8, wrong, np.int32)
        np.savez(path / "replay.npz", **arrays)
        with pytest.raises(ValueError, match="refer to rows"):
            truth.make_local(SIGNATURE).restore(path)
    np.savez(path / "replay.npz", **{"item/0": arrays["item/0"]})
    with pytest.raises(ValueError, match="no replay of this run"):
        truth.make_local(SIGNATURE).restore(path)


def test_blank_rows_are_shared_and_bytes_are_those_that_are_held():
    local = truth.make_local(replay.transition_signature(truth.FRAMES), max_size=100)
    play(local, 60, np.random.default_rng(0))
    table = local.table
    assert len(table) == 100
    frames = truth.HEIGHT * truth.WIDTH
    rows = table.columns["observation/0"]
    # As many frames as items and episodes among them, not three blank ones each.
    assert 100 < len(rows) <= 100 + 100 / 2 + 30
    steps = table.columns["step/0"]
    per_item = 4 * (4 + 4 + 1)
    expected = len(rows) * frames + len(steps) * 12 + 100 * per_item
    assert local.bytes_per_item == expected / 100


def test_items_of_another_form_than_the_first_are_refused():
    local = truth.make_local(SIGNATURE)
    fill(local, range(3))
    with pytest.raises(ValueError, match="zip"):
        local.table.insert(1.0, [ItemColumn("x/0", 1), ItemColumn("x/0", 1)])
    held = local.table.columns["x/0"]
    before = list(held._references)
    with pytest.raises(ValueError, match=r"rows: \(2,\) of 'x/0' are not accepted"):
        local.table.insert(1.0, [ItemColumn("x/0", [1, 2])])
    assert (held._references, len(local.table)) == (before, 3)
