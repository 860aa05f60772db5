r"""A tokenizer and a mixture of experts of one's own in DQN.

    python examples/own_moe.py --game=Pong --workdir=runs/own_moe

Tokens are the rows of the encoder's feature map. The mixture is expert choice routing
(Zhou et al., 2022): each expert takes the tokens that it scores highest, so that all
experts are full and a token may be served by several or by none. Everything else is
the library's: run, replay, learner, diagnostics, run folder, checkpoints.
"""

from pathlib import Path
from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
from absl import app, flags
from acme import specs

from acme_moe.agents.dqn import DQNBuilder, DQNConfig
from acme_moe.networks import (
    Network,
    NetworkConfig,
    layers,
    torso,
    transform,
    value_network,
)
from acme_moe.networks.experts import Experts
from acme_moe.networks.outputs import Mixed, MoEOutput, ValueOutput
from acme_moe.runs.online import OnlineRun
from acme_moe.runs.spec import OnlineRunConfig, OnlineRunSpec

_GAME = flags.DEFINE_string("game", "Pong", "Any of the games.")
_AGENT_STEPS = flags.DEFINE_integer("agent_steps", 100_000, "How long.")
_WORKDIR = flags.DEFINE_string("workdir", "runs/own_moe", "Folder of the run.")


def rows(features: jax.Array) -> jax.Array:
    """One token a row, `[B, H, W, C] -> [B, H, W*C]`."""
    return features.reshape(*features.shape[:2], -1)


class ExpertChoice(hk.Module):
    """Each of the experts takes the `num_slots` tokens that it scores highest."""

    def __init__(self, num_experts: int, num_slots: int, hidden_units: int) -> None:
        super().__init__(name="moe")
        self._num_experts = num_experts
        self._num_slots = num_slots
        self._hidden_units = hidden_units

    def __call__(self, tokens: jax.Array) -> Mixed:
        """Mixes tokens `[B, m, d]`."""
        router = hk.Linear(self._num_experts, with_bias=False, name="router")
        logits = router(layers.at_least_float32(tokens))
        gates = jax.nn.softmax(logits)  # [B, m, E]
        scores, chosen = jax.lax.top_k(gates.swapaxes(1, 2), self._num_slots)
        dispatch = jax.nn.one_hot(chosen, tokens.shape[1], axis=1)  # [B, m, E, S]
        combine = dispatch * scores[:, None]
        slots = jnp.einsum("bmes,bmd->ebsd", dispatch.astype(tokens.dtype), tokens)
        outputs, hidden = Experts(self._num_experts, self._hidden_units)(slots)
        mixed = jnp.einsum("bmes,ebsd->bmd", combine.astype(tokens.dtype), outputs)
        # For logs and diagnostics: a token that several experts serve is shared.
        served = dispatch.sum(axis=-1)
        times = served.sum(axis=-1)
        moe = MoEOutput(
            dispatch_weights=dispatch,
            combine_weights=combine,
            logits=logits,
            probabilities=gates,
            load=(served / jnp.maximum(times, 1)[..., None]).mean(axis=1),
            dropped=(times == 0).mean(axis=1, dtype=jnp.float32),
        )
        return Mixed(mixed, hidden.swapaxes(0, 1), moe)


def make_network(config: NetworkConfig, num_actions: int) -> Network:
    """The library's encoder and head, with the two between them.

    Args:
      config: sizes; what it says of the tokenizer and the mixture does not count.
      num_actions: number of actions.
    """

    def forward(observations: Any, evaluation: bool = False) -> ValueOutput:
        x = torso.inputs(config, observations)
        encoded, activations = torso.encode(config, x, layers.Conv, layers.Dense)
        tokens = rows(encoded)
        num_slots = config.slots(tokens.shape[1])
        moe = ExpertChoice(config.num_experts, num_slots, config.hidden_units)
        mixed = moe(tokens)
        features = mixed.tokens.reshape(tokens.shape[0], -1)
        dense = torso.dense_factory(config, evaluation)
        values = value_network.head_layer(config, num_actions, features, dense)
        activations = {**activations, "penultimate": mixed.expert_hidden}
        output = torso.TorsoOutput(features, activations, mixed.moe)
        return value_network.value_output(config, output, values)

    return transform(forward, config, num_actions)


class Builder(DQNBuilder):
    """DQN with that network; any other builder is taken in the same way."""

    def make_network(self, environment_spec: specs.EnvironmentSpec) -> Network:
        """The network for so many actions."""
        num_actions = environment_spec.actions.num_values
        return make_network(self.config.network, num_actions)


def main(_: list[str]) -> None:
    """Trains on Atari; the same command resumes after Ctrl-C."""
    agent = DQNConfig(network=NetworkConfig(num_experts=4))
    experiment = OnlineRunSpec(
        run=OnlineRunConfig(game=_GAME.value, max_agent_steps=_AGENT_STEPS.value),
        agent=agent,
    )
    with OnlineRun(experiment, Path(_WORKDIR.value), Builder(agent)) as run:
        run.run()


if __name__ == "__main__":
    app.run(main)
