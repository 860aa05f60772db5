import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import (
    NetworkConfig,
    describe,
    make_network,
    make_recurrent_network,
)

FRAMES = jax.ShapeDtypeStruct((84, 84, 4), jnp.uint8)


def numbers(text, row):
    """Parameters and FLOPs of a row."""
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [row]]
    return tuple(int(word.replace(",", "")) for word in line.split()[-2:])


def test_soft_moe_of_the_paper():
    network = make_network(NetworkConfig(), num_actions=6)
    text = describe(network, FRAMES)
    assert "tokens      121" in text
    assert "slots       8 experts x 16 = 128" in text
    assert "moe/experts/hidden              8x16x512" in text
    # 3x3 kernels on 84x84 positions; 128 slots through 32 x 512 weights.
    assert numbers(text, "encoder/stack_0_conv") == (592, 2 * 84 * 84 * 9 * 4 * 16)
    hidden = (8 * (32 * 512 + 512), 2 * 128 * 32 * 512)
    assert numbers(text, "moe/experts/hidden") == hidden
    params = jax.eval_shape(network.init, jax.random.key(0), np.zeros((1, 84, 84, 4)))
    total = sum(np.prod(x.shape) for x in jax.tree.leaves(params))
    assert numbers(text, "total")[0] == total


def test_routers_of_layers_without_names_have_rows_of_their_own():
    config = NetworkConfig(
        encoder="tests.outside_parts:unpadded",
        variant="all",
        tokenizer="per_samp",
        num_experts=2,
    )
    text = describe(make_network(config, 3), jax.ShapeDtypeStruct((9, 9, 4), np.uint8))
    for name, inputs in (("conv_routing", 9 * 9 * 4), ("conv_routing_1", 7 * 7 * 3)):
        row = f"encoder/{name}/slot_logits"
        assert numbers(text, row) == (2 * inputs, 2 * 2 * inputs)


@pytest.mark.parametrize(
    "settings",
    [
        {"moe": "none"},
        {"moe": "top1", "dueling": True, "noisy": True, "num_atoms": 51},
        {"variant": "big", "tokenizer": "per_samp", "num_experts": 2},
        {"variant": "all", "tokenizer": "per_samp", "num_experts": 2},
        {"tokenizer": "patches_conv"},
    ],
)
def test_parts_add_up(settings):
    network = make_network(NetworkConfig(encoder="nature_cnn", **settings), 6)
    text = describe(network, FRAMES)
    layers, parts = text.split("\n\n")[1:]
    for column in (-2, -1):
        sums = [
            sum(
                int(line.split()[column].replace(",", ""))
                for line in table.splitlines()[1:]
                if line.split()[0] != "total"
            )
            for table in (layers, parts)
        ]
        assert sums[0] == sums[1] == numbers(text, "total")[column]


def test_recurrent_and_vectors():
    config = NetworkConfig(
        encoder="mlp", tokenizer="per_samp", mlp_widths=(64,), dueling=True
    )
    observation = {"x": np.zeros(3, np.float32), "y": np.zeros(2, np.float32)}
    network = make_recurrent_network(config, 2, lstm_size=16, head_width=8)
    text = describe(network, observation)
    assert numbers(text, "lstm") == (4 * 16 * (64 + 16 + 1), 2 * 4 * 16 * (64 + 16))
    assert numbers(text, "encoder")[1] == 2 * 5 * 64
    # Both streams.
    assert numbers(text, "head/hidden") == (2 * 8 * (16 + 1), 2 * 2 * 8 * 16)
    assert numbers(text, "head/advantage") == (2 * (8 + 1), 2 * 2 * 8)
    assert numbers(text, "head/value") == (8 + 1, 2 * 8)
