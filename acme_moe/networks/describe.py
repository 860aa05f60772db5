"""A network in words: its layers, shapes, parameters and cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import jax

from acme_moe.networks import parts
from acme_moe.networks.recurrent import RecurrentNetwork
from acme_moe.networks.settings import NetworkConfig
from acme_moe.networks.value_network import Network


def describe(network: Network | RecurrentNetwork, observation: Any) -> str:
    """Describes a network on one kind of observation; computes nothing.

    FLOPs are those of matrix products and convolutions in evaluation, including
    padding; a multiplication and an addition count as two. They are read off the traced
    program, so they are those of the operations that actually run. Spectral norms,
    which are computed once per batch, are counted for each sample.

    Args:
      network: what `make_network` or `make_recurrent_network` made.
      observation: one observation without a batch axis: a nest of arrays, or of
        anything with `shape` and `dtype`, such as `dm_env` specs.

    Returns:
      Lines of text: a summary of the network; for each layer the shape of its
      output (axes of size 1 left out), its parameters and FLOPs a sample; the
      parameters and FLOPs of each part and of all.
    """
    batch = batch_of_one(observation)
    rows, value_output = _trace(network, batch)
    inputs = ", ".join(f"{_shape(x.shape)} {x.dtype}" for x in jax.tree.leaves(batch))
    lines = [
        f"network     {_summary(network.config)}",
        f"observation {inputs}",
        *_mixture_lines(network, value_output),
        f"features    {_shape(value_output.features.shape)}",
        f"values      {network.num_actions} actions" + _atoms(network.config),
        "",
        *_table(["layer", "output", "parameters", "FLOPs"], rows),
        "",
        *_table(["part", "parameters", "FLOPs"], _sums(rows)),
    ]
    return "\n".join(lines)


def totals(network: Network | RecurrentNetwork, observation: Any) -> tuple[int, int]:
    """Returns the numbers of parameters and FLOPs in the last line of `describe`."""
    rows, _ = _trace(network, batch_of_one(observation))
    return sum(row[2] for row in rows), sum(row[3] for row in rows)


# A layer's path, the shape of its output, its parameters and its FLOPs.
_Row = tuple[str, tuple[int, ...], int, int]


def batch_of_one(observation: Any) -> Any:
    """Returns the shapes and dtypes of a batch of one observation, `[1, ...]`.

    Args:
      observation: a nest of arrays, or of anything with `shape` and `dtype`, such as
        `dm_env` specs.
    """
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((1, *x.shape), x.dtype), observation
    )


def _trace(network: Network | RecurrentNetwork, batch: Any) -> tuple[list[_Row], Any]:
    """Returns one row per layer, and the shapes of the network's `ValueOutput`."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    params = jax.eval_shape(network.init, key, batch)
    counts = {
        module: sum(math.prod(x.shape) for x in layer.values())
        for module, layer in params.items()
    }
    args: tuple[Any, ...] = (params, key, batch)
    if isinstance(network, RecurrentNetwork):
        args = (*args, jax.eval_shape(lambda: network.initial_state(1)))

    def evaluate(*args: Any) -> Any:
        return network.apply(*args, evaluation=True)

    jaxpr, output = jax.make_jaxpr(evaluate, return_shape=True)(*args)
    value_output = output[0] if isinstance(network, RecurrentNetwork) else output
    shapes: dict[str, tuple[int, ...]] = {}
    flops: dict[str, int] = {}
    for path, shape, cost in _products(jaxpr.jaxpr, ()):
        shapes[path] = shape
        flops[path] = flops.get(path, 0) + cost
    rows = [
        (path, shapes.get(path, ()), counts.get(path, 0), flops.get(path, 0))
        for path in dict.fromkeys([*flops, *counts])
    ]
    return rows, value_output


def _summary(config: NetworkConfig) -> str:
    if config.moe == "none":
        middle = f"{_part(config, 'dense')} -> dense {config.hidden_units}"
    else:
        middle = (
            f"{_part(config, 'tokenizer')} -> {_part(config, 'moe')} of"
            f" {config.num_experts} experts x {config.hidden_units}, {config.variant}"
        )
    head = "Q-values" if config.num_atoms is None else "C51"
    if config.num_quantiles is not None:
        head = "quantiles"
    words = ["dueling"] * config.dueling + ["noisy"] * config.noisy + [head]
    if config.head != "linear":
        words.append(f"by {_part(config, 'head')}")
    return f"{_part(config, 'encoder')} -> {middle} -> {' '.join(words)}"


