"""Dormant neurons of hand-made activations."""

import jax
import numpy as np
import pytest

from acme_moe import diagnostics
from acme_moe.networks import NetworkConfig, make_network

# Means 0, 1, 3, 8: the layer's is 3.
LAYER = np.array([[0.0, 0.0, 3.0, 16.0], [0.0, 2.0, 3.0, 0.0]])


@pytest.mark.parametrize(
    ("tau", "expected"),
    [
        (0.0, [True, False, False, False]),
        (0.3, [True, False, False, False]),
        (0.34, [True, True, False, False]),
        (1.0, [True, True, True, False]),
    ],
)
def test_neurons_below_a_share_of_the_mean_are_dormant(tau, expected):
    assert diagnostics.dormant(LAYER, tau).tolist() == expected


def test_the_sign_of_an_activation_does_not_matter():
    np.testing.assert_array_equal(
        diagnostics.dormant(-LAYER, 0.34), diagnostics.dormant(LAYER, 0.34)
    )


def test_a_channel_is_one_neuron_whatever_its_positions():
    images = np.zeros((2, 3, 3, 4))
    images[1, 2, 0, 1] = 1.0
    expected = [True, False, True, True]
    assert diagnostics.dormant(images, 0.0).tolist() == expected


def test_all_neurons_of_a_silent_layer_are_dormant():
    assert diagnostics.dormant(np.zeros((2, 3)), 0.0).all()


def test_the_share_counts_neurons_and_not_layers():
    layers = [LAYER, np.zeros((2, 6))]
    assert float(diagnostics.dormant_share(layers, 0.0)) == pytest.approx(7 / 10)


def output(moe, **settings):
    config = NetworkConfig(
        encoder="nature_cnn", moe=moe, num_experts=3, expert_width=5, **settings
    )
    network = make_network(config, 4)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1)).astype(np.uint8)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), images)
    return jax.jit(network.apply)(params, jax.random.PRNGKey(1), images)


def test_experts_are_one_layer():
    layers = diagnostics.neuron_layers(output("soft"))
    assert set(layers) == {"conv_0", "conv_1", "conv_2", "penultimate"}
    slots = 2  # Of 4 tokens for 3 experts, rounded up.
    assert layers["penultimate"].shape == (2, slots, 15)


def test_big_has_the_layers_of_its_networks_once_each():
    layers = diagnostics.neuron_layers(
        output("soft", variant="big", tokenizer="per_samp")
    )
    assert len(layers) == 3 * 3 + 1
    assert layers["penultimate"].shape == (2, 1, 15)


def test_an_expert_without_tokens_is_dormant():
    result = output("top1")
    # All tokens go to the first expert; the experts' biases would still show.
    moe = result.moe._replace(
        dispatch_weights=result.moe.dispatch_weights.at[:, :, 1:].set(0)
    )
    busy = np.ones_like(result.activations["penultimate"])
    result = result._replace(
        moe=moe, activations={**result.activations, "penultimate": busy}
    )
    layer = diagnostics.neuron_layers(result)["penultimate"]
    np.testing.assert_array_equal(
        diagnostics.dormant(layer, 0.0), [False] * 5 + [True] * 10
    )
