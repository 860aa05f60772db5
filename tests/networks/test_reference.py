"""Equality with the reference arrays that are kept here."""

import json
import pathlib

import numpy as np
import pytest

from tests import check_reference

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())


@pytest.mark.parametrize("name", MANIFEST)
def test_case(name):
    assert check_reference.check_case(name, MANIFEST[name], GOLDEN)


def test_every_kind_is_among_them():
    kinds = {case["kind"] for case in MANIFEST.values()}
    assert kinds == set(check_reference.CHECKS)


def test_wrong_and_unknown_cases_fail(tmp_path, capsys):
    with np.load(GOLDEN / "dqn_loss.npz") as file:
        arrays = dict(file)
    arrays["huber"] = arrays["huber"] + 1e-3
    np.savez(tmp_path / "wrong.npz", **arrays)
    manifest = {"wrong": MANIFEST["dqn_loss"], "new": {"kind": "unheard_of"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert check_reference.main(tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["FAIL", "FAIL"]
    arrays["huber"][0] = np.nan
    np.savez(tmp_path / "wrong.npz", **arrays)
    assert not check_reference.check_case("wrong", manifest["wrong"], tmp_path)


def test_right_folder_succeeds(tmp_path):
    manifest = {"dqn_loss": MANIFEST["dqn_loss"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "dqn_loss.npz").write_bytes((GOLDEN / "dqn_loss.npz").read_bytes())
    assert check_reference.main(tmp_path) == 0
