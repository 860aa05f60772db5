"""What is read is what a plain implementation finds, and exactly the share asked."""

import collections
import gzip
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe.offline import DatasetConfig
from acme_moe.offline.dataset import load_dataset
from acme_moe.offline.reader import DatasetError
from acme_moe.offline.sampler import make_sample_iterator
from acme_moe.offline.transitions import TransitionSettings
from tests.offline import sets

SHAPE = (5, 4)


def load(path, *, stack=4, n_step=1, shape=SHAPE, num_actions=3, **config):
    return load_dataset(
        DatasetConfig(**{"path": str(path), "fraction": 1.0, **config}),
        TransitionSettings(stack, n_step, 0.9, 1.0),
        frame_shape=shape,
        num_actions=num_actions,
    )


def key(state, action, reward, discount, successor):
    """Returns what equal transitions share; a terminal one's successor is left out."""
    return (
        np.ascontiguousarray(state).tobytes(),
        int(action),
        round(float(reward), 4),
        round(float(discount), 5),
        b"" if discount == 0 else np.ascontiguousarray(successor).tobytes(),
    )


def keys(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    return collections.Counter(
        key(*row)
        for row in zip(
            batch.observation,
            batch.action,
            batch.reward,
            batch.discount,
            batch.next_observation,
            strict=True,
        )
    )


@st.composite
def layouts(draw):
    """Some files' episodes: lengths, and how much of the last is in no file."""
    return [
        (
            draw(st.lists(st.integers(1, 12), min_size=1, max_size=4)),
            draw(st.integers(0, 3)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]


@settings(max_examples=30, deadline=None)
@given(layout=layouts(), n_step=st.integers(1, 5), stack=st.integers(1, 4))
def test_every_transition_is_that_of_a_plain_implementation(layout, n_step, stack):
    expected = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, (lengths, cut) in enumerate(layout):
            columns = sets.random_columns(
                [*lengths, 20], seed=number, cut=cut, stack=stack
            )
            sets.write_file(Path(folder), number, columns, stack=stack)
            rows = len(columns[0])
            expected.update(
                key(*transition)
                for transition in sets.brute_force(
                    columns,
                    stack=stack,
                    n_step=n_step,
                    discount=0.9,
                    clip=1.0,
                    invalid=set((np.arange(stack + 1) - 1) % rows),
                )
            )
        dataset = load(folder, n_step=n_step, stack=stack)
    assert len(dataset) == dataset.total == expected.total()
    assert keys(dataset) == expected


def test_a_transition_may_span_more_steps_than_a_byte_counts(tmp_path):
    columns = sets.random_columns([600], seed=0)
    sets.write_file(tmp_path, 0, columns)
    rows = len(columns[0])
    settings_ = {"stack": 4, "n_step": 300}
    expected = sets.brute_force(
        columns, **settings_, discount=0.9, clip=1.0, invalid={rows - 1, 0, 1, 2, 3}
    )
    found = keys(load(tmp_path, **settings_))
    assert found == collections.Counter(key(*transition) for transition in expected)


@pytest.mark.parametrize("n_step", [1, 3])
def test_a_buffer_that_wrapped_around_is_cut_at_its_end(tmp_path, n_step):
    columns = sets.random_columns([20, 9, 15], seed=0)
    rows = len(columns[0])
    # As in the published files: the last row is left over from the round before.
    sets.write_file(tmp_path, 0, columns, count=3 * rows - 1)
    expected = collections.Counter(
        key(*transition)
        for transition in sets.brute_force(
            columns,
            stack=4,
            n_step=n_step,
            discount=0.9,
            clip=1.0,
            invalid={rows - 2, rows - 1, 0, 1, 2},
            breaks={rows - 2},
        )
    )
    assert keys(load(tmp_path, n_step=n_step)) == expected


def test_rows_that_were_never_written_are_left_out(tmp_path):
    columns = sets.random_columns([20, 9, 15], seed=0)
    sets.write_file(tmp_path, 0, columns, count=30)
    shorter = [column[:30] for column in columns]
    expected = collections.Counter(
        key(*transition)
        for transition in sets.brute_force(
            shorter,
            stack=4,
            n_step=2,
            discount=0.9,
            clip=1.0,
            invalid={29, 30, 31, 32, 33},
        )
    )
    assert keys(load(tmp_path, n_step=2)) == expected


@pytest.fixture
def several(tmp_path):
    """Files of unlike sizes: 300, 30 and 120 steps."""
    for number, lengths in enumerate([[100, 200], [30], [60, 60]]):
        columns = sets.random_columns(lengths, seed=number)
        sets.write_file(tmp_path, number, columns)
    return tmp_path


def test_a_share_is_exact_and_its_seeds_own(several):
    whole = load(several)
    for fraction in (0.05, 0.1, 0.5):
        part = load(several, fraction=fraction)
        assert len(part) == round(fraction * whole.total)
        assert part.total == whole.total
        assert keys(part) <= keys(whole)
        again = load(several, fraction=fraction, workers=1)
        for one, other in zip(
            again.gather(np.arange(len(part))),
            part.gather(np.arange(len(part))),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
    assert keys(load(several, fraction=0.5, seed=1)) != keys(part)


def test_every_transition_has_the_same_chance(several):
    whole = load(several)
    drawn = collections.Counter()
    rounds = 150
    for seed in range(rounds):
        drawn.update(keys(load(several, fraction=0.2, seed=seed)))
    counts = np.array([drawn[transition] for transition in keys(whole)])
    assert counts.sum() == rounds * round(0.2 * whole.total)
    # Binomial with mean 30 and deviation 4.9: all within five deviations, and their
    # spread as it should be.
    assert counts.min() > 5
    assert counts.max() < 55
    assert 4.0 < counts.std() < 5.8


def test_frames_are_held_once(tmp_path):
    columns = sets.random_columns([4000], seed=0, shape=(16, 16))
    sets.write_file(tmp_path, 0, columns)
    dataset = load(tmp_path, shape=(16, 16), n_step=3)
    # Random bytes do not pack, so a frame takes its 256 bytes and a little.
    assert 256 < dataset.nbytes / len(dataset) < 300


def test_no_two_draws_share_their_random_numbers(several, monkeypatch):
    """Not even where the seed of the share and that of the batches are the same."""
    make, starts = np.random.default_rng, []

    def noted(entropy):
        starts.append(str(make(entropy).bit_generator.state))
        return make(entropy)

    monkeypatch.setattr(np.random, "default_rng", noted)
    batches = make_sample_iterator(load(several, fraction=0.5), batch_size=2, seed=0)
    for _ in range(3):
        next(batches)
    assert len(starts) == len(set(starts)) >= 1 + 2 + 3


def test_batches_depend_on_seed_and_number_alone(several):
    dataset = load(several)

    def some(start, workers):
        samples = make_sample_iterator(
            dataset, batch_size=7, seed=3, start=start, workers=workers
        )
        return [next(samples) for _ in range(4)]

    first, later = some(0, 1), some(2, 2)
    for one, other in zip(first[2:], later, strict=False):
        np.testing.assert_array_equal(one.keys, other.keys)
        np.testing.assert_array_equal(
            one.transitions.observation, other.transitions.observation
        )
    sample = first[0]
    expected = dataset.gather(sample.keys.astype(int))
    assert sample.transitions.observation.shape == (7, 4, *SHAPE)
    for got, want in zip(sample.transitions, expected, strict=True):
        np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(sample.probabilities, 1 / len(dataset))


def truncate(file):
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


def no_gzip(file):
    file.write_bytes(b"not gzip")


@pytest.mark.parametrize("damage", [truncate, flip, no_gzip, Path.unlink])
@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("$store$_observation", "uint8 frames"),
        ("$store$_action", "int32"),
        ("$store$_reward", "float32"),
        ("$store$_terminal", "uint8"),
        ("add_count", "the number of rows"),
        ("invalid_range", "the rows around"),
    ],
)
def test_a_file_that_is_not_whole_is_named(several, damage, name, holds):
    file = several / f"{name}_ckpt.1.gz"
    damage(file)
    with pytest.raises(DatasetError) as error:
        # Nothing of this file need be kept for its damage to be found.
        load(several, fraction=0.01)
    assert str(file) in str(error.value)
    assert holds in str(error.value)


def test_a_part_that_does_not_fit_the_others_is_named(several):
    sets.save(several, "$store$_reward", 2, np.zeros(5, np.float32))
    with pytest.raises(DatasetError, match=r"reward_ckpt\.2\.gz: has shape \[5\]"):
        load(several)


@pytest.mark.parametrize(
    ("name", "values"),
    [("$store$_action", [0.5]), ("add_count", "many"), ("invalid_range", ["two"])],
)
def test_values_of_another_type_are_named(several, name, values):
    array = np.array(values)
    if name == "$store$_action":
        array = np.resize(array, 126)
    sets.save(several, name, 2, array)
    found = rf"{re.escape(name)}_ckpt\.2\.gz: has values of type {array.dtype}"
    with pytest.raises(DatasetError, match=found):
        load(several)


def test_frames_after_the_last_are_named(several):
    file = several / "$store$_observation_ckpt.0.gz"
    data = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(data + b"more"))
    with pytest.raises(DatasetError, match=r"continues after 306 frames"):
        load(several)


def test_a_gap_and_a_missing_end_are_named(several):
    for file in several.glob("*.1.gz"):
        file.unlink()
    with pytest.raises(DatasetError, match=r"ckpt\.1\.gz: is missing.*files 0 to 2"):
        load(several)
    with pytest.raises(DatasetError, match=r"ckpt\.1\.gz: is missing.*files 0 to 49"):
        load(several, num_files=50)


def test_a_number_of_files_is_a_check_and_chooses_none(several):
    whole = load(several)
    assert whole.files == (0, 1, 2)
    assert keys(load(several, num_files=3)) == keys(whole)
    with pytest.raises(DatasetError, match=r"^dataset\.num_files: 2 .*files 0 to 2"):
        load(several, num_files=2)
    with pytest.raises(DatasetError, match=r"ckpt\.3\.gz: is missing.*num_files=0"):
        load(several, num_files=4)


def test_a_folder_without_a_set_is_named(tmp_path):
    with pytest.raises(DatasetError, match="holds no set"):
        load(tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        load(tmp_path / "nothing")


def test_another_game_is_told_by_its_actions_or_frames(several):
    with pytest.raises(DatasetError, match=r"action 2.*0 to 1.*another game"):
        load(several, num_actions=2)
    with pytest.raises(DatasetError, match=r"frames of \[5, 4\].*\[84, 84\]"):
        load(several, shape=(84, 84))


def test_tensorflows_file_system_is_read_as_well(several):
    local = load(several, fraction=0.5)
    remote = load(f"file://{several}", fraction=0.5)
    assert keys(local) == keys(remote)
    with pytest.raises(DatasetError, match="cannot be read"):
        load("file:///nowhere/at/all")


def test_a_pickle_that_runs_something_is_refused(several):
    # os.system("false")
    evil = b"cposix\nsystem\n(S'false'\ntR."
    file = several / "episode_end_indices_ckpt.0.gz"
    file.write_bytes(gzip.compress(evil))
    with pytest.raises(DatasetError, match=r"posix\.system is no part of a set"):
        load(several)
