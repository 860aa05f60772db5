"""Equality with the reference arrays that are kept here."""

import json
import pathlib

import numpy as np
import pytest

from tests import check_reference, reference_networks

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


@pytest.mark.parametrize(
    ("share", "wrong"), [(0.0, False), (0.5, True), (np.nan, True)]
)
def test_a_movement_is_measured_by_the_largest_of_its_array(share, wrong):
    name = "train_dqn_cnn_soft_per_conv"
    with np.load(GOLDEN / f"{name}.npz") as file:
        arrays = dict(file)
    config = reference_networks.network_config(MANIFEST[name], arrays)
    after = reference_networks.under(arrays, "params_after")
    ours = reference_networks.network_params(config, after)
    bias = ours["head/value"]["b"]
    moved = np.abs(bias - arrays["params/Dense_0/bias"]).max()
    ours["head/value"]["b"] = bias + share * moved
    found = reference_networks.movement_error(MANIFEST[name], arrays, ours)
    np.testing.assert_allclose(found, share, rtol=1e-2)
    assert (not found <= check_reference.STEP_TOLERANCES["movement"]) == wrong


def test_right_folder_succeeds(tmp_path):
    manifest = {"dqn_loss": MANIFEST["dqn_loss"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "dqn_loss.npz").write_bytes((GOLDEN / "dqn_loss.npz").read_bytes())
    assert check_reference.main(tmp_path) == 0
