"""A recorded run is in the published format, and holds what the run saw."""

import errno
import gzip
import io
import itertools
import os
import pickle
import shutil
from unittest import mock

import dm_env
import numpy as np
import pytest
from acme import specs
from acme.adders import base

from acme_moe.disk import DiskError
from acme_moe.environments import AtariConfig, AtariEnvironment
from acme_moe.environments.wrappers import ObservationActionRewardWrapper
from acme_moe.offline import DatasetConfig, reader, writer
from acme_moe.offline.dataset import load_dataset
from acme_moe.offline.recorder import Recorder
from acme_moe.offline.transitions import TransitionSettings
from acme_moe.specs import StackedFrames
from tests.offline import sets
from tests.offline.test_dataset import key, keys

STACK = 4


class CountingEnvironment(dm_env.Environment):
    """Frames are numbered; episodes end as they are told to."""

    def __init__(self, lengths, truncated, first=1):
        self._episodes = iter(zip(lengths, truncated, strict=True))
        self._frame = first
        self._spec = StackedFrames(3, 2, STACK)

    def reset(self):
        self._left, self._truncated = next(self._episodes)
        self._frames = [np.zeros((3, 2), np.uint8)] * STACK
        return dm_env.restart(self._observe())

    def step(self, action):
        self._left -= 1
        observation, reward = self._observe(), float(action) / 2
        if self._left:
            return dm_env.transition(reward, observation)
        end = dm_env.truncation if self._truncated else dm_env.termination
        return end(reward, observation)

    def _observe(self):
        self._frames = [*self._frames[1:], np.full((3, 2), self._frame, np.uint8)]
        self._frame += 1
        return np.stack(self._frames, -1)

    def observation_spec(self):
        return self._spec

    def action_spec(self):
        return specs.DiscreteArray(3)


class Transitions(base.Adder):
    """Notes 1-step transitions, as the learner would get them."""

    def __init__(self):
        self.found = []

    def add_first(self, timestep):
        self._observation = timestep.observation

    def add(self, action, next_timestep, extras=()):
        del extras
        self.found.append(
            (
                np.moveaxis(self._observation, -1, 0),
                action,
                float(np.clip(next_timestep.reward, -1, 1)),
                float(next_timestep.discount),
                np.moveaxis(next_timestep.observation, -1, 0),
                next_timestep.last(),
            )
        )
        self._observation = next_timestep.observation

    def reset(self):
        pass

    flush = close = reset


