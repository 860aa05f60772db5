"""Runs one part of a network on its own, for the checks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp

from acme_moe import loss_settings, validation
from acme_moe.networks import heads, layers, torso, value_network
from acme_moe.networks.settings import NetworkConfig

BATCH = 4


class Bench:
    """One part on its own, with inputs like those that it has in its network.

    An input of a loss of categories is its logits, and after them the target value.
    """

    def __init__(
        self,
        kind: str,
        path: str,
        config: NetworkConfig,
        observation_shape: tuple[int, ...],
        num_actions: int,
        loss_options: Mapping[str, Any] = loss_settings.NO_OPTIONS,
    ) -> None:
        self.kind, self.config = kind, config
        self.observation_shape, self.num_actions = observation_shape, num_actions
        self.dtypes = ("float32",) if kind == "loss" else ("float32", "bfloat16")
        self._path, self._loss_options = path, loss_options
        self.example = self._example()

    def transformed(self, dtype: str = "float32", *, evaluation: bool = True) -> Any:
        """Returns `init` and `apply` of the part in a network of a dtype."""
        config = dataclasses.replace(self.config, compute_dtype=dtype)
        return hk.transform(lambda x: self._apply(config, x, evaluation))

    def inputs(self, batch: int, seed: int = 0, dtype: str = "float32") -> jax.Array:
        """Returns random inputs `[batch, ...]`."""
        key, shape = jax.random.key(seed), (batch, *self.example)
        draw = jax.random.uniform if self.kind == "encoder" else jax.random.normal
        return draw(key, shape).astype(getattr(jnp, dtype))

    @functools.cached_property
    def params(self) -> Any:
        """Parameters."""
        init = jax.jit(self.transformed().init)
        return init(jax.random.key(1), self.inputs(BATCH))

    @functools.cached_property
    def gradients(self) -> Callable[[jax.Array], tuple[Any, Any, Any]]:
        """Computes, of inputs, the output and the gradients by parameters and inputs.

        It is compiled once.
        """
        function = self.transformed(evaluation=False)

        def value(params: Any, x: jax.Array) -> tuple[jax.Array, Any]:
            output = function.apply(params, jax.random.key(2), x)
            return jnp.sum(jnp.sin(self.main(output))), output

        compiled = jax.jit(jax.value_and_grad(value, argnums=(0, 1), has_aux=True))

        def gradients(x: jax.Array) -> tuple[Any, Any, Any]:
            (_, output), (of_params, of_inputs) = compiled(self.params, x)
            return output, of_params, of_inputs

        return gradients

    def main(self, output: Any) -> jax.Array:
        """Returns the part of an output that the rest of the network reads."""
        if self.kind == "moe":
            return output.tokens
        return output[0] if self.kind == "encoder" else output

    def runs(self) -> bool:
        """Returns whether it can be called at all."""
        try:
            jax.eval_shape(
                self.transformed().init, jax.random.key(0), self.inputs(BATCH)
            )
        except Exception:
            return False
        return True

    def _example(self) -> tuple[int, ...]:
        """Returns the shape of one example of its input."""
        config = self.config
        if self.kind == "loss":
            of_categories = loss_settings.is_classification(self._path)
            return (_atoms(config).size + 1,) if of_categories else ()
        if self.kind == "encoder":
            return self.observation_shape

        def before(x: jax.Array) -> jax.Array:
            if self.kind == "head":
                return value_network.apply_torso(config, x, True).features
            features, _ = torso.encode(config, x, layers.Conv, layers.Dense)
            return torso.tokenize(config, features) if self.kind == "moe" else features

        def output(key: jax.Array, x: Any) -> Any:
            transformed = hk.transform(before)
            return transformed.apply(transformed.init(key, x), key, x)

        x = jax.ShapeDtypeStruct((1, *self.observation_shape), jnp.float32)
        return tuple(jax.eval_shape(output, jax.random.key(0), x).shape[1:])

    def _apply(self, config: NetworkConfig, x: jax.Array, evaluation: bool) -> Any:
        if self.kind == "encoder":
            return torso.encode(config, x, layers.Conv, layers.Dense)
        if self.kind == "tokenizer":
            return torso.tokenize(config, x)
        if self.kind == "moe":
            return torso.mix(config, x, evaluation)
        dense = torso.dense_factory(config, evaluation)
        if self.kind == "dense":
            return torso.apply_dense(config, x, dense)
        if self.kind == "head":
            head = value_network.head_spec(config, self.num_actions, dense)
            return value_network.head_layer(config, x, head)
        loss, of_categories = loss_settings.load(self._path, self._loss_options)
        if not of_categories:
            return loss(x)
        return loss(x[:, :-1], x[:, -1], _atoms(config))


def _atoms(config: NetworkConfig) -> jax.Array:
    if config.num_atoms is None:
        raise validation.not_accepted("num_atoms", None, "a number, such as 51")
    return heads.support(config.num_atoms, config.v_max)
