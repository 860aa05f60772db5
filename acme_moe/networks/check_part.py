"""Checks of a network's part: whether it does what its interface asks of it.

The interfaces are those of `acme_moe.networks.interfaces`, and `ErrorLoss`
and `ClassificationLoss` of `acme_moe.loss_settings`.
"""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import time
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from acme_moe import options, validation
from acme_moe.checks import Result, attempt, require
from acme_moe.loss_settings import NO_OPTIONS
from acme_moe.networks import interfaces, parts, value_network
from acme_moe.networks.check_bench import BATCH, Bench
from acme_moe.networks.check_shapes import shapes
from acme_moe.networks.describe import totals
from acme_moe.networks.settings import OF_MIXTURES, NetworkConfig

KINDS = (*parts.REGISTRIES, "loss")
_COST_BATCH = 32
# Relative to results above 1, absolute below: products of a batch are summed in another
# order than those of one example.
_TOLERANCE = 1e-4
# The library's parts with which the cost of a part is compared.
_BESIDE = {
    "encoder": "impala",
    "tokenizer": "per_conv",
    "dense": "flatten",
    "moe": "none",
    "head": "linear",
}
# Settings of single parts, which others of their kind refuse.
_OF_SINGLE_PARTS = {
    "tokenizer": ("patch_channels",),
    "moe": ("divide_expert_width", *itertools.chain(*OF_MIXTURES.values())),
}


def infer_kind(part: Any) -> str | None:
    """Infers the kind of a part from the parameters that it is called with.

    One named `errors` or three of which the first is named `logits`, not counting those
    with a default, make it a loss; any other single parameter makes it a tokenizer. Of
    two, the annotation of the second, or else its name, tells the kind.

    Returns:
      The kind; None if the parameters do not tell.
    """
    parameters = list(options.signature(part).parameters.values())
    required = [p.name for p in parameters if p.default is inspect.Parameter.empty]
    if required == ["errors"] or (len(required) == 3 and required[0] == "logits"):
        return "loss"
    if len(parameters) == 1:
        return "tokenizer"
    if len(parameters) != 2:
        return None
    try:
        function = part.__call__ if isinstance(part, type) else part
        hint = typing.get_type_hints(function).get(parameters[1].name)
    except (NameError, TypeError):  # Imported for type checkers only; or a partial.
        hint = None
    by_name = {
        "kinds": "encoder",
        "dense": "dense",
        "experts": "moe",
        "head": "head",
    }
    by_hint = {
        interfaces.LayerKinds: "encoder",
        interfaces.DenseSpec: "dense",
        interfaces.ExpertSpec: "moe",
        interfaces.HeadSpec: "head",
    }
    return by_hint.get(hint) if hint in by_hint else by_name.get(parameters[1].name)


def observation_shape(config: NetworkConfig, observations: Any) -> tuple[int, ...]:
    """Returns the shape of an observation as the network's encoder gets it.

    Args:
      config: settings of the network.
      observations: spec of an environment's observations: one image, or a nest whose
        leaves are concatenated for an encoder that takes vectors.

    Raises:
      ValueError: if the encoder takes images and `observations` is not one.
    """
    shapes = [leaf.shape for leaf in jax.tree.leaves(observations)]
    if parts.takes_vectors(config.encoder):
        return (sum(map(math.prod, shapes)),)
    if len(shapes) != 1 or len(shapes[0]) != 3:
        raise validation.not_accepted(
            "network.encoder",
            config.encoder,
            f"one that takes vectors, as observations are {shapes} and not one image",
        )
    return tuple(shapes[0])


def check(
    kind: str,
    path: str,
    config: NetworkConfig,
    observation_shape: tuple[int, ...] = (84, 84, 4),
    num_actions: int = 6,
    loss_options: Mapping[str, Any] = NO_OPTIONS,
) -> Iterator[Result]:
    """Checks a part.

    Args:
      kind: kind of the part, one of `KINDS`.
      path: its name or import path.
      config: settings of a network that contains the part; they determine the parts
        around it and all sizes.
      observation_shape: `(H, W, C)`, or `(D,)` if the network's encoder takes vectors.
      num_actions: number of actions.
      loss_options: options of a loss; those of other parts are in `config`.

    Yields:
      The results, one by one; only the first for a part that does not run at all.
    """
    bench = Bench(kind, path, config, observation_shape, num_actions, loss_options)
    first = attempt("shapes and dtypes", lambda: shapes(bench))
    yield first
    if first.failed and not bench.runs():
        return
    for name, one in (
        ("parameters", _parameters),
        ("finite values, gradients", _finite),
        ("evaluation is repeatable", _repeatable),
        ("a batch is its examples", _one_by_one),
        ("compiled once", _compiled_once),
    ):
        yield attempt(name, lambda one=one: one(bench))  # type: ignore[misc]
    yield attempt("all parameters are trained", lambda: _trained(bench), "note")
    if kind != "loss":
        yield attempt("cost", lambda: _cost(bench), "note")


def _parameters(bench: Bench) -> str:
    key, leaves = jax.random.key(0), []
    for dtype in bench.dtypes:
        init = bench.transformed(dtype).init
        one, four = (
            jax.eval_shape(init, key, bench.inputs(n, dtype=dtype)) for n in (1, BATCH)
        )
        require(one == four, "they depend on the size of the batch")
        leaves = jax.tree.leaves(one)
        found = ", ".join(sorted({str(x.dtype) for x in leaves}))
        require(found in ("", "float32"), f"they are {found} of an input of {dtype}")
    return f"{sum(math.prod(x.shape) for x in leaves):,}"


