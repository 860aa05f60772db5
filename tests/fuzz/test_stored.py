"""Damaged checkpoints are found, and nothing else comes of a hostile replay."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_moe.runs.checkpoint import DamagedCheckpointError
from acme_moe.runs.checkpoints import Checkpoints
from tests.fuzz import hostile
from tests.replay import episodes as truth
from tests.replay.test_local import SIGNATURE, fill

STATE = {"params": {"w": np.arange(6.0).reshape(2, 3)}, "steps": np.int32(7)}
FILES = (
    "state.npz",
    "state.json",
    "manifest.json",
    "replay/replay.npz",
    "replay/replay.json",
)


def empty(folder=None, size=8):
    return truth.make_local(SIGNATURE, size, 0.5, 0, folder)


def filled(folder, size=8):
    local = empty(folder)
    fill(local, range(size + 3), priorities=np.arange(size + 3) + 1.0)
    return local


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with two checkpoints; the newer one is damaged and mended again."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    checkpoints = Checkpoints(folder, kept=2)
    for position in (10, 20):
        local = filled(checkpoints.spool())
        checkpoints.save(position, STATE, {"agent_steps": position}, [local])
    return folder


@hostile.inputs(200, 4_000)
@given(name=st.sampled_from(FILES), damage=hostile.damages())
def test_damage_is_found_and_the_checkpoint_before_it_taken(saved, name, damage):
    file = saved / "000000000020" / name
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    try:
        taken = Checkpoints(saved).latest()
        if name != "manifest.json":
            assert taken.path.name == "000000000010"
        # White space in a manifest says nothing; then the whole checkpoint is right.
        assert taken.counts == {"agent_steps": int(taken.path.name)}
    finally:
        file.write_bytes(whole)


@hostile.inputs(100, 2_000)
@given(
    name=st.sampled_from(("manifest.json", "state.json")),
    value=st.one_of(
        hostile.VALUES, st.dictionaries(st.sampled_from(FILES), hostile.VALUES)
    ),
)
def test_a_hostile_description_is_damage(saved, name, value):
    file = saved / "000000000020" / name
    whole = file.read_bytes()
    file.write_text(json.dumps(value))
    try:
        taken = Checkpoints(saved).latest()
        assert taken.path.name == "000000000010"
    except DamagedCheckpointError:
        pytest.fail("the one before it is whole")
    finally:
        file.write_bytes(whole)


ARRAYS = st.one_of(
    st.none(),
    st.builds(
        lambda shape, kind, value: np.full(shape, value).astype(kind),
        st.sampled_from([(), (0,), (1,), (8,), (8, 1), (12, 8), (2, 3)]),
        st.sampled_from([np.uint8, np.int32, np.int64, np.float64]),
        st.integers(-1, 300),
    ),
    st.just(np.array([{}])),
    st.just(np.full(8, np.nan)),
    st.just(np.array(["a"] * 8)),
)


@hostile.inputs(200, 4_000)
@given(data=st.data())
def test_a_hostile_replay_is_refused_or_can_be_sampled(tmp_path, data):
    source = tmp_path / "source"
    if not source.exists():
        shutil.move(filled(tmp_path / "spool").checkpoint(), source)
    description = json.loads((source / "replay.json").read_text())
    with np.load(source / "replay.npz") as stored:
        arrays = dict(stored)
    if data.draw(st.booleans(), "of the description"):
        field = data.draw(st.sampled_from(sorted(description)))
        description[field] = data.draw(hostile.VALUES)
    else:
        name = data.draw(st.sampled_from(sorted(arrays)))
        arrays[name] = data.draw(ARRAYS)
    arrays = {name: x for name, x in arrays.items() if x is not None}
    target = tmp_path / "hostile"
    target.mkdir(exist_ok=True)
    (target / "replay.json").write_text(json.dumps(description))
    np.savez(target / "replay.npz", **arrays)
    restored = empty()
    _, refusal = hostile.attempt(restored.restore, target)
    if refusal is not None:
        assert str(target) in refusal
    elif len(restored.table):
        with np.errstate(all="raise"):
            restored.table.sample(4)


@hostile.inputs(100, 2_000)
@given(
    name=st.sampled_from(("replay.json", "replay.npz")),
    damages=st.lists(hostile.damages(), min_size=1, max_size=3),
)
def test_a_damaged_replay_is_refused_or_can_be_sampled(tmp_path, name, damages):
    source, target = tmp_path / "source", tmp_path / "damaged"
    if not source.exists():
        shutil.move(filled(tmp_path / "spool").checkpoint(), source)
    shutil.copytree(source, target, dirs_exist_ok=True)
    for damage in damages:
        (target / name).write_bytes(damage((target / name).read_bytes()))
    restored = empty()
    _, refusal = hostile.attempt(restored.restore, target)
    if refusal is None and len(restored.table):
        restored.table.sample(4)
