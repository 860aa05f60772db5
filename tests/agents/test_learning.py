"""Each agent learns Catch with Soft MoE, in Acme 0.4.0's own layout."""

import acme
import jax
import numpy as np
import pytest
from acme import specs
from acme.jax.layouts import local_layout
from acme.utils import counting, loggers

from acme_moe.agents.acme_040 import Acme040Builder
from tests import catch
from tests.agents import agents

# Of 1, which is every ball caught, for a greedy policy.
SOLVED = 0.9
AGENT_STEPS = 1_500


def train(builder, environment, agent_steps, seed):
    """An agent of Acme's layout after that many steps in the environment."""
    spec = specs.make_environment_spec(environment)
    adapter = Acme040Builder(builder, spec)
    network = builder.make_network(spec)
    agent = local_layout.LocalLayout(
        seed=seed,
        environment_spec=spec,
        builder=adapter,
        networks=network,
        policy_network=builder.make_policy(network, spec),
        checkpoint=False,
        counter=counting.Counter(),
        **adapter.layout_settings,
    )
    loop = acme.EnvironmentLoop(environment, agent, logger=loggers.NoOpLogger())
    while agent_steps > 0:
        agent_steps -= loop.run_episode()["episode_length"]
    return agent, network, spec


def greedy_return(builder, agent, network, spec, environment, episodes=50):
    """Mean return of the evaluation policy."""
    actor = builder.make_actor(
        jax.random.PRNGKey(0),
        builder.make_policy(network, spec, evaluation=True),
        spec,
        agent,
    )
    loop = acme.EnvironmentLoop(
        environment, actor, logger=loggers.NoOpLogger(), should_update=False
    )
    actor.update(wait=True)
    return np.mean([loop.run_episode()["episode_return"] for _ in range(episodes)])


def test_random_play_is_far_from_solving_it():
    assert catch.random_return() == pytest.approx(catch.RANDOM_RETURN, abs=0.02)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", agents.NAMES)
def test_an_agent_solves_catch(name, seed):
    builder = agents.make_builder(name, "vector")
    trained = train(builder, catch.Catch(seed, image=False), AGENT_STEPS, seed)
    assert (
        greedy_return(builder, *trained, catch.Catch(seed + 10, image=False)) >= SOLVED
    )
