"""DrQ's augmentation, against shifts of an edge-padded image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.learning import augmentation
from acme_moe.learning.types import Transition


def shifts(image, padding):
    """Every crop that a shift by up to `padding` pixels gives."""
    height, width, _ = image.shape
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), "edge")
    return {
        (row, column): padded[row : row + height, column : column + width]
        for row in range(2 * padding + 1)
        for column in range(2 * padding + 1)
    }


def test_crops_are_shifts_of_all_sizes_drawn_apart():
    image = np.random.default_rng(0).integers(0, 256, (7, 6, 2), np.uint8)
    images = np.stack([image] * 400)
    crops = np.asarray(augmentation.random_crops(jax.random.PRNGKey(0), images, 2))
    assert crops.dtype == np.uint8
    possible = {crop.tobytes(): shift for shift, crop in shifts(image, 2).items()}
    seen = [possible[crop.tobytes()] for crop in crops]
    # All 25 shifts come up, none of them much more often than the others.
    assert set(seen) == set(possible.values())
    assert max(map(seen.count, set(seen))) < 45


def test_no_padding_is_no_crop():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 5, 1), np.uint8)
    crops = augmentation.random_crops(jax.random.PRNGKey(0), images, 0)
    np.testing.assert_array_equal(crops, images)


def test_intensities_are_one_factor_an_image_within_two_deviations():
    images = jnp.asarray(np.random.default_rng(0).uniform(0.1, 1, (2000, 2, 2, 1)))
    out = augmentation.random_intensities(jax.random.PRNGKey(0), images, 0.05)
    factors = np.asarray(out / images)
    assert np.ptp(factors, axis=(1, 2, 3)).max() < 1e-5
    factors = factors[:, 0, 0, 0]
    assert factors.min() >= 0.9 - 1e-5
    assert factors.max() <= 1.1 + 1e-5
    np.testing.assert_allclose(factors.mean(), 1, atol=0.005)
    # A normal of deviation 1 that is clipped at 2 has deviation 0.959.
    np.testing.assert_allclose(factors.std(), 0.05 * 0.959, rtol=0.05)


def test_both_ends_of_a_transition_are_augmented_and_vectors_are_not():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 6, 6, 1), np.uint8)
    vectors = rng.normal(size=(4, 3)).astype(np.float32)
    observation = {"image": jnp.asarray(images), "vector": jnp.asarray(vectors)}
    seen = []

    def objective(params, target_params, key, transitions, probabilities):
        seen.append(transitions)
        return 0.0, None

    transitions = Transition(observation, None, None, None, observation)
    wrapped = augmentation.augmented(objective, crop_padding=2, intensity_scale=0.0)
    wrapped(None, None, jax.random.PRNGKey(1), transitions, None)
    (given,) = seen
    crops = [shifts(image, 2) for image in images]
    for end in (given.observation, given.next_observation):
        np.testing.assert_array_equal(end["vector"], vectors)
        assert end["image"].dtype == jnp.float32
        for image, possible in zip(np.asarray(end["image"]), crops, strict=True):
            assert any(
                np.allclose(255 * image, crop, atol=1e-3) for crop in possible.values()
            )
    assert not np.array_equal(
        given.observation["image"], given.next_observation["image"]
    )


def test_each_image_at_either_end_has_an_intensity_of_its_own():
    def objective(params, target_params, key, transitions, probabilities):
        return transitions, None

    white = jnp.full((4, 3, 3, 1), 255, jnp.uint8)
    transitions = Transition(white, None, None, None, white)
    wrapped = augmentation.augmented(objective, crop_padding=1, intensity_scale=0.05)
    given, _ = wrapped(None, None, jax.random.PRNGKey(1), transitions, None)
    images = np.concatenate([given.observation, given.next_observation])
    assert np.ptp(images, axis=(1, 2, 3)).max() == 0
    factors = images[:, 0, 0, 0]
    assert len(set(factors)) == 8
    np.testing.assert_allclose(factors, 1, atol=0.1 + 1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.bool_, np.uint16])
def test_images_that_are_not_uint8_are_cast_and_not_scaled(dtype):
    image = np.random.default_rng(0).integers(0, 2, (3, 5, 5, 1)).astype(dtype)
    out = augmentation.augment(
        jax.random.PRNGKey(0), jnp.asarray(image), crop_padding=0, intensity_scale=0.0
    )
    assert out.dtype == jnp.float32
    np.testing.assert_array_equal(out, image.astype(np.float32))
