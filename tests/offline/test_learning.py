"""CQL learns Catch from a recorded set, where plain DQN on the same data does not.

Everything is seeded: a paddle that moves at random is recorded, an agent learns from
that, its play with some exploration is recorded, and the agents under test learn from
this second set.
"""

import acme
import jax
import numpy as np
import pytest
from acme import specs
from acme.utils import loggers

from acme_moe import agents
from acme_moe.agents.cql import CQLConfig, OfflineDQNConfig
from acme_moe.networks.settings import NetworkConfig
from acme_moe.offline import DatasetConfig
from acme_moe.offline.dataset import load_dataset
from acme_moe.offline.recorder import Recorder
from acme_moe.offline.sampler import make_sample_iterator
from acme_moe.offline.transitions import TransitionSettings
from tests.agents.agents import NETWORKS, RANDOM_RETURN, catch

SETTINGS = {
    "network": NetworkConfig(**NETWORKS["vector"]),
    "learning_rate": 1e-3,
    "target_update_period": 100,
}
# The behaviour policy acts at random this often.
EPSILON = 0.1
RECORDED_EPISODES = 1_600
UPDATES = 1_000
BEHAVIOR_UPDATES = 400


SPEC = specs.make_environment_spec(catch(image=True))


class NoAdder:
    """Takes what there is nowhere to put."""

    def add_first(self, timestep):
        pass

    def add(self, action, next_timestep, extras=()):
        pass


class RandomActor:
    """A paddle that moves at random."""

    def __init__(self):
        self._rng = np.random.default_rng(0)

    def observe_first(self, timestep):
        pass

    def select_action(self, observation):
        del observation
        return self._rng.integers(3)

    def observe(self, action, next_timestep):
        pass


def record(path, actor, seed):
    """Records whole episodes; their mean return."""
    recorder = Recorder(path, SPEC, run_folder=path)
    adder = recorder.wrap(NoAdder())
    environment, total = catch(seed, image=True), 0.0
    for _ in range(RECORDED_EPISODES):
        timestep = environment.reset()
        actor.observe_first(timestep)
        adder.add_first(timestep)
        while not timestep.last():
            action = actor.select_action(timestep.observation)
            timestep = environment.step(action)
            actor.observe(action, timestep)
            adder.add(action, timestep)
            total += timestep.reward
    recorder.save()
    return total / RECORDED_EPISODES


def learn(name, config, path, fraction, updates, seed=0):
    """An actor with the evaluation policy that an agent has after its updates."""
    dataset = load_dataset(
        DatasetConfig(path=str(path), fraction=fraction, seed=seed),
        TransitionSettings(1, config.n_step, config.discount, config.max_abs_reward),
        frame_shape=SPEC.observations.frame.shape,
        num_actions=SPEC.actions.num_values,
    )
    builder = agents.load_builder(name, config)
    network = builder.make_network(SPEC)
    learner = builder.make_learner(
        jax.random.PRNGKey(seed),
        network,
        make_sample_iterator(dataset, batch_size=config.batch_size, seed=seed),
        lambda *_: loggers.NoOpLogger(),
        SPEC,
    )
    for _ in range(updates):
        learner.step()
    policy = builder.make_policy(network, SPEC, evaluation=True)
    actor = builder.make_actor(jax.random.PRNGKey(seed + 1), policy, SPEC, learner)
    actor.update(wait=True)
    return actor


def mean_return(actor, episodes=200):
    loop = acme.EnvironmentLoop(
        catch(3, image=True), actor, logger=loggers.NoOpLogger(), should_update=False
    )
    return np.mean([loop.run_episode()["episode_return"] for _ in range(episodes)])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A set of an agent that has learnt something, and that agent's mean return."""
    random, path = (tmp_path_factory.mktemp(name) for name in ("random", "set"))
    exploring = OfflineDQNConfig(**SETTINGS, evaluation_epsilon=EPSILON)
    record(random, RandomActor(), seed=1)
    actor = learn("offline_dqn", exploring, random, 1.0, BEHAVIOR_UPDATES)
    return path, record(path, actor, seed=2)


def test_cql_with_soft_moe_is_about_as_good_as_its_data_and_plain_dqn_is_not(recorded):
    path, behavior = recorded
    # What is measured against is an agent that has learnt something, not random play.
    assert behavior > RANDOM_RETURN + 0.5
    cql, dqn = (
        mean_return(learn(name, settings(**SETTINGS), path, 0.1, UPDATES))
        for name, settings in (("cql", CQLConfig), ("offline_dqn", OfflineDQNConfig))
    )
    assert cql >= 0.9 * behavior
    assert dqn < cql - 0.2
