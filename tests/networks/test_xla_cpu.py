"""Values and gradients are those of the plain operations, ties included."""

from functools import partial

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.networks import layers
from acme_moe.networks.xla_cpu import (
    convolve,
    experts_affine,
    matmul,
    max_pool,
    relu,
    softmax,
)
from tests.lowering import program


def by_window(x):
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"
    )


@partial(jax.jit, static_argnums=0)
def value_and_pullback(function, g, *arguments):
    value, pullback = jax.vjp(function, *arguments)
    return value, *pullback(g)


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(
    hnp.arrays(
        np.float32,
        # Few, as each is compiled anew: odd and even, shorter than a window and longer.
        st.sampled_from(
            [(2, *size, 2) for size in ((1, 1), (2, 5), (3, 2), (6, 1), (7, 8))]
        ),
        elements=st.integers(-2, 2).map(float),
    ),
    st.integers(0, 99),
)
def test_values_and_gradients_are_those_of_a_reduced_window(x, seed):
    rows, columns = (-(-length // 2) for length in x.shape[1:3])
    g = np.random.default_rng(seed).normal(size=(2, rows, columns, 2))
    g = g.astype(np.float32)
    expected, expected_gradient = value_and_pullback(by_window, g, x)
    value, gradient = value_and_pullback(max_pool, g, x)
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_relu_is_the_plain_one():
    x = jnp.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(relu(x), jax.nn.relu(x))
    ours = jax.vmap(jax.grad(relu))(x)
    np.testing.assert_array_equal(ours, jax.vmap(jax.grad(jax.nn.relu))(x))


def assert_same(ours, plain, *arguments, atol=1e-5):
    """Asserts that values and gradients are the same."""
    shape = jax.eval_shape(plain, *arguments).shape
    g = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    jax.tree.map(
        lambda ours, plain: np.testing.assert_allclose(ours, plain, atol=atol),
        value_and_pullback(ours, g, *arguments),
        value_and_pullback(plain, g, *arguments),
    )


def normal(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def plain_convolution(x, w, stride, padding):
    return jax.lax.conv_general_dilated(
        x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize(
    ("image", "filters", "stride", "padding"),
    [
        ((6, 8, 4), (3, 3, 4, 5), 1, "SAME"),
        ((5, 6, 2), (5, 5, 2, 3), 1, "SAME"),
        ((5, 7, 4), (3, 3, 4, 5), 1, "SAME"),
        ((6, 8, 16), (3, 3, 16, 5), 1, "SAME"),
        ((6, 8, 4), (3, 1, 4, 5), 1, "SAME"),
        ((8, 8, 3), (4, 4, 3, 5), 2, "SAME"),
        ((8, 8, 3), (3, 3, 3, 5), 1, "VALID"),
    ],
)
def test_convolve_is_the_plain_one(image, filters, stride, padding):
    x, w = normal((2, *image), filters)
    assert_same(
        lambda x, w: convolve(x, w, stride, padding),
        lambda x, w: plain_convolution(x, w, stride, padding),
        x,
        w,
        atol=1e-4,
    )


def test_convolve_of_several_networks():
    x, w = normal((2, 6, 8, 4), (3, 3, 3, 4, 5))
    assert_same(
        jax.vmap(lambda x, w: convolve(x, w, 1, "SAME"), (None, 0)),
        jax.vmap(lambda x, w: plain_convolution(x, w, 1, "SAME"), (None, 0)),
        x,
        w,
        atol=1e-4,
    )


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_only_a_cpu_takes_pairs_and_not_for_gradients(platform):
    def loss(x, w):
        return jnp.square(convolve(x, w, 1, "SAME")).sum()

    x, w = normal((2, 6, 8, 4), (3, 3, 4, 5))
    text = program(jax.jit(jax.grad(loss, (0, 1))), x, w, platform=platform)
    convolutions = [x for x in text.splitlines() if "stablehlo.convolution" in x]
    paired = ["tensor<2x8x5x8xf32>" in x for x in convolutions]
    assert sorted(paired) == [False, False, platform == "cpu"]


@pytest.mark.parametrize("length", [1, 7, 16, 17, 121])
@pytest.mark.parametrize("axis", [-1, 0, 1, 2])
def test_softmax_is_the_plain_one(length, axis):
    (x,) = normal((2, 3, length))
    x = jnp.swapaxes(50 * x, axis, -1)
    assert_same(partial(softmax, axis=axis), partial(jax.nn.softmax, axis=axis), x)


def test_the_sums_of_a_softmax_are_of_float32_on_a_gpu_too():
    def loss(x):
        return jnp.square(softmax(x)).sum()

    text = program(jax.jit(jax.grad(loss)), *normal((2, 7, 40)), platform="cuda")
    products = [x for x in text.splitlines() if "stablehlo.dot_general" in x]
    assert len(products) == 2
    assert all("[HIGHEST, HIGHEST]" in x for x in products)


@pytest.mark.parametrize("experts", [(), (2,)])
@pytest.mark.parametrize(
    ("rows", "w"),
    # XLA:CPU would abort at the last two if it took their gradients transposed.
    [
        ((5, 3), (3, 4)),
        ((5, 4), (4, 3)),
        ((9, 8), (8, 4)),
        ((4, 3), (3, 2)),
        ((3, 16), (16, 2)),
        # So few rows that theirs are taken transposed.
        ((2, 9), (9, 8)),
        ((1, 4), (4, 5)),
    ],
)
def test_matmul_is_the_plain_one(rows, w, experts):
    rows, w = normal((*experts, *rows), (*experts, *w))
    assert_same(matmul, jnp.matmul, rows, w)

    def gradients(product):
        def loss(rows, w):
            return jnp.square(product(rows, w)).sum()

        # An example each, as the diagnostics take them.
        return jax.jit(jax.vmap(jax.grad(loss, (0, 1)), (0, None)))

    examples = jnp.stack([rows, -rows])
    for own, plain in zip(
        gradients(matmul)(examples, w), gradients(jnp.matmul)(examples, w), strict=True
    ):
        np.testing.assert_allclose(own, plain, rtol=1e-4, atol=1e-4)


def takes_transposed(argument, platform, rows, w, dtype, product=matmul):
    """Returns whether a platform computes one gradient of a product transposed."""

    def loss(rows, w):
        return jnp.square(product(rows, w)).sum()

    arguments = [jnp.asarray(x, dtype) for x in normal(rows, w)]
    text = program(jax.jit(jax.grad(loss, argument)), *arguments, platform=platform)
    return "stablehlo.optimization_barrier" in text


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("rows", "w", "dtype", "quick_on_cpu"),
    [
        ((9, 8), (8, 4), jnp.float32, True),
        ((9, 8), (8, 8), jnp.float32, False),
        # Turning a gradient of so few rows would take longer than it saves.
        ((4, 8), (8, 4), jnp.float32, False),
        ((2, 8), (8, 4), jnp.float32, False),
        # These are what XLA:CPU may abort at.
        ((9, 8), (8, 3), jnp.float32, False),
        ((9, 8), (8, 4), jnp.bfloat16, False),
    ],
)
def test_only_a_cpu_takes_a_gradient_transposed(platform, rows, w, dtype, quick_on_cpu):
    transposed = takes_transposed(1, platform, rows, w, dtype)
    assert transposed == (quick_on_cpu and platform == "cpu")


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("rows", "w", "dtype", "quick_on_cpu"),
    [
        ((2, 8), (8, 9), jnp.float32, True),
        ((3, 2, 9), (3, 9, 8), jnp.float32, True),
        ((2, 8), (8, 7), jnp.float32, False),
        ((2, 7), (7, 8), jnp.float32, False),
        ((2, 8), (8, 9), jnp.bfloat16, False),
    ],
)
def test_only_a_cpu_takes_that_of_few_rows_so(platform, rows, w, dtype, quick_on_cpu):
    transposed = takes_transposed(0, platform, rows, w, dtype)
    assert transposed == (quick_on_cpu and platform == "cpu")


def test_a_dense_layer_takes_it():
    def dense(x, w):
        return layers.affine(x, w, jnp.zeros(9))

    assert takes_transposed(0, "cpu", (2, 1, 8), (8, 9), jnp.float32, dense)


def test_a_dense_layer_takes_an_empty_batch():
    w, b = normal((4, 5), (5,))
    assert layers.affine(jnp.zeros((0, 3, 4)), w, b).shape == (0, 3, 5)


def test_experts_affine_is_the_plain_one():
    def plain(x, w, b):
        return jnp.einsum("ebsi,eio->ebso", x, w) + b[:, None, None]

    assert_same(experts_affine, plain, *normal((2, 3, 5, 4), (2, 4, 6), (2, 6)))
