"""The Hadamax encoder, step by step."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.networks import NetworkConfig, check_part, make_network

CONFIG = NetworkConfig(encoder="hadamax", moe="none", expert_width=4)


def branch(x, params, name):
    """A convolution, normalised over its channels, and GELU."""
    conv, norm = params[f"encoder/{name}"], params[f"encoder/{name}_norm"]
    y = jax.lax.conv_general_dilated(
        x, conv["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    y = np.asarray(y + conv["b"], np.float64)
    centred = y - y.mean(axis=-1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
    return np.asarray(jax.nn.gelu(normal * norm["scale"] + norm["offset"]))


def pooled(x, window, stride):
    """Maxima of windows, padded as `SAME` pads."""
    size = x.shape[1]
    places = -(-size // stride)
    before = max((places - 1) * stride + window - size, 0) // 2
    starts = [max(i * stride - before, 0) for i in range(places)]
    ends = [min(i * stride - before + window, size) for i in range(places)]
    rows = [x[:, a:b].max(axis=1) for a, b in zip(starts, ends, strict=True)]
    x = np.stack(rows, axis=1)
    columns = [x[:, :, a:b].max(axis=2) for a, b in zip(starts, ends, strict=True)]
    return np.stack(columns, axis=2)


def test_it_is_maxima_of_products_of_two_convolutions():
    images = np.random.default_rng(0).integers(0, 256, (2, 10, 10, 3)).astype(np.uint8)
    network = make_network(CONFIG, 5)
    params = jax.jit(network.init)(jax.random.key(0), images)
    params = jax.tree.map(lambda x: np.asarray(x) + np.float32(0.05), params)
    x = images.astype(np.float32) / 255
    for i, (window, stride) in enumerate(((4, 4), (2, 2), (3, 1))):
        product = branch(x, params, f"conv_{i}_left") * branch(
            x, params, f"conv_{i}_right"
        )
        x = pooled(product, window, stride).astype(np.float32)
    assert x.shape == (2, 2, 2, 64)
    dense = params["dense"]
    hidden = np.maximum(x.reshape(2, -1) @ dense["w"] + dense["b"], 0)
    output = jax.jit(partial(network.apply, evaluation=True))(params, None, images)
    np.testing.assert_allclose(output.features, hidden, rtol=1e-3, atol=1e-3)


def test_shapes_on_atari_are_those_of_the_network_that_it_replaces():
    frame = jnp.zeros((1, 84, 84, 4), jnp.uint8)
    shapes = [
        jax.eval_shape(make_network(config, 5).init, jax.random.key(0), frame)
        for config in (CONFIG, NetworkConfig(encoder="nature_cnn", moe="none"))
    ]
    assert shapes[0]["dense"]["w"].shape[0] == shapes[1]["dense"]["w"].shape[0]


def test_the_checker_finds_nothing_wrong(monkeypatch):
    monkeypatch.setattr(check_part, "_cost", lambda bench: "")
    found = list(check_part.check("encoder", "hadamax", CONFIG, (8, 8, 2)))
    assert not [x for x in found if x.outcome == "FAILED"], found
