"""The checker: silent on parts that are right, and each fault is found by its name."""

import functools
import re

import numpy as np
import pytest
from dm_env import specs

from acme_moe.networks import NetworkConfig, check_part
from acme_moe.registry import load
from tests.programs import run_python

HERE = "tests.outside_parts"
SIZES = {"encoder": "nature_cnn", "num_experts": 2, "expert_width": 4}


def results(kind, name, **settings):
    path = f"{HERE}:{name}"
    named = {} if kind == "loss" else {kind: path}
    config = NetworkConfig(**{**SIZES, **settings, **named})
    shape = (16,) if name == "vectors" else (24, 24, 2)
    found = check_part.check(kind, path, config, shape)
    return {result.name: result for result in found}


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        ("moe", "Scaled", {}),
        ("moe", "Scaled", {"noisy": True}),
        ("tokenizer", "Required", {"tokenizer_options": {"size": 8}}),
        ("encoder", "pooled", {}),
        ("encoder", "vectors", {"tokenizer": "per_samp"}),
        ("head", "tanh_head", {"num_atoms": 5}),
        ("loss", "log_cosh", {}),
        ("loss", "of_categories", {"num_atoms": 5}),
    ],
)
def test_nothing_is_wrong_with_what_is_right(kind, name, settings, monkeypatch):
    if name != "pooled":
        # Measuring takes most of the time, and does so alike for each kind.
        monkeypatch.setattr(check_part, "_update_seconds", lambda *_: 1.0)
    found = results(kind, name, **settings)
    assert not [x for x in found.values() if x.outcome == "FAILED"], found
    assert ("cost" in found) == (kind != "loss")
    assert check_part.infer_kind(load(f"{HERE}:{name}")) == kind


@pytest.mark.parametrize(
    ("name", "check", "detail"),
    [
        ("Float32", "shapes and dtypes", "float32 of an input of bfloat16"),
        ("Narrow", "shapes and dtypes", r"tokens is \[4,9,63\], not \[4,9,64\]"),
        ("Normalised", "finite values, gradients", "by inputs of zeros are not"),
        ("OverBatch", "a batch is its examples", "an example alone differs by"),
        (
            "Noisy",
            "evaluation is repeatable",
            "MissingRNGError: You must pass a non-None",
        ),
        ("Lossy", "evaluation is repeatable", "load and dropped sum to 1.5, not 1"),
        ("Branching", "shapes and dtypes", "TracerBoolConversionError"),
        ("PerExample", "parameters", "depend on the size of the batch"),
        ("Rounding", "parameters", "they are bfloat16, float32"),
        ("Haikus", "parameters", "bfloat16, float32 of an input of bfloat16"),
    ],
)
def test_what_is_wrong_with_a_mixture_is_found(name, check, detail, monkeypatch):
    # Of no fault, and most of the time.
    monkeypatch.setattr(check_part, "_cost", lambda bench: "not measured")
    failed = {k: x for k, x in results("moe", name).items() if x.outcome == "FAILED"}
    assert check in failed
    assert re.search(detail, failed[check].detail), failed[check]


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        ("moe", "soft", {"phi": "redrawn", "normalization": True}),
        ("moe", "soft", {"variant": "big", "tokenizer": "per_samp"}),
        ("moe", "top1", {"router_noise": 0.1, "load_weight": 1.0}),
        ("tokenizer", "patches_conv", {"patch_channels": 4}),
    ],
)
def test_the_part_beside_it_has_none_of_its_settings(kind, name, settings, monkeypatch):
    monkeypatch.setattr(check_part, "_update_seconds", lambda *_: 1.0)
    config = NetworkConfig(**SIZES, **settings, **{kind: name})
    bench = check_part.Bench(kind, name, config, (24, 24, 2), 6)
    assert check_part._cost(bench).startswith("1.00 times the time of ")


