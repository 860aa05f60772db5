"""The grid of a tokenizer is where its tokens are, and who has none says why."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from own_moe.tokens import Rows

from acme_moe.networks import NetworkConfig
from acme_moe.networks.token_grid import NoTokenGridError, grid_of, token_grid
from acme_moe.networks.tokenizers import PatchesConv, PatchesPool, PerConv

SHAPE = (1, 7, 5, 3)
IMAGE = jax.ShapeDtypeStruct((84, 84, 4), jnp.uint8)


@pytest.mark.parametrize(
    "tokenizer", [PerConv(), PatchesPool(2), PatchesConv(2, 4), Rows(2)], ids=repr
)
def test_a_token_sees_its_place_and_no_other(tokenizer):
    """Of every pixel that a token depends on the place is the token's."""
    function = hk.transform(tokenizer)
    x = np.random.default_rng(0).normal(size=SHAPE)
    params = jax.jit(function.init)(jax.random.key(0), x)
    apply = jax.jit(function.apply)
    tokens = apply(params, None, x)
    rows, columns = grid_of(tokenizer, SHAPE)
    assert rows * columns == tokens.shape[1]
    seen = 0
    for i in range(SHAPE[1]):
        for j in range(SHAPE[2]):
            changed = x.copy()
            changed[0, i, j] += 1
            differs = np.any(apply(params, None, changed) != tokens, axis=-1)
            places = [divmod(number, columns) for number in np.flatnonzero(differs[0])]
            expected = i // (SHAPE[1] // rows), j // (SHAPE[2] // columns)
            assert places in ([], [expected])
            seen += len(places)
    assert seen >= rows * columns


@pytest.mark.parametrize(
    ("settings", "grid"),
    [
        ({}, (11, 11)),
        ({"tokenizer": "patches_conv", "patch_size": 2}, (5, 5)),
        ({"tokenizer": "own_moe.tokens:Rows"}, (11, 1)),
    ],
)
def test_it_is_that_of_the_network(settings, grid):
    assert token_grid(NetworkConfig(encoder="nature_cnn", **settings), IMAGE) == grid


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"moe": "none"}, r"network\.moe: 'none' routes no tokens"),
        (
            {"variant": "big", "tokenizer": "per_samp"},
            r"network\.variant: 'big' has the whole input",
        ),
        (
            {"encoder": "mlp", "tokenizer": "per_samp"},
            r"network\.encoder: 'mlp' gives vectors",
        ),
        ({"tokenizer": "per_feat"}, r"network\.tokenizer: 'per_feat' has no grid\("),
        (
            {
                "tokenizer": "tests.outside_parts:Required",
                "tokenizer_options": {"size": 64},
            },
            r"network\.tokenizer: 'tests\.outside_parts:Required' has no grid\(",
        ),
        (
            {"tokenizer": "tests.outside_parts:Misplaced"},
            r"'tests\.outside_parts:Misplaced' says that its tokens are 11 x 11, and "
            "there are 1$",
        ),
    ],
)
def test_where_there_is_none_the_reason_is_said(settings, reason):
    config = NetworkConfig(**{"encoder": "nature_cnn", **settings})
    with pytest.raises(NoTokenGridError, match=reason):
        token_grid(config, IMAGE)
