r"""The Soft MoE layer in Acme's own DQN network, with Acme's own builder (0.4.0).

    python examples/acme_dqn_soft_moe.py --game=Pong --agent_steps=100000

The network is Acme's `dqn_atari_network` with a mixture of experts between its torso
and its head. Everything else is Acme's as well: loss, builder, adder, layout and loop.
"""

# isort: off
import acme_moe  # noqa: F401 - first: it puts back names that Acme 0.4.0 needs.

# isort: on
import os
import sys
from typing import Any

import acme
import dm_env
import haiku as hk
import jax
import jax.numpy as jnp
import reverb
from absl import app, flags
from acme import adders, specs
from acme.agents.jax import dqn
from acme.jax import networks as networks_lib
from acme.jax.layouts.local_layout import LocalLayout
from acme.utils import loggers

from acme_moe.environments import AtariEnvironment
from acme_moe.networks.soft_moe import SoftMoE
from acme_moe.replay import without_ratio

_GAME = flags.DEFINE_string("game", "Pong", "Any of the games.")
_AGENT_STEPS = flags.DEFINE_integer("agent_steps", 100_000, "How long.")

_TORSO_CHANNELS = 64


class Client:
    """Reverb's client as Acme 0.4.0 calls it, with an argument since removed."""

    def __init__(self, client: reverb.Client) -> None:
        self._client = client

    def trajectory_writer(
        self, num_keep_alive_refs: int, get_signature_timeout_ms: int
    ) -> reverb.TrajectoryWriter:
        """Makes a writer; Reverb no longer has this timeout."""
        del get_signature_timeout_ms
        return self._client.trajectory_writer(num_keep_alive_refs)


class Builder(dqn.DQNBuilder):
    """Acme's builder, with a client that its adder can use."""

    def __init__(self, config: dqn.DQNConfig) -> None:
        super().__init__(
            config,
            dqn.PrioritizedDoubleQLearning(discount=config.discount),
            lambda: loggers.make_default_logger("learner", save_data=False),
        )

    def make_replay_tables(self, spec: specs.EnvironmentSpec) -> list[reverb.Table]:
        """Makes Acme's table; the layout keeps the ratio, so the table need not."""
        return [without_ratio(table) for table in super().make_replay_tables(spec)]

    def make_adder(self, replay_client: reverb.Client) -> adders.Adder:
        """Makes Acme's n-step adder."""
        return super().make_adder(Client(replay_client))


def make_network(
    spec: specs.EnvironmentSpec, *, num_experts: int = 4, expert_width: int = 512
) -> networks_lib.FeedForwardNetwork:
    """Acme's torso, a Soft MoE over the positions of its map (PerConv), Acme's head."""

    def forward(images: jax.Array) -> jax.Array:
        features = networks_lib.AtariTorso()(images / 255.0)
        tokens = features.reshape(images.shape[0], -1, _TORSO_CHANNELS)
        slots = -(-tokens.shape[1] // num_experts)
        mixed = SoftMoE(num_experts, slots, expert_width)(tokens)
        hidden = hk.Flatten()(mixed.tokens)
        head = networks_lib.DuellingMLP(spec.actions.num_values, hidden_sizes=[512])
        return head(hidden)

    network: Any = hk.without_apply_rng(hk.transform(forward))
    blank = jnp.zeros((1, *spec.observations.shape))
    return networks_lib.FeedForwardNetwork(
        lambda key: network.init(key, blank), network.apply
    )


def make_agent(
    spec: specs.EnvironmentSpec,
    network: networks_lib.FeedForwardNetwork,
    config: dqn.DQNConfig,
    seed: int = 0,
) -> LocalLayout:
    """Acme's DQN in one process."""
    return LocalLayout(
        seed,
        spec,
        Builder(config),
        network,
        dqn.behavior_policy(network),
        min_replay_size=config.min_replay_size,
        samples_per_insert=config.samples_per_insert,
        batch_size=config.batch_size,
        checkpoint=False,
    )


def train(
    environment: dm_env.Environment, agent: LocalLayout, agent_steps: int
) -> list[float]:
    """Plays whole episodes until that many steps are taken; gives their returns."""
    loop = acme.EnvironmentLoop(environment, agent)
    returns = []
    while agent_steps > 0:
        episode = loop.run_episode()
        agent_steps -= episode["episode_length"]
        returns.append(float(episode["episode_return"]))
        print(f"{agent_steps} agent steps left, return {returns[-1]:g}")
    return returns


def main(_: list[str]) -> None:
    """Trains on Atari."""
    environment = AtariEnvironment(_GAME.value, seed=0)
    spec = specs.make_environment_spec(environment)
    config = dqn.DQNConfig(learning_rate=1e-4, samples_per_insert=8.0, batch_size=32)
    train(environment, make_agent(spec, make_network(spec), config), _AGENT_STEPS.value)
    # Acme's threads wait inside Reverb, which aborts when the interpreter ends them.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    app.run(main)
