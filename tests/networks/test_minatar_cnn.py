"""The convolution of MinAtar's networks."""

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.networks import NetworkConfig, make_network

CONFIG = NetworkConfig(encoder="minatar_cnn", num_experts=2, expert_width=8)


def test_it_is_a_convolution_without_padding():
    network = make_network(CONFIG, 6)
    images = np.random.default_rng(0).integers(0, 2, (3, 10, 10, 4)).astype(np.uint8)
    images *= 255
    params = jax.jit(network.init)(jax.random.PRNGKey(0), images)
    apply = jax.jit(network.apply, static_argnames="evaluation")
    output = apply(params, None, images, evaluation=True)
    ((name, layer),) = ((k, v) for k, v in params.items() if "conv_0" in k)
    assert layer["w"].shape == (3, 3, 4, 16), name
    expected = jax.lax.conv_general_dilated(
        jnp.asarray(images / 255.0, jnp.float32),
        layer["w"],
        (1, 1),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    expected = jax.nn.relu(expected + layer["b"])
    np.testing.assert_allclose(output.activations["conv_0"], expected, atol=1e-5)
    # A token of each place of the 8 x 8 map.
    assert output.moe.dispatch_weights.shape[:3] == (3, 64, 2)


def test_without_a_mixture_a_dense_layer_follows():
    config = NetworkConfig(encoder="minatar_cnn", moe="none", expert_width=128)
    network = make_network(config, 6)
    images = np.zeros((1, 10, 10, 4), np.uint8)
    params = jax.eval_shape(network.init, jax.random.PRNGKey(0), images)
    (dense,) = (v for k, v in params.items() if k.endswith("dense"))
    assert dense["w"].shape == (8 * 8 * 16, 128)
