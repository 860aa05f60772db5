"""Checks of what a part returns: its form, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from acme_moe.checks import require
from acme_moe.networks import parts
from acme_moe.networks.check_bench import BATCH, Bench
from acme_moe.networks.outputs import Mixed
from acme_moe.networks.token_grid import grid_of


def shapes(bench: Bench) -> str:
    """Checks the outputs in each dtype without computing them; returns a summary."""
    for dtype in bench.dtypes:
        x = bench.inputs(BATCH, dtype=dtype)
        function = bench.transformed(dtype)
        params = jax.eval_shape(function.init, jax.random.key(0), x)
        output = jax.eval_shape(function.apply, params, jax.random.key(0), x)
        _SHAPES[bench.kind](bench, x, output)
        main = bench.main(output)
        require(main.dtype == x.dtype, f"{main.dtype} of an input of {x.dtype}")
    return f"{_text(x)} -> {_text(main)}, in {' and '.join(bench.dtypes)}"


def _text(x: Any) -> str:
    """Formats the shape of an array, or a shape."""
    return str(list(getattr(x, "shape", x))).replace(" ", "")


def _shape_is(name: str, x: Any, shape: tuple[int, ...]) -> None:
    found = _text(x) if hasattr(x, "shape") else repr(x)
    require(found == _text(shape), f"{name} is {found}, not {_text(shape)}")


def _encoder_shapes(bench: Bench, x: Any, output: Any) -> None:
    two = isinstance(output, tuple) and len(output) == 2
    require(two and isinstance(output[1], dict), "not features and a dict")
    features, activations = output
    require(features.ndim in (2, 4), f"features are {_text(features)}")
    for name, value in {"features": features, **activations}.items():
        leading = value.shape[:1] == x.shape[:1]
        require(leading, f"{name} is {_text(value)} of {BATCH} examples")


def _tokenizer_shapes(bench: Bench, x: Any, output: Any) -> None:
    require(output.ndim == 3, f"tokens are {_text(output)}, not [B,m,d]")
    require(output.shape[0] == BATCH, f"{_text(output)} of {BATCH} examples")
    require(min(output.shape) >= 1, f"{_text(output)} is empty")
    if x.ndim != 4:
        return
    grid = grid_of(parts.make("tokenizer", bench.config), x.shape)
    if grid is not None:
        rows, columns = grid
        tokens = output.shape[1]
        require(
            rows * columns == tokens,
            f"grid says {rows} x {columns}, and there are {tokens} tokens",
        )


def _dense_shapes(bench: Bench, x: Any, output: Any) -> None:
    require(output.ndim == 2, f"hidden units are {_text(output)}, not [B,F]")
    require(output.shape[0] == BATCH, f"{_text(output)} of {BATCH} examples")


def _moe_shapes(bench: Bench, x: Any, output: Any) -> None:
    require(isinstance(output, Mixed), f"{type(output).__name__} is not a Mixed")
    batch, tokens, _ = x.shape
    _shape_is("tokens", output.tokens, x.shape)
    hidden, moe = output.expert_hidden, output.moe
    require(hidden.ndim == 4, f"expert_hidden is {_text(hidden)}, not [B,E,S,hidden]")
    experts, slots = hidden.shape[1:3]
    routing = (batch, tokens, experts, slots)
    for name, shape in (
        ("dispatch_weights", routing),
        ("combine_weights", routing),
        ("probabilities", routing[:3]),
        ("load", (batch, experts)),
        ("dropped", (batch,)),
    ):
        _shape_is(name, getattr(moe, name), shape)
    require(
        tuple(moe.logits.shape) in (routing, routing[:3]),
        f"logits are {_text(moe.logits)}",
    )
    own = {f"metrics[{name!r}]": value for name, value in (moe.metrics or {}).items()}
    if moe.auxiliary_loss is not None:
        own["auxiliary_loss"] = moe.auxiliary_loss
    for name, value in own.items():
        _shape_is(name, value, (batch,))
    routed = moe._replace(auxiliary_loss=None, metrics=None)._asdict()
    given = {k: v for k, v in routed.items() if v is not None}
    for name, value in {**given, **own}.items():
        require(value.dtype == jnp.float32, f"{name} is {value.dtype}, not float32")


def _head_shapes(bench: Bench, x: Any, output: Any) -> None:
    atoms = bench.config.num_atoms
    shape = (BATCH, bench.num_actions) + (() if atoms is None else (atoms,))
    _shape_is("the output", output, shape)


def _loss_shapes(bench: Bench, x: Any, output: Any) -> None:
    _shape_is("the output", output, (BATCH,))


_SHAPES: dict[str, Callable[[Bench, Any, Any], None]] = {
    "encoder": _encoder_shapes,
    "tokenizer": _tokenizer_shapes,
    "dense": _dense_shapes,
    "moe": _moe_shapes,
    "head": _head_shapes,
    "loss": _loss_shapes,
}
