import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

from acme_moe.networks.noisy import NoisyDense, noise_scale, noisy_affine


def draws(rng, *shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)


def test_is_a_weight_matrix_of_its_own_for_each_example():
    rng = np.random.default_rng(0)
    x, w, b = draws(rng, 3, 4), draws(rng, 4, 2), draws(rng, 2)
    w_sigma, b_sigma = draws(rng, 4, 2), draws(rng, 2)
    e_in, e_out = draws(rng, 3, 4), draws(rng, 3, 2)
    y = noisy_affine(x, w, b, w_sigma, b_sigma, e_in, e_out)
    for i in range(3):
        f_in = np.sign(e_in[i]) * np.sqrt(np.abs(e_in[i]))
        f_out = np.sign(e_out[i]) * np.sqrt(np.abs(e_out[i]))
        weights = w + w_sigma * np.outer(f_in, f_out)
        expected = x[i] @ weights + b + b_sigma * f_out
        np.testing.assert_allclose(y[i], expected, rtol=1e-4, atol=1e-5)


def test_experts_have_noise_of_their_own_and_slots_share_it():
    x = np.broadcast_to(np.float32(1), (2, 3, 4, 5))

    def forward(x):
        return NoisyDense(6, num_experts=2, evaluation=False)(x)

    transformed = hk.transform(forward)
    params = jax.jit(transformed.init)(jax.random.key(0), x)
    params = jax.tree.map(lambda p: p * 0 + 1, params)
    y = np.asarray(jax.jit(transformed.apply)(params, jax.random.key(1), x))
    assert y.shape == (2, 3, 4, 6)
    np.testing.assert_allclose(y, y[:, :, :1].repeat(4, axis=2), atol=1e-5)
    assert len(np.unique(y[:, :, 0].round(4))) == 2 * 3 * 6


def test_the_rows_of_an_example_share_its_noise():
    x = np.broadcast_to(np.float32(1), (2, 6, 4, 5))

    def forward(x):
        return NoisyDense(7, num_experts=2, evaluation=False, repeats=3)(x)

    transformed = hk.transform(forward)
    params = jax.jit(transformed.init)(jax.random.key(0), x)
    y = np.asarray(jax.jit(transformed.apply)(params, jax.random.key(1), x))
    rows = y.reshape(2, 2, 3, 4, 7)
    np.testing.assert_allclose(rows, rows[:, :, :1, :1].repeat(3, 2).repeat(4, 3))
    assert np.abs(rows[:, 0] - rows[:, 1]).min() > 1e-6


def test_layers_side_by_side_share_the_noise_of_their_input():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    transformed = hk.transform(lambda x: NoisyDense((5, 1), evaluation=False)(x))
    params = jax.jit(transformed.init)(jax.random.key(0), x)
    zeros = jax.tree.map(jnp.zeros_like, params)["noisy_dense"]
    params = {"noisy_dense": zeros | {"w_sigma": jnp.ones((4, 6))}}
    y = np.asarray(jax.jit(transformed.apply)(params, jax.random.key(1), x))
    # What the noise alone gives is (x . f_in) f_out: of rank one over positions, if
    # f_in is one for all outputs.
    singular = np.linalg.svd(y, compute_uv=False)
    assert (singular[:, 1] < 1e-5 * singular[:, 0]).all()
    assert len(np.unique(y.round(5))) == y.size


def test_noise_has_mean_zero_and_the_reference_scale():
    e = jax.random.normal(jax.random.key(0), (100_000,))
    f = np.asarray(noise_scale(e))
    assert abs(f.mean()) < 0.01
    # E[f^2] = E|e| for a standard normal e.
    np.testing.assert_allclose((f**2).mean(), (2 / np.pi) ** 0.5, rtol=0.01)


def test_initial_values():
    transformed = hk.transform(lambda x: NoisyDense(50, evaluation=True)(x))
    params = jax.jit(transformed.init)(
        jax.random.key(0), np.zeros((1, 100), np.float32)
    )
    layer = params["noisy_dense"]
    for name in ("w", "b"):
        assert 0.08 < np.abs(layer[name]).max() <= 0.1
    for name in ("w_sigma", "b_sigma"):
        np.testing.assert_allclose(layer[name], 0.01, rtol=1e-6)