def _part(config: NetworkConfig, kind: str) -> str:
    """Names a part, with its options if it is not the library's."""
    options = getattr(config, parts.options_field(kind))
    given = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"{getattr(config, kind)}" + (f"({given})" if given else "")


def _atoms(config: NetworkConfig) -> str:
    if config.num_quantiles is not None:
        return f" x {config.num_quantiles} quantiles"
    if config.num_atoms is None:
        return ""
    return f" x {config.num_atoms} atoms on [-{config.v_max:g}, {config.v_max:g}]"


def _mixture_lines(network: Network | RecurrentNetwork, output: Any) -> list[str]:
    if output.moe is None:
        return []
    _, num_tokens, num_experts, slots = output.moe.dispatch_weights.shape
    tokens = {
        "regular": f"{num_tokens}",
        "big": "1, the whole input",
        "all": f"1 at each of {num_tokens} layers, the layer's whole input",
    }[network.config.variant]
    return [
        f"tokens      {tokens}",
        f"slots       {num_experts} experts x {slots} = {num_experts * slots}",
    ]


def _products(
    jaxpr: Any, parents: tuple[str, ...]
) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yields path, output shape and FLOPs of each matrix product and convolution."""
    for equation in jaxpr.eqns:
        stack = str(equation.source_info.name_stack).split("/")
        # Einsum adds its own specification to the names.
        names = (*parents, *(name for name in stack if name.isidentifier()))
        output = equation.outvars[0].aval.shape if equation.outvars else ()
        if equation.primitive.name in ("dot_general", "conv_general_dilated"):
            terms = _terms(equation)
            # A product with one term adds a bias; see `xla_cpu.add_bias`.
            if terms > 1:
                yield "/".join(names), output, 2 * math.prod(output) * terms
        repeats = equation.params.get("length", 1)
        for inner_jaxpr in _inner_jaxprs(equation.params):
            for path, shape, cost in _products(inner_jaxpr, names):
                yield path, shape, cost * repeats


def _terms(equation: Any) -> int:
    """Counts the products that are summed in one entry of the result."""
    left, right = (variable.aval.shape for variable in equation.invars)
    if equation.primitive.name == "dot_general":
        (contracted, _), _ = equation.params["dimension_numbers"]
        return math.prod(left[axis] for axis in contracted)
    output_axis = equation.params["dimension_numbers"].rhs_spec[0]
    return math.prod(right) // right[output_axis]


def _inner_jaxprs(params: dict[str, Any]) -> Iterator[Any]:
    if "branches" in params:
        # Only one branch runs. If there is one per platform, the last is the plain one.
        params = {"branches": params["branches"][-1:]}
    for value in params.values():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            inner = getattr(item, "jaxpr", item)
            if hasattr(inner, "eqns"):
                yield inner


def _sums(
    rows: list[_Row],
) -> list[tuple[str, int, int]]:
    """Sums parameters and FLOPs over the layers of each part, and over all."""
    parts: dict[str, tuple[int, int]] = {}
    for path, _, count, cost in rows:
        part = path.split("/")[0].removesuffix("_routing")
        # The whole networks of variant `big` are one part.
        part = "experts" if part.startswith("expert_") else part
        for name in (part, "total"):
            count_before, cost_before = parts.get(name, (0, 0))
            parts[name] = (count_before + count, cost_before + cost)
    parts["total"] = parts.pop("total")
    return [(name, *sums) for name, sums in parts.items()]


def _table(titles: list[str], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """Formats lines of columns; numbers to the right, everything else to the left."""
    cells = [titles, *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [title in ("parameters", "FLOPs") for title in titles]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return _shape(value)
    return f"{value:,}" if isinstance(value, int) else value


def _shape(shape: tuple[int, ...]) -> str:
    """Formats a shape, without axes of size 1."""
    return "x".join(str(size) for size in shape if size != 1)
