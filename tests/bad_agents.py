"""Agents from outside, each with one fault, for the check that finds it."""

import dataclasses

import jax
import jax.numpy as jnp
import optax

from acme_moe import learning
from acme_moe.agents import Agent
from acme_moe.agents.config import OnlineAgentConfig
from acme_moe.agents.dqn import DQNBuilder, DQNConfig


class Undecorated(OnlineAgentConfig):
    bonus: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithoutDefault(OnlineAgentConfig):
    bonus: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class OfARun(OnlineAgentConfig):
    seed: int = 1


class NoAdder(DQNBuilder):
    make_adder = None


class OtherNetwork(DQNBuilder):
    def make_network(self, environment_spec):
        network = dataclasses.replace(self.config.network, expert_width=3)
        config = dataclasses.replace(self.config, network=network)
        return config.make_network(environment_spec.actions.num_values)


class Silent(DQNBuilder):
    """Writes nothing to replay."""

    def make_adder(self, replay_client, environment_spec, policy=None):
        adder = super().make_adder(replay_client, environment_spec)
        adder.add = lambda *args, **kwargs: None
        return adder


class OutOfRange(DQNBuilder):
    """Has an action too many."""

    def make_policy(self, networks, environment_spec, evaluation=False):
        policy = super().make_policy(networks, environment_spec, evaluation)

        def select_action(*args):
            action, state = policy.select_action(*args)
            return action + 3, state

        return policy.__class__(policy.init, select_action, policy.get_extras)


class NotFinite(DQNBuilder):
    def make_objective(self, network):
        objective = super().make_objective(network)

        def broken(*args):
            loss, output = objective(*args)
            # The root of zero, whose derivative is infinite.
            return loss + jnp.sqrt(0 * loss), output

        return broken


class WithoutMixtureLosses(DQNBuilder):
    """Minimises the size of the values, and nothing that a mixture adds."""

    def make_objective(self, network):
        def objective(params, target_params, key, batch, probabilities):
            q_values = network.apply(params, key, batch.observation).q_values
            each = jnp.square(q_values).mean(axis=1)
            return each.mean(), learning.ObjectiveOutput(each, each, {})

        return objective


class Still(DQNBuilder):
    def make_optimizer(self):
        return optax.chain(super().make_optimizer(), optax.set_to_zero())


class Recompiled(DQNBuilder):
    """Jits a function anew for each update."""

    def make_update(self, networks, environment_spec):
        update = super().make_update(networks, environment_spec)

        def anew(state, batch, probabilities):
            state = jax.jit(lambda x: jax.tree.map(jnp.copy, x))(state)
            return update(state, batch, probabilities)

        return anew


class Counting(DQNBuilder):
    """Scales rewards by a count that no checkpoint has."""

    def make_update(self, networks, environment_spec):
        update = super().make_update(networks, environment_spec)
        count = 0

        def scaled(state, batch, probabilities):
            nonlocal count
            count += 1
            batch = batch._replace(reward=batch.reward + jnp.float32(count))
            return update(state, batch, probabilities)

        return scaled


class Forgetful(DQNBuilder):
    """Makes a learner that restores nothing."""

    def make_learner(self, *args, **kwargs):
        learner = super().make_learner(*args, **kwargs)
        learner.restore = lambda state: None
        return learner


UNDECORATED = Agent(Undecorated, DQNBuilder)
WITHOUT_DEFAULT = Agent(WithoutDefault, DQNBuilder)
OF_A_RUN = Agent(OfARun, DQNBuilder)
NO_ADDER = Agent(DQNConfig, NoAdder)
OTHER_NETWORK = Agent(DQNConfig, OtherNetwork)
SILENT = Agent(DQNConfig, Silent)
OUT_OF_RANGE = Agent(DQNConfig, OutOfRange)
NOT_FINITE = Agent(DQNConfig, NotFinite)
WITHOUT_MIXTURE_LOSSES = Agent(DQNConfig, WithoutMixtureLosses)
STILL = Agent(DQNConfig, Still)
RECOMPILED = Agent(DQNConfig, Recompiled)
COUNTING = Agent(DQNConfig, Counting)
FORGETFUL = Agent(DQNConfig, Forgetful)
NO_BUILDER = Agent(DQNConfig, "tests.bad_agents:Missing")
