"""The Impala encoder alone: forward, and forward with backward, beside the floor.

    python benchmarks/encoder.py
    python benchmarks/encoder.py --batch=256 --json=encoder.json

The forms take turns in one process: the library's; the same with XLA's own convolution
and gradients, which accelerators take; and, where TensorFlow is installed, the same
network there, whose convolutions on a CPU are oneDNN's. It needs no more than JAX and
Haiku, so that a newer JAX can be measured by itself. Medians, and the smallest in
brackets, which other users of the machine disturb least; ratios are of the former.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags, logging
from tables import Table, write_json

from acme_moe import memory

_BATCH = flags.DEFINE_integer("batch", 32, "Images.")
_ROUNDS = flags.DEFINE_integer("rounds", 20, "Rounds in which all take turns.")

Step = Callable[[], None]


@dataclasses.dataclass
class Result:
    """Times of one form in milliseconds; ratios over TensorFlow's, if it was timed."""

    form: str
    version: str
    forward_ms: float
    forward_min_ms: float
    training_ms: float
    training_min_ms: float
    forward_ratio: float | None = None
    training_ratio: float | None = None


def make_jax(own_convolution: bool, images: np.ndarray) -> tuple[Step, Step]:
    """Returns functions that take a forward and a training step and wait for it."""
    import haiku as hk
    import jax
    import jax.numpy as jnp

    from acme_moe.networks import encoders, layers
    from acme_moe.networks.interfaces import LayerKinds

    class Plain(layers.Conv):
        """A convolution whose gradients are XLA's."""

        def __call__(self, x: jax.Array) -> jax.Array:
            init = hk.initializers.TruncatedNormal(0.1)
            y = hk.Conv2D(self.channels, self.size, self.stride, w_init=init)
            return y(x)

    encoder = encoders.Impala(
        impala_width=1,
        impala_filter_size=3,
        impala_spectral_norm=False,
        impala_max_pool=None,
    )

    def encode(images: jax.Array) -> jax.Array:
        x = encoders.to_images(images, jnp.float32)
        conv = layers.Conv if own_convolution else Plain
        kinds = LayerKinds(conv, layers.Dense)
        return encoder(x, kinds)[0]

    network: Any = hk.without_apply_rng(hk.transform(encode))
    init, apply = network.init, network.apply
    on_device = jax.device_put(images)
    params = init(jax.random.PRNGKey(0), on_device[:1])
    forward = jax.jit(apply)
    backward = jax.jit(jax.grad(lambda params, x: jnp.square(apply(params, x)).mean()))
    return (
        lambda: jax.block_until_ready(forward(params, on_device)),
        lambda: jax.block_until_ready(backward(params, on_device)),
    )


def make_tensorflow(images: np.ndarray) -> tuple[Step, Step]:
    """Returns the same in TensorFlow."""
    import tensorflow as tf

    kernels, channels = [], images.shape[-1]
    for width in (16, 32, 32):
        for inputs in (channels, *(width,) * 4):
            kernel = tf.random.normal((3, 3, inputs, width), stddev=0.1)
            kernels += [tf.Variable(kernel), tf.Variable(tf.zeros(width))]
        channels = width
    on_device = tf.constant(images)

    def encode() -> Any:
        parameters = iter(kernels)

        def conv(x: Any) -> Any:
            return tf.nn.conv2d(x, next(parameters), 1, "SAME") + next(parameters)

        x = tf.cast(on_device, tf.float32) / 255.0
        for _ in range(3):
            x = tf.nn.max_pool2d(conv(x), 3, 2, "SAME")
            for _ in range(2):
                x += conv(tf.nn.relu(conv(tf.nn.relu(x))))
        return tf.nn.relu(x)

    @tf.function
    def backward() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(encode()))
        return tape.gradient(loss, kernels)

    forward = tf.function(encode)
    return lambda: forward().numpy(), lambda: backward()[0].numpy()


def measure() -> list[Result]:
    """Times all forms, in turns."""
    import jax

    shape = (_BATCH.value, 84, 84, 4)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    version = f"JAX {jax.__version__}"
    forms = {
        ("ours", version): make_jax(True, images),
        ("XLA's convolution", version): make_jax(False, images),
    }
    floor = None
    if importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        floor = ("floor", f"TensorFlow {tf.__version__}")
        forms[floor] = make_tensorflow(images)
    times: dict[Any, tuple[list[float], list[float]]] = {k: ([], []) for k in forms}
    for steps in forms.values():
        for step in steps:
            step()  # Compiles.
    for _ in range(_ROUNDS.value):
        for form, steps in forms.items():
            for step, seconds in zip(steps, times[form], strict=True):
                start = time.perf_counter()
                step()
                seconds.append(time.perf_counter() - start)
    results = []
    for form, (forward, training) in times.items():
        result = Result(
            form[0],
            form[1],
            1e3 * statistics.median(forward),
            1e3 * min(forward),
            1e3 * statistics.median(training),
            1e3 * min(training),
        )
        if floor:
            result.forward_ratio, result.training_ratio = (
                statistics.median(ours) / statistics.median(theirs)
                for ours, theirs in zip(times[form], times[floor], strict=True)
            )
        results.append(result)
    return results


def main(_: list[str]) -> None:
    """Prints a row a form."""
    logging.set_verbosity(logging.ERROR)
    memory.keep_freed()
    results = measure()
    table = Table(
        {
            "form": "<19",
            "version": "<19",
            "forward ms": ">17",
            "forward over floor": ">20.2f",
            "training step ms": ">19",
            "training over floor": ">21.2f",
        }
    )
    for row in results:
        table.add(
            row.form,
            row.version,
            f"{row.forward_ms:.1f} ({row.forward_min_ms:.1f})",
            row.forward_ratio,
            f"{row.training_ms:.1f} ({row.training_min_ms:.1f})",
            row.training_ratio,
        )
    write_json(results)


if __name__ == "__main__":
    app.run(main)
