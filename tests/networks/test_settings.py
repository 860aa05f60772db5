import dataclasses

import numpy as np
import pytest

from acme_moe.networks import NetworkConfig


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("encoder", {"encoder": "foo"}),
        ("encoder", {"encoder": None}),
        ("tokenizer", {"tokenizer": "per_pixel"}),
        ("moe", {"moe": "expert_choose"}),
        ("dense", {"moe": "none", "dense": "max_pool"}),
        ("dense", {"moe": "soft", "dense": "gap"}),
        ("dense", {"moe": "none", "dense": "gap", "encoder": "mlp"}),
        (
            "widen_dense",
            {"moe": "none", "dense": "simplicial_v2", "widen_dense": True},
        ),
        ("simplicial_temperature", {"simplicial_temperature": 0.0}),
        ("variant", {"variant": "huge"}),
        ("phi", {"phi": "random"}),
        ("compute_dtype", {"compute_dtype": "float16"}),
        ("num_experts", {"num_experts": 0}),
        ("num_experts", {"num_experts": 2.0}),
        ("num_experts", {"num_experts": True}),
        ("expert_width", {"expert_width": 0}),
        ("impala_width", {"impala_width": 0}),
        ("impala_width", {"impala_width": 0.01}),
        ("impala_filter_size", {"impala_filter_size": 0}),
        ("mlp_widths", {"mlp_widths": ()}),
        ("mlp_widths", {"mlp_widths": (64, 0)}),
        ("patch_size", {"tokenizer": "patches_pool", "patch_size": 0}),
        ("patch_channels", {"tokenizer": "patches_conv", "patch_channels": 0}),
        ("patch_channels", {"tokenizer": "patches_pool", "patch_channels": 8}),
        ("capacity_factor", {"capacity_factor": 0.0}),
        ("capacity_factor", {"capacity_factor": float("nan")}),
        ("num_slots", {"num_slots": 0}),
        ("num_atoms", {"num_atoms": 1}),
        ("v_max", {"v_max": -10.0}),
        ("v_max", {"v_max": float("inf")}),
        ("router_noise", {"moe": "top1", "router_noise": -1.0}),
        ("router_noise", {"moe": "soft", "router_noise": 1.0}),
        ("importance_weight", {"moe": "soft", "importance_weight": 0.1}),
        ("load_weight", {"moe": "none", "load_weight": 0.1}),
        ("normalization", {"moe": "top1", "normalization": True}),
        ("phi", {"moe": "top1", "phi": "fixed"}),
        ("widen_dense", {"moe": "soft", "widen_dense": True}),
        ("divide_expert_width", {"moe": "none", "divide_expert_width": True}),
        ("divide_expert_width", {"num_experts": 3, "divide_expert_width": True}),
        ("tokenizer", {"encoder": "mlp", "tokenizer": "per_conv"}),
        ("tokenizer", {"variant": "all", "tokenizer": "per_conv"}),
        ("tokenizer", {"variant": "big", "tokenizer": "patches_conv"}),
        ("variant", {"variant": "big", "moe": "top1", "tokenizer": "per_samp"}),
        ("variant", {"variant": "all", "moe": "none", "tokenizer": "per_samp"}),
        ("num_slots", {"variant": "big", "tokenizer": "per_samp", "num_slots": 2}),
        ("impala_max_pool", {"encoder": "nature_cnn", "impala_max_pool": 6}),
        (
            "impala_spectral_norm",
            {"encoder": "nature_cnn", "impala_spectral_norm": True},
        ),
        (
            "capacity_factor",
            {"variant": "all", "tokenizer": "per_samp", "capacity_factor": 2.0},
        ),
    ],
)
def test_refuses_what_makes_no_sense(field, settings):
    with pytest.raises(ValueError, match=rf"^{field}: ") as error:
        NetworkConfig(**settings)
    value = {**dataclasses.asdict(NetworkConfig()), **settings}[field]
    assert repr(value) in str(error.value)


def test_names_what_is_accepted():
    names = "hadamax, impala, minatar_cnn, mlp, nature_cnn"
    message = f"encoder: 'foo' is not known; accepted: {names}"
    with pytest.raises(ValueError, match=f"^{message}$"):
        NetworkConfig(encoder="foo")


def test_accepts_lists_from_config_files():
    config = NetworkConfig(mlp_widths=[64, 32])
    assert config.mlp_widths == (64, 32)
    assert hash(config) == hash(NetworkConfig(mlp_widths=(64, 32)))


@pytest.mark.parametrize(
    ("settings", "units"),
    [
        ({}, 512),
        ({"divide_expert_width": True}, 64),
        ({"moe": "none"}, 512),
        ({"moe": "none", "widen_dense": True}, 4096),
    ],
)
def test_hidden_units(settings, units):
    assert NetworkConfig(num_experts=8, **settings).hidden_units == units


@pytest.mark.parametrize(
    ("settings", "num_tokens", "slots"),
    [
        ({"num_experts": 8}, 121, 16),
        ({"num_experts": 4}, 121, 31),
        ({"num_experts": 8}, 1, 1),
        ({"num_experts": 4, "capacity_factor": 0.5}, 121, 16),
        ({"num_experts": 4, "capacity_factor": 2.0}, 6, 3),
        ({"num_experts": 4, "num_slots": 7}, 121, 7),
    ],
)
def test_slots(settings, num_tokens, slots):
    config = NetworkConfig(**settings)
    assert config.slots(num_tokens) == slots
    assert isinstance(config.slots(np.int64(num_tokens)), int)
