"""Dormant neurons of hand-made activations."""

import jax
import numpy as np
import pytest

from acme_moe import diagnostics
from acme_moe.networks import MoEOutput, NetworkConfig, ValueOutput, make_network

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


def layers_of(**settings):
    """Shapes of the layers of a network on two small images."""
    config = NetworkConfig(
        encoder="nature_cnn", num_experts=3, expert_width=5, **settings
    )
    network = make_network(config, 4)
    images = np.zeros((2, 16, 16, 1), np.uint8)

    def layers(key):
        output = network.apply(network.init(key, images), key, images)
        return diagnostics.neuron_layers(output)

    shapes = jax.eval_shape(layers, jax.random.PRNGKey(0))
    return {name: x.shape for name, x in shapes.items()}


def test_experts_are_one_layer():
    layers = layers_of(moe="soft")
    assert set(layers) == {"conv_0", "conv_1", "conv_2", "penultimate"}
    slots = 2  # Of 4 tokens for 3 experts, rounded up.
    assert layers["penultimate"] == (2, slots, 15)


def test_big_has_the_layers_of_its_networks_once_each():
    layers = layers_of(moe="soft", variant="big", tokenizer="per_samp")
    assert len(layers) == 3 * 3 + 1
    assert layers["penultimate"] == (2, 1, 15)


def penultimate(dispatch):
    """The layer of two experts of two slots each, whose biases all would show."""
    rest = np.zeros(1)
    output = ValueOutput(
        q_values=rest,
        logits=None,
        atoms=None,
        moe=MoEOutput(dispatch, dispatch, rest, rest, rest, rest),
        features=rest,
        activations={"penultimate": np.ones((1, 2, 2, 5), np.float32)},
    )
    return diagnostics.neuron_layers(output)["penultimate"]


def test_an_expert_without_tokens_is_dormant():
    """Two tokens, both for the first of two experts."""
    dispatch = np.zeros((1, 2, 2, 2), np.float32)
    dispatch[0, 0, 0, 0] = dispatch[0, 1, 0, 1] = 1.0
    expected = [False] * 5 + [True] * 5
    assert diagnostics.dormant(penultimate(dispatch), 0.0).tolist() == expected


def test_a_token_with_a_negative_weight_fills_its_slot():
    dispatch = np.zeros((1, 2, 2, 2), np.float32)
    dispatch[0, :, :, 0] = [[1.0, 0.5], [0.0, -0.5]]
    assert not diagnostics.dormant(penultimate(dispatch), 0.0).any()


def test_all_experts_count_where_a_mixture_does_not_say_what_its_slots_hold():
    nothing = np.zeros((1, 2, 2, 2), np.float32)
    assert not diagnostics.dormant(penultimate(nothing), 0.0).any()
