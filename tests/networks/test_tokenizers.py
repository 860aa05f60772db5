import haiku as hk
import jax
import numpy as np
import pytest

from acme_moe.networks import NetworkConfig
from acme_moe.networks.torso import tokenize

FEATURES = np.arange(2 * 5 * 4 * 3, dtype=np.float32).reshape(2, 5, 4, 3)


def tokens_of(config, features=FEATURES):
    transformed = hk.transform(lambda x: tokenize(config, x))
    params = jax.jit(transformed.init)(jax.random.key(0), features)
    return np.asarray(jax.jit(transformed.apply)(params, None, features)), params


def test_per_conv_has_a_token_a_position():
    tokens, _ = tokens_of(NetworkConfig(tokenizer="per_conv"))
    assert tokens.shape == (2, 20, 3)
    np.testing.assert_array_equal(tokens[1, 4 * 2 + 3], FEATURES[1, 2, 3])


def test_per_feat_is_its_transpose():
    tokens, _ = tokens_of(NetworkConfig(tokenizer="per_feat"))
    per_conv, _ = tokens_of(NetworkConfig(tokenizer="per_conv"))
    np.testing.assert_array_equal(tokens, per_conv.swapaxes(1, 2))


def test_per_samp_is_everything():
    tokens, _ = tokens_of(NetworkConfig(tokenizer="per_samp"))
    np.testing.assert_array_equal(tokens, FEATURES.reshape(2, 1, 60))


def test_pooled_patches_are_means_of_whole_patches():
    config = NetworkConfig(tokenizer="patches_pool", patch_size=2)
    tokens, params = tokens_of(config)
    assert not params
    assert tokens.shape == (2, 4, 3)
    np.testing.assert_allclose(
        tokens[1, 3], FEATURES[1, 2:4, 2:4].mean((0, 1)), rtol=1e-6
    )


@pytest.mark.parametrize(("channels", "size"), [(None, 3), (7, 7)])
def test_convolved_patches(channels, size):
    config = NetworkConfig(
        tokenizer="patches_conv", patch_size=2, patch_channels=channels
    )
    tokens, params = tokens_of(config)
    assert tokens.shape == (2, 4, size)
    patch = FEATURES[1, 2:4, 2:4]
    expected = np.tensordot(patch, params["tokenizer/patches"]["w"], axes=3)
    np.testing.assert_allclose(tokens[1, 3], expected, rtol=1e-5, atol=1e-4)
