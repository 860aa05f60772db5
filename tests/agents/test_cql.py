"""CQL's builders need no replay and act in evaluation only; the paper's settings."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from acme import specs
from acme.utils import loggers

from acme_moe import agents, learning
from acme_moe.agents.builder import OnlineBuilder
from acme_moe.agents.cql import (
    BehaviorCloningConfig,
    CQLBuilder,
    CQLC51Config,
    CQLConfig,
    OfflineDQNConfig,
)
from acme_moe.runs import config as config_lib
from acme_moe.runs.run_config import OfflineRunConfig
from acme_moe.runs.spec import OfflineRunSpec
from tests.agents.agents import NETWORKS, catch

ENVIRONMENT = catch()
SPEC = specs.make_environment_spec(ENVIRONMENT)


def sample(batch_size):
    rng = np.random.default_rng(0)
    shape = (batch_size, *SPEC.observations.shape)
    transitions = learning.Transition(
        observation=rng.random(shape, np.float32),
        action=rng.integers(3, size=batch_size).astype(np.int32),
        reward=rng.normal(size=batch_size).astype(np.float32),
        discount=np.ones(batch_size, np.float32),
        next_observation=rng.random(shape, np.float32),
    )
    probabilities = np.full(batch_size, 1 / batch_size, np.float32)
    keys = np.arange(batch_size, dtype=np.uint64)
    return learning.Sample(keys, probabilities, transitions)


@pytest.mark.parametrize("name", ["cql", "cql_c51", "offline_dqn", "behavior_cloning"])
def test_a_builder_learns_and_is_evaluated_without_replay(name):
    default = agents.config_class(name)()
    network = dataclasses.replace(default.network, **NETWORKS["vector"])
    builder = agents.load_builder(
        name, dataclasses.replace(default, network=network, batch_size=8)
    )
    assert not isinstance(builder, OnlineBuilder)
    networks = builder.make_network(SPEC)
    learner = builder.make_learner(
        jax.random.PRNGKey(0),
        networks,
        itertools.repeat(sample(8)),
        lambda *_: loggers.NoOpLogger(),
        SPEC,
    )
    before = jax.tree.map(np.asarray, learner.state.params)
    learner.step()
    learner.step()
    learner.check()
    after = jax.tree.leaves(learner.state.params)
    assert any(
        np.any(a != b) for a, b in zip(jax.tree.leaves(before), after, strict=True)
    )
    with pytest.raises(ValueError, match="evaluation: False is not accepted"):
        builder.make_policy(networks, SPEC)
    policy = builder.make_policy(networks, SPEC, evaluation=True)
    actor = builder.make_actor(jax.random.PRNGKey(1), policy, SPEC, learner)
    actor.update(wait=True)
    timestep = ENVIRONMENT.reset()
    actor.observe_first(timestep)
    assert 0 <= actor.select_action(timestep.observation) < 3


def test_the_settings_are_those_of_the_paper():
    shared = {"batch_size": 32, "discount": 0.99, "max_abs_reward": 1.0}
    shared |= {"target_update_period": 2_000, "evaluation_epsilon": 0.001}
    shared |= {"conservative_weight": 0.1, "td_weight": 1.0}
    for config, expected, network in (
        (
            CQLConfig(),
            {"learning_rate": 5e-5, "adam_epsilon": 3.125e-4, "n_step": 1},
            {"dueling": False, "num_atoms": None},
        ),
        (
            CQLC51Config(),
            {"learning_rate": 6.25e-5, "adam_epsilon": 1.5e-4, "n_step": 3},
            {"dueling": True, "noisy": False, "num_atoms": 51, "v_max": 10.0},
        ),
    ):
        found = dataclasses.asdict(config)
        assert {k: found[k] for k in expected | shared} == expected | shared
        assert {k: found["network"][k] for k in network} == network


def huber(errors):
    size = jnp.abs(errors)
    return jnp.where(size <= 1, size**2 / 2, size - 0.5)


@pytest.mark.parametrize(
    ("config", "td", "conservative"),
    [
        (CQLConfig, 1.0, 0.1),
        (OfflineDQNConfig, 1.0, 0.0),
        (BehaviorCloningConfig, 0.0, 1.0),
    ],
)
def test_loss_and_gradients_are_dopamines_with_a_conservative_loss(
    config, td, conservative
):
    """As `labs/offline_rl/jax/offline_dr3_agent.py` has it, with a DR3 weight of 0."""
    settings = config()
    builder = CQLBuilder(
        dataclasses.replace(
            settings,
            network=dataclasses.replace(settings.network, **NETWORKS["vector"]),
        )
    )
    network = builder.make_network(SPEC)
    batch = sample(16)
    data = batch.transitions._replace(
        # Errors on both sides of Huber's 1, and ends of episodes.
        reward=np.linspace(-3, 3, 16, dtype=np.float32),
        discount=(np.arange(16) % 4 > 0).astype(np.float32),
    )
    params, target_params = (
        jax.jit(network.init)(jax.random.PRNGKey(seed), data.observation)
        for seed in (0, 1)
    )
    key = jax.random.PRNGKey(2)

    def formula(params):
        q = network.apply(params, key, data.observation).q_values
        chosen = q[np.arange(16), data.action]
        following = network.apply(target_params, key, data.next_observation).q_values
        target = data.reward + 0.99 * data.discount * following.max(axis=1)
        bellman = huber(jax.lax.stop_gradient(target) - chosen).mean()
        cql = (jax.scipy.special.logsumexp(q, axis=1) - chosen).mean()
        return td * bellman + conservative * cql

    def objective(params):
        make = builder.make_objective(network)
        return make(params, target_params, key, data, batch.probabilities)[0]

    expected, found = (
        jax.jit(jax.value_and_grad(f))(params) for f in (formula, objective)
    )
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6),
        found,
        expected,
    )


@pytest.mark.parametrize(
    ("agent", "own", "refused"),
    [
        ("offline_dqn", OfflineDQNConfig, "conservative_weight: 0.1"),
        ("behavior_cloning", BehaviorCloningConfig, "td_weight: 1.0"),
    ],
)
def test_a_baseline_is_not_cql_by_another_name(agent, own, refused):
    flat = config_lib.to_config_dict(
        OfflineRunSpec(run=OfflineRunConfig(), agent=CQLConfig())
    ).to_dict()
    with pytest.raises(ValueError, match=f"^{refused} is not accepted; 0.0$"):
        config_lib.from_config_dict({**flat, "agent": agent})
    weights = {"td_weight", "conservative_weight"}
    without = {k: v for k, v in flat.items() if k not in weights}
    experiment = config_lib.from_config_dict({**without, "agent": agent})
    assert type(experiment.agent) is own


def test_a_kept_run_with_squared_errors_stays_one(tmp_path):
    # The default was `squared` once: a kept config names its loss, and has the say.
    spec = OfflineRunSpec(run=OfflineRunConfig(), agent=CQLConfig(loss="squared"))
    path = tmp_path / "config.json"
    path.write_text(config_lib.config_json(spec))
    assert config_lib.read_config_json(path) == spec
    with pytest.raises(ValueError, match="loss"):
        config_lib.check_resumes(dataclasses.replace(spec, agent=CQLConfig()), tmp_path)