def _finite(bench: Bench) -> str:
    x = bench.inputs(BATCH)
    for what, inputs in (("random inputs", x), ("zeros", jnp.zeros_like(x))):
        results = bench.gradients(inputs)
        for name, result in zip(
            ("values", "gradients by parameters", "gradients by inputs"),
            results,
            strict=True,
        ):
            good = all(bool(jnp.isfinite(y).all()) for y in jax.tree.leaves(result))
            require(good, f"{name} of {what} are not finite")
        if bench.kind == "loss" and bench.example:  # Of categories.
            least = float(jnp.min(results[0]))
            require(least >= 0, f"a loss of {what} is {least:.2g}, not at least 0")
    return "of random inputs and of zeros"


def _repeatable(bench: Bench) -> str:
    function, params, x = bench.transformed(), bench.params, bench.inputs(BATCH)
    redrawn = bench.kind == "moe" and bench.config.phi == "redrawn"
    key = jax.random.key(0) if redrawn else None
    first, second = (function.apply(params, key, x) for _ in range(2))
    require(_difference(first, second) == 0, "two calls give different results")
    if bench.kind == "moe":
        sums = np.asarray(first.moe.load.sum(axis=1) + first.moe.dropped)
        far = float(np.abs(sums - 1).max())
        require(far < _TOLERANCE, f"load and dropped sum to {sums[0]:g}, not 1")
    return "with the same random key" if redrawn else "without a random key"


def _one_by_one(bench: Bench) -> str:
    function, params, x = bench.transformed(), bench.params, bench.inputs(BATCH)
    apply = jax.jit(lambda x: function.apply(params, jax.random.key(0), x))
    batch = apply(x)
    for i in range(BATCH):
        one = jax.tree.map(lambda y, i=i: y[i : i + 1], batch)
        far = _difference(one, apply(x[i : i + 1]))
        require(far <= _TOLERANCE, f"an example alone differs by {far:.1e}")
    return f"to {_TOLERANCE:g}"


def _difference(one: Any, other: Any) -> float:
    """Returns the largest difference, relative where values are beyond 1."""
    return max(
        float(jnp.max(jnp.abs(x - y) / jnp.maximum(1.0, jnp.abs(x))))
        for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


def _compiled_once(bench: Bench) -> str:
    function = bench.transformed(evaluation=False)
    traced = 0

    def step(params: Any, key: jax.Array, x: jax.Array) -> Any:
        nonlocal traced
        traced += 1
        gradients = jax.grad(
            lambda params: jnp.sum(jnp.sin(bench.main(function.apply(params, key, x))))
        )(params)
        return jax.tree.map(lambda x, g: x - 1e-3 * g, params, gradients)

    compiled, params = jax.jit(step), bench.params
    for seed in range(3):
        params = compiled(params, jax.random.key(seed), bench.inputs(BATCH, seed))
    require(traced == 1, f"{traced} times in 3 updates")
    return "in 3 updates"


def _trained(bench: Bench) -> str:
    _, gradients, _ = bench.gradients(bench.inputs(BATCH))
    names = [
        f"{module}/{name}"
        for module, arrays in gradients.items()
        for name, x in arrays.items()
        if not bool(jnp.any(x))
    ]
    return f"no gradient reaches {', '.join(names)}" if names else "yes"


def _cost(bench: Bench) -> str:
    kind, config = bench.kind, bench.config
    other = _beside(kind, config)
    shape = bench.observation_shape
    observation = jax.ShapeDtypeStruct(shape, jnp.uint8)
    costs = []
    for settings in (config, other):
        network = value_network.make_network(settings, bench.num_actions)
        seconds = _update_seconds(network, shape)
        costs.append((*totals(network, observation), seconds))
    (parameters, flops, seconds), reference = costs
    name = "a dense layer" if kind in ("dense", "moe") else getattr(other, kind)
    return (
        f"{seconds / reference[2]:.2f} times the time of {name}: {seconds * 1e3:.0f} "
        f"and {reference[2] * 1e3:.0f} ms for a gradient of {_COST_BATCH} examples; "
        f"{parameters:,} and {reference[0]:,} parameters, "
        f"{flops / 1e6:,.1f} and {reference[1] / 1e6:,.1f} MFLOPs"
    )


def _beside(kind: str, config: NetworkConfig) -> NetworkConfig:
    """Returns the settings of the network with the library's part in its place."""
    changes: dict[str, Any] = {kind: _BESIDE[kind], parts.options_field(kind): {}}
    if parts.takes_vectors(config.encoder):
        changes |= {
            "encoder": {"encoder": "mlp"},
            "tokenizer": {"tokenizer": "per_samp"},
        }.get(kind, {})
    for name in _OF_SINGLE_PARTS.get(kind, ()):
        changes[name] = getattr(NetworkConfig, name)  # The default.
    return dataclasses.replace(config, **changes)


def _update_seconds(network: Any, shape: tuple[int, ...]) -> float:
    observations = jax.random.randint(
        jax.random.key(0), (_COST_BATCH, *shape), 0, 255
    ).astype(jnp.uint8)
    key = jax.random.key(1)
    params = jax.jit(network.init)(key, observations)
    gradient = jax.jit(
        jax.grad(lambda params: network.apply(params, key, observations).q_values.sum())
    )
    jax.block_until_ready(gradient(params))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(gradient(params))
        seconds.append(time.perf_counter() - start)
    return min(seconds)