def play(environment, adder, steps, timestep=None, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        if timestep is None or timestep.last():
            timestep = environment.reset()
            adder.add_first(timestep)
        action = rng.integers(environment.action_spec().num_values)
        timestep = environment.step(action)
        adder.add(action, timestep)
    return timestep


def read(path, spec, n_step=1):
    return load_dataset(
        DatasetConfig(path=str(path), fraction=1.0),
        TransitionSettings(STACK, n_step, 0.9, 1.0),
        frame_shape=spec.observations.frame.shape,
        num_actions=spec.actions.num_values,
    )


def contents(path, name, number=0):
    return gzip.decompress((path / f"{name}_ckpt.{number}.gz").read_bytes())


def array(path, name, number=0):
    return np.load(io.BytesIO(contents(path, name, number)), allow_pickle=False)


def test_what_is_read_is_what_the_learner_saw(tmp_path):
    environment = CountingEnvironment([9, 5, 12, 8], [False, True, False, False])
    spec = specs.make_environment_spec(environment)
    recorder, adder = (
        Recorder(tmp_path, spec, run_folder=tmp_path / "run"),
        Transitions(),
    )
    play(environment, recorder.wrap(adder), 34)
    assert recorder.save() == 1
    dataset = read(tmp_path, spec)
    # The truncated episode's last observation is not in the format, and its buffer
    # leaves out a row at either end.
    expected = {
        key(*found[:5])
        for found in adder.found[1:-1]
        if not (found[5] and found[3] == 1.0)
    }
    assert set(keys(dataset)) == expected
    assert len(dataset) == 34 - 3


def test_it_is_a_replay_buffer_of_dopamines(tmp_path):
    environment = CountingEnvironment([6, 5], [True, False])
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run")
    play(environment, recorder.wrap(Transitions()), 11)
    recorder.save()

    rows = 6 + 5 + 2 * (STACK - 1)
    observation = array(tmp_path, "$store$_observation")
    assert (observation.shape, observation.dtype) == ((rows, 3, 2), np.uint8)
    np.testing.assert_array_equal(
        observation[:, 0, 0], [0, 0, 0, *range(1, 7), 0, 0, 0, *range(8, 13)]
    )
    for name, dtype in (("action", np.int32), ("reward", np.float32)):
        assert array(tmp_path, f"$store$_{name}").dtype == dtype
        assert array(tmp_path, f"$store$_{name}").shape == (rows,)
    np.testing.assert_array_equal(
        np.flatnonzero(array(tmp_path, "$store$_terminal")), [rows - 1]
    )
    assert array(tmp_path, "add_count") == rows
    np.testing.assert_array_equal(
        array(tmp_path, "invalid_range"), [rows - 1, 0, 1, 2, 3]
    )
    ends = pickle.loads(contents(tmp_path, "episode_end_indices"))
    assert ends == {8, rows - 1}


def test_a_set_of_numpy_numbers_is_read_as_dopamine_writes_it(tmp_path):
    environment = CountingEnvironment([9, 9], [True, False])
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run")
    play(environment, recorder.wrap(Transitions()), 18)
    recorder.save()
    before = keys(read(tmp_path, spec))
    ends = {np.int64(11), np.int64(23)}
    file = tmp_path / "episode_end_indices_ckpt.0.gz"
    file.write_bytes(gzip.compress(pickle.dumps(ends)))
    assert keys(read(tmp_path, spec)) == before
    # Without it the end of the truncated episode would not be known.
    file.unlink()
    assert keys(read(tmp_path, spec)) != before


def test_environments_do_not_mix_and_saving_cuts_no_stack(tmp_path):
    environments = [
        CountingEnvironment([7, 30], [False, False], first=1),
        CountingEnvironment([30, 9], [False, False], first=100),
    ]
    spec = specs.make_environment_spec(environments[0])
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run")
    adders = [Transitions(), Transitions()]
    recording = [recorder.wrap(adder) for adder in adders]
    timesteps = [None, None]
    for round_ in range(4):
        for i, environment in enumerate(environments):
            timesteps[i] = play(environment, recording[i], 8, timesteps[i], seed=round_)
        recorder.save()
    seen = {key(*found[:5]) for adder in adders for found in adder.found}
    for n_step in (1, 3):
        found = keys(read(tmp_path, spec, n_step))
        if n_step == 1:
            assert set(found) <= seen
        assert max(found.values()) == 1
        # Each of the four files cuts an episode of either environment.
        assert 2 * 32 - 4 * 2 * (STACK + n_step) <= found.total() < 2 * 32


def test_an_episode_that_goes_on_after_a_stop_has_no_made_up_frames(tmp_path):
    environment = CountingEnvironment([30], [False])
    spec = specs.make_environment_spec(environment)
    adder = Transitions()
    run_folder = tmp_path / "run"
    recorder = Recorder(tmp_path, spec, run_folder=run_folder)
    timestep = play(environment, recorder.wrap(adder), 12)
    assert recorder.save() == 1
    again = Recorder(tmp_path, spec, run_folder=run_folder, num_files=1)
    recording = again.wrap(adder)
    recording.resume(timestep)
    play(environment, recording, 18, timestep)
    assert again.save() == 2
    observation = array(tmp_path, "$store$_observation", 1)
    np.testing.assert_array_equal(observation[:, 0, 0], range(13, 31))
    found = keys(read(tmp_path, spec))
    assert set(found) <= {key(*found[:5]) for found in adder.found}


def test_files_are_no_longer_than_asked_for(tmp_path):
    environment = CountingEnvironment([40, 40], [False, False])
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run", rows_per_file=25)
    play(environment, recorder.wrap(Transitions()), 80)
    assert recorder.save() == 4
    rows = [reader.read_frame_header(str(tmp_path), n).rows for n in range(4)]
    assert rows == [25, 25, 25, 80 + 6 - 75]


def test_going_on_forgets_what_came_after_the_checkpoint(tmp_path):
    environment = CountingEnvironment([9] * 9, [False] * 9)
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run")
    adder = recorder.wrap(Transitions())
    play(environment, adder, 18)
    assert recorder.save() == 1
    play(environment, adder, 18)
    assert recorder.save() == 2
    play(environment, adder, 5)
    # Killed: the checkpoint was made with one file, and a third is under way.
    assert list(tmp_path.glob("*.unfinished")) == []
    recorder.write([(np.zeros((3, 2), np.uint8), 0, 0.0, False)])
    assert len(list(tmp_path.glob("*.unfinished"))) == 1
    again = Recorder(tmp_path, spec, run_folder=tmp_path / "run", num_files=1)
    assert reader.list_files(str(tmp_path)) == [0]
    assert list(tmp_path.glob("*.unfinished")) == []
    play(environment, again.wrap(Transitions()), 9)
    assert again.save() == 2


def test_a_file_that_cannot_be_finished_is_begun_anew(a_set, tmp_path, monkeypatch):
    spec, path = a_set
    recorder = Recorder(path, spec, run_folder=tmp_path / "run", num_files=3)
    rows = [(np.zeros((3, 2), np.uint8), 0, 0.0, False)]
    recorder.write(rows * 2)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    append = writer.FileWriter.append
    monkeypatch.setattr(writer.FileWriter, "append", full)
    # At an episode's end the run goes on, and its replay has the step.
    adder = mock.Mock()
    recording = recorder.wrap(adder)
    play(CountingEnvironment([5], [False]), recording, 5)
    assert adder.add.call_count == 5
    monkeypatch.setattr(writer.FileWriter, "append", append)
    recorder.write(rows * 2)
    monkeypatch.setattr(writer, "_sync", full)
    with pytest.raises(DiskError, match=r"No space left .* last whole file is lost"):
        recorder.save()
    assert list(path.glob("*.unfinished")) == []
    assert reader.list_files(str(path)) == [0, 1, 2]
    monkeypatch.undo()
    recorder.write(rows)
    assert recorder.save() == 4
    assert reader.read_frame_header(str(path), 3).rows == 1


def test_a_set_is_never_written_over(tmp_path):
    environment = CountingEnvironment([9], [False])
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(tmp_path, spec, run_folder=tmp_path / "run")
    play(environment, recorder.wrap(Transitions()), 9)
    recorder.save()
    with pytest.raises(ValueError, match="holds a set already; give another folder"):
        Recorder(tmp_path, spec, run_folder=tmp_path / "other")


@pytest.fixture
def a_set(tmp_path):
    """The environment's spec, and the folder of a set of three files of `run`."""
    spec = specs.make_environment_spec(CountingEnvironment([9], [False]))
    recorder = Recorder(tmp_path / "set", spec, run_folder=tmp_path / "run")
    for _ in range(3):
        recorder.write([(np.zeros((3, 2), np.uint8), 0, 0.0, False)])
        recorder.save()
    return spec, tmp_path / "set"


def everything(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_a_run_that_has_no_checkpoint_yet_starts_its_set_again(a_set, tmp_path):
    spec, path = a_set
    Recorder(path, spec, run_folder=tmp_path / "run")
    with pytest.raises(reader.DatasetError, match="holds no set"):
        reader.list_files(str(path))


def test_what_is_not_the_runs_own_set_stays_as_it_is(a_set, tmp_path):
    spec, path = a_set
    no_checkpoint = r"record: .*set is another run's or holds a set already; give ano"
    others = (
        r"record: .*set does not hold files 0 to 0 of the set that this run records"
    )
    (path / reader.file_name(reader.OBSERVATION, 3)).touch()
    before = everything(path)
    # A run of its own set elsewhere, and one of a version that claimed no folder.
    Recorder(tmp_path / "elsewhere", spec, run_folder=tmp_path / "other")
    for run, num_files in itertools.product(["other", "older"], [0, 1]):
        message = others if num_files else no_checkpoint
        with pytest.raises(reader.DatasetError, match=message):
            Recorder(path, spec, run_folder=tmp_path / run, num_files=num_files)
    # Nor is a folder without a word one of a run, whose own folder is elsewhere.
    (path / "recorder_id.txt").unlink()
    for num_files in (0, 1):
        with pytest.raises(reader.DatasetError, match=r"record: .*set "):
            Recorder(path, spec, run_folder=tmp_path / "run", num_files=num_files)
    assert before == {**everything(path), "recorder_id.txt": mock.ANY}


def test_a_set_that_lacks_what_its_run_has_recorded_is_left_alone(a_set, tmp_path):
    spec, path = a_set
    (path / reader.file_name(reader.OBSERVATION, 1)).unlink()
    before = everything(path)
    with pytest.raises(
        reader.DatasetError,
        match=r"set does not hold files 0 to 1 of .*; give the folder that does, or "
        r"none \(--config\.record=\) to go on without recording",
    ):
        Recorder(path, spec, run_folder=tmp_path / "run", num_files=2)
    assert everything(path) == before
    with pytest.raises(reader.DatasetError, match="elsewhere does not hold files 0"):
        Recorder(tmp_path / "elsewhere", spec, run_folder=tmp_path / "run", num_files=2)
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_and_its_set_may_move(a_set, tmp_path):
    spec, path = a_set
    for folder in (tmp_path / "run", path):
        folder.rename(f"{folder}_moved")
    moved = tmp_path / "set_moved"
    Recorder(moved, spec, run_folder=tmp_path / "run_moved", num_files=2)
    assert reader.list_files(str(moved)) == [0, 1]


def test_a_copy_of_a_run_does_not_record_over_its_set(a_set, tmp_path):
    spec, path = a_set
    run, copy = tmp_path / "run", tmp_path / "copy"
    shutil.copytree(run, copy)
    before = everything(path)
    for num_files, message in ((0, "is another run's"), (2, "run from which this one")):
        with pytest.raises(reader.DatasetError, match=message):
            Recorder(path, spec, run_folder=copy, num_files=num_files)
    assert everything(path) == before
    # One with a copy of the set has that one, and what it was copied from keeps its.
    shutil.copytree(path, tmp_path / "set_copy")
    Recorder(tmp_path / "set_copy", spec, run_folder=copy, num_files=1)
    Recorder(path, spec, run_folder=run, num_files=2)
    assert reader.list_files(str(tmp_path / "set_copy")) == [0]
    assert reader.list_files(str(path)) == [0, 1]


def test_all_files_after_a_checkpoint_go_whatever_is_between(a_set, tmp_path):
    """As where an earlier removal was cut short."""
    spec, path = a_set
    for file in path.glob("*_ckpt.1.gz"):
        file.unlink()
    Recorder(path, spec, run_folder=tmp_path / "run", num_files=1)
    assert reader.list_files(str(path)) == [0]


def test_only_stacks_of_frames_are_recorded(tmp_path):
    environment = CountingEnvironment([9], [False])
    spec = specs.make_environment_spec(environment)
    vector = spec._replace(observations=specs.Array((3,), np.float32))
    # What is left out of a set, no agent could learn from.
    both = {"frames": spec.observations, "vector": vector.observations}
    for other in (vector, spec._replace(observations=both)):
        with pytest.raises(ValueError, match=r"record: .*StackedFrames"):
            Recorder(tmp_path, other, run_folder=tmp_path / "run")


def test_what_an_agent_sees_beside_the_frames_is_left_out(tmp_path):
    """As R2D2, which sees the action and the reward before."""
    wrappers = {"plain": lambda x: x, "more": ObservationActionRewardWrapper}
    for name, wrap in wrappers.items():
        environment = wrap(CountingEnvironment([9, 5], [False, True]))
        spec = specs.make_environment_spec(environment)
        recorder = Recorder(tmp_path / name, spec, run_folder=tmp_path / "run")
        play(environment, recorder.wrap(mock.create_autospec(base.Adder)), 14)
        recorder.save()
    plain, more = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
        for name in wrappers
    )
    assert plain == more
    assert plain


def test_real_frames_are_those_that_a_plain_reader_finds(tmp_path):
    environment = AtariEnvironment("Breakout", 0, AtariConfig(max_episode_steps=300))
    spec = specs.make_environment_spec(environment)
    recorder, adder = (
        Recorder(tmp_path, spec, run_folder=tmp_path / "run", rows_per_file=700),
        Transitions(),
    )
    play(environment, recorder.wrap(adder), 2_000)
    assert recorder.save() == 3
    dataset = read(tmp_path, spec)
    seen = {key(*found[:5]) for found in adder.found}
    found = keys(dataset)
    assert set(found) <= seen
    expected = 0
    for number in range(3):
        columns = [
            array(tmp_path, f"$store$_{name}", number)
            for name in ("observation", "action", "reward", "terminal")
        ]
        ends = pickle.loads(contents(tmp_path, "episode_end_indices", number))
        rows = len(columns[1])
        expected += len(
            sets.brute_force(
                columns,
                stack=STACK,
                n_step=1,
                discount=0.9,
                clip=1.0,
                invalid={rows - 1, 0, 1, 2, 3},
                breaks=ends,
            )
        )
    assert len(dataset) == expected > 1_900
    # Frames of a game pack well: far less than the 7,056 bytes of one.
    assert dataset.nbytes / len(dataset) < 1_000