@pytest.mark.parametrize(
    ("phi", "detail"),
    [("learned", "without a random key"), ("redrawn", "with the same random key")],
)
def test_an_evaluation_repeats_with_the_key_that_it_needs(phi, detail):
    config = NetworkConfig(**SIZES, phi=phi)
    bench = check_part.Bench("moe", "soft", config, (24, 24, 2), 6)
    assert check_part._repeatable(bench) == detail


def test_a_grid_that_is_not_the_tokens_is_found(monkeypatch):
    monkeypatch.setattr(check_part, "_cost", lambda bench: "not measured")
    failed = results("tokenizer", "Misplaced")["shapes and dtypes"]
    assert failed.outcome == "FAILED"
    assert failed.detail == "grid says 3 x 3, and there are 1 tokens"


@pytest.mark.parametrize("name", ["mean_loss", "mean_of_categories"])
def test_a_loss_of_the_batch_is_found(name):
    failed = results("loss", name, num_atoms=5)["a batch is its examples"]
    assert failed.outcome == "FAILED"


def test_a_loss_of_categories_that_is_negative_is_found():
    failed = results("loss", "shifted", num_atoms=5)["finite values, gradients"]
    assert failed.outcome == "FAILED"
    assert failed.detail == "a loss of zeros is -1, not at least 0"


@pytest.mark.parametrize("name", ["squared", "hl_gauss", "two_hot"])
def test_nothing_is_wrong_with_the_library_s_losses(name):
    config = NetworkConfig(**SIZES, num_atoms=5)
    found = list(check_part.check("loss", name, config))
    assert not [x for x in found if x.outcome == "FAILED"], found


def test_a_loss_that_compares_whole_distributions_cannot_be_checked():
    (found,) = check_part.check("loss", "c51", NetworkConfig(**SIZES))
    assert found.outcome == "FAILED"
    assert "'c51' is not known" in found.detail


def command(*arguments):
    """Runs the command as a user would."""
    return run_python("-m", "acme_moe.cli.check", *arguments)


@pytest.mark.parametrize(
    ("words", "given"),
    [([], "nothing"), (["--config.seed", "2", "my:Part"], "2 my:Part")],
)
def test_it_asks_for_one_part(words, given):
    done = command(*words)
    assert done.returncode != 0
    assert f"part: '{given}' is not accepted; one import path" in done.stderr


def test_observations_are_one_image_or_all_that_a_vector_is_made_of():
    nest = {"a": specs.Array((3,), np.float32), "b": specs.Array((2, 2), np.uint8)}
    vectors = NetworkConfig(encoder="mlp", tokenizer="per_samp")
    assert check_part.observation_shape(vectors, nest) == (7,)
    with pytest.raises(ValueError, match=r"^network\.encoder: .* not one image"):
        check_part.observation_shape(NetworkConfig(encoder="nature_cnn"), nest)


def test_a_loss_may_have_parameters_with_a_default():
    assert check_part.infer_kind(load("acme_moe.losses:hl_gauss")) == "loss"
    assert check_part.infer_kind(lambda errors, delta=1.0: errors) == "loss"
    assert check_part.infer_kind(lambda images, kinds=None: images) == "encoder"


def test_the_kind_of_a_partial_is_told_by_its_parameters():
    scaled = functools.partial(lambda scale, images, kinds: scale * images, 2)
    assert check_part.infer_kind(scaled) == "encoder"


def test_a_part_gets_what_the_run_s_environment_gives():
    done = command(f"{HERE}:Scaled", "--config=dqn_minatar", "--config.game=Freeway")
    assert done.returncode == 0, done.stdout + done.stderr
    # Tokens of the 8 x 8 map of MinAtar's encoder, not of Atari's 11 x 11.
    assert "[4,64,16]" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("name", "status"),
    [
        # To which the command gives atoms.
        ("of_categories", 0),
        ("mean_loss", 1),
        ("Power", 0),
    ],
)
def test_the_command_prints_a_table(name, status):
    options = ["--config.loss_options.exponent=2"] if name == "Power" else []
    done = command(f"{HERE}:{name}", *options)
    assert done.returncode == status, done.stderr
    assert "shapes and dtypes" in done.stdout
