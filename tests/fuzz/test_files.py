"""Files of others: data sets and scores are refused in words, or are what they were."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_moe.offline import reader
from acme_moe.reporting.external import FIELDS, read_external
from tests.fuzz import hostile
from tests.offline import sets


def read(path):
    frames = np.concatenate([x.copy() for _, x in reader.read_frames(path, 0)])
    return (*reader.read_columns(path, 0), frames)


@pytest.fixture(scope="module")
def a_set(tmp_path_factory):
    path = tmp_path_factory.mktemp("set")
    sets.write_file(path, 0, sets.random_columns([5, 7], 0))
    return path, read(str(path))


@hostile.inputs(200, 4_000)
@given(which=st.integers(0, 5), damage=hostile.damages())
def test_a_damaged_file_of_a_set_is_refused_or_read_as_it_was(a_set, which, damage):
    path, before = a_set
    file = sorted(path.glob("*.gz"))[which]
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    try:
        after, refusal = hostile.attempt(read, str(path), refusal=reader.DatasetError)
    finally:
        file.write_bytes(whole)
    if after is None:
        assert str(path) in refusal
        return
    # gzip's header has a time and a system, which say nothing.
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


_CELLS = st.one_of(
    st.sampled_from(("Pong", "0", "1", "1e999", "nan", "-inf", "", "atari", "a:b")),
    st.text(string.printable, max_size=6),
)


@hostile.inputs(150, 3_000)
@given(
    header=st.lists(st.sampled_from((*FIELDS, "updates", "panel", "x")), max_size=7),
    rows=st.lists(st.lists(_CELLS, max_size=7), max_size=4),
)
def test_scores_from_elsewhere_are_refused_or_finite(tmp_path, header, rows):
    if len(header) < 5:
        header = [*FIELDS]
    text = "\n".join(",".join(row) for row in (header, *rows))
    check_scores(tmp_path / "scores.csv", text.encode())


@hostile.inputs(100, 3_000)
@given(damages=st.lists(hostile.damages(), min_size=1, max_size=3))
def test_damaged_scores_from_elsewhere_are_refused_or_finite(tmp_path, damages):
    data = b"game,seed,agent,frames,score\nPong,0,DQN,1000,-20.5\nPong,1,DQN,1000,3\n"
    for damage in damages:
        data = damage(data)
    check_scores(tmp_path / "scores.csv", data)


def check_scores(path, data):
    path.write_bytes(data)
    lines, refusal = hostile.attempt(read_external, path)
    if lines is None:
        assert refusal.startswith(f"{path}: ")
        return
    for line in lines:
        for seeds in line.curves.values():
            for curve in seeds.values():
                assert np.isfinite(curve.positions).all()
                assert np.isfinite(curve.returns).all()
