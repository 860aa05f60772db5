"""Outputs of the networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax


class MoEOutput(NamedTuple):
    """The routing of the `m` tokens of each example in a mixture of experts.

    A soft mixture gives every slot a share of every token. In a top-1 mixture a slot
    holds one token or none, so a token's weights are zero except for one slot, and a
    dropped token has only zeros. With expert choice each slot holds one token, and a
    token may be in a slot of several experts, or of none. In variant `big` there is one
    token, the whole input; in variant `all` there is one for each layer, so that `m`
    counts the layers.

    Attributes:
      dispatch_weights: `[B, m, experts, slots]` float32, the share of a token in a
        slot's input; a filled slot's shares sum to one over the tokens.
      combine_weights: `[B, m, experts, slots]` float32, the weight of a slot's
        output in a token. A soft mixture's sum to one over experts and slots, a
        top-1 mixture's to the chosen expert's probability, and those of expert choice
        to the probabilities of all experts that took the token.
      logits: float32, what the weights come from: `[B, m, experts, slots]` of a
        soft mixture, else `[B, m, experts]` (without router noise).
      probabilities: `[B, m, experts]` float32. Soft: combine weights, mean over the
        slots. Else: softmax of the logits over the experts (in a top-1 mixture with
        router noise, where there is).
      load: `[B, experts]` float32, share of the tokens that an expert serves; a token
        that k experts serve counts 1/k for each of them.
      dropped: `[B]` float32, share of the tokens that no expert serves; `load` and
        `dropped` sum to one.
      auxiliary_loss: `[B]` float32, a loss of the mixture's own, whose mean is added to
        the agent's; None without one.
      metrics: `[B]` float32 each, what else the mixture measures, by names that the
        agent's own metrics do not have: their means are logged with the loss. None for
        nothing.
    """

    dispatch_weights: jax.Array
    combine_weights: jax.Array
    logits: jax.Array
    probabilities: jax.Array
    load: jax.Array
    dropped: jax.Array
    auxiliary_loss: jax.Array | None = None
    metrics: Mapping[str, jax.Array] | None = None


class Mixed(NamedTuple):
    """Output of a mixture of experts.

    Attributes:
      tokens: `[B, m, d]`, the new tokens.
      expert_hidden: `[B, experts, slots, hidden]`, the experts' hidden activations
        after their ReLU.
      moe: how the tokens were routed.
    """

    tokens: jax.Array
    expert_hidden: jax.Array
    moe: MoEOutput


class ValueOutput(NamedTuple):
    """Values of a batch of observations, with the intermediate results.

    Attributes:
      q_values: `[B, actions]` float32.
      logits: `[B, actions, atoms]` float32 of a categorical head, else None.
      atoms: `[atoms]` float32, the support of a categorical head, else None.
      moe: how the mixture routed its tokens, or None in a network without one.
      features: `[B, F]`, the input of the last layer.
      activations: the output of every ReLU, by the layer's name, examples first
        and neurons last; `penultimate` is the dense layer or the experts.
      quantile_values: `[B, N, actions]` float32 of a network with N quantiles, else
        None; the Q-values are their mean. Everything after the encoder, that is `moe`,
        `features` and their activations, then has a leading axis of `B * N`.
      levels: `[B, N]` float32, the levels of the quantiles between 0 and 1, else None.
    """

    q_values: jax.Array
    logits: jax.Array | None
    atoms: jax.Array | None
    moe: MoEOutput | None
    features: jax.Array
    activations: Mapping[str, jax.Array]
    quantile_values: jax.Array | None = None
    levels: jax.Array | None = None


def map_examples(
    function: Callable[[jax.Array], jax.Array], output: ValueOutput
) -> ValueOutput:
    """Maps all arrays that have a leading axis of examples: all but the support."""
    mapped = jax.tree.map(function, output._replace(atoms=None))
    return mapped._replace(atoms=output.atoms)
