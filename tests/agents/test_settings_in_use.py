"""What an agent's settings say holds in its policy, replay, loss and updates."""

import functools

import dm_env
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from acme import specs

from acme_moe import agents as registered
from acme_moe import learning, replay
from acme_moe.agents.config import PruningConfig
from acme_moe.loss_settings import Munchausen
from acme_moe.networks import NetworkConfig
from tests.agents import agents

SPEC = specs.make_environment_spec(agents.catch())


def observe(step):
    return np.full(SPEC.observations.shape, step, np.float32)


def test_exploration_decays_in_agent_steps_and_evaluation_has_its_own():
    builder = agents.make_builder(
        "dqn",
        "vector",
        replay_ratio=0.25,
        epsilon=0.1,
        epsilon_decay_steps=1_000,
        evaluation_epsilon=0.02,
    )
    explores, evaluates = builder._epsilon(False), builder._epsilon(True)
    # 125 updates are 500 agent steps.
    for updates, expected in ((0, 1.0), (125, 0.55), (250, 0.1), (900, 0.1)):
        assert explores(updates) == pytest.approx(expected)
        assert evaluates(updates) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("evaluation", "epsilons"), [(False, [0.001, 0.01, 0.1]), (True, [0.0])]
)
def test_episodes_of_r2d2_explore_evenly_in_logarithms_but_not_in_evaluation(
    evaluation, epsilons
):
    builder = agents.make_builder(
        "r2d2", "vector", epsilon=0.001, max_epsilon=0.1, num_epsilons=3
    )
    policy = builder.make_policy(
        builder.make_network(SPEC), SPEC, evaluation=evaluation
    )
    keys = jax.random.split(jax.random.key(0), 100)
    drawn = np.unique(jax.vmap(policy.init)(keys).epsilon)
    np.testing.assert_allclose(drawn, epsilons, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("rainbow", {}, {"priority": 7.0}),
        ("rainbow", {"prioritized": False}, ()),
        ("dqn", {}, ()),
    ],
)
def test_new_items_have_the_largest_priority_where_replay_has_priorities(
    name, settings, told
):
    builder = agents.make_builder(name, "vector", **settings)
    network = builder.make_network(SPEC)
    policy = builder.make_policy(network, SPEC)
    params = jax.jit(network.init)(jax.random.key(0), observe(0)[None])
    variables = learning.ActingVariables(params, np.int32(0), np.float32(7))
    start = policy.init(jax.random.key(1))
    _, state = jax.jit(policy.select_action)(variables, observe(0), start)
    assert policy.get_extras(state) == told


def stored(builder, rewards, extras=()):
    """A batch of the items of one episode, and how many items there are."""
    local = replay.LocalReplay(builder.replay_settings(SPEC), 0, None)
    adder = builder.make_adder(local, SPEC)
    adder.add_first(dm_env.restart(observe(0)))
    for step, reward in enumerate(rewards, start=1):
        make = dm_env.termination if step == len(rewards) else dm_env.transition
        adder.add(np.int32(0), make(np.float32(reward), observe(step)), extras)
    adder.flush()
    (table,) = local.server_info().values()
    batch = next(builder.make_dataset_iterator(local)).transitions
    return jax.device_get(batch), table.current_size


def test_transitions_are_of_n_steps_with_clipped_and_discounted_rewards():
    builder = agents.make_builder(
        "dqn", "vector", n_step=2, discount=0.5, max_abs_reward=1.0, min_replay_size=3
    )
    batch, size = stored(builder, [5.0, -3.0, 0.25])
    assert size == 3
    # 1 - 0.5, -1 + 0.125, and what is left.
    found = set(zip(batch.reward.tolist(), batch.discount.tolist(), strict=True))
    assert found == {(0.5, 0.5), (-0.875, 0.0), (0.25, 0.0)}


def test_sequences_start_a_period_apart_with_clipped_rewards():
    builder = agents.make_builder("r2d2", "vector", max_abs_reward=1.0)
    network = builder.make_network(SPEC)
    core_state = jax.tree.map(lambda x: np.asarray(x[0]), network.initial_state(1))
    # Of 5 steps, and then one for every 3.
    batch, size = stored(builder, [5.0] * 14, {replay.CORE_STATE: core_state})
    assert size == 4
    assert batch.reward.max() == 1


NETWORK = {
    "encoder": "mlp",
    "mlp_widths": (4,),
    "tokenizer": "per_samp",
    "moe": "none",
    "expert_width": 4,
}
HEADS = {
    "rainbow": {"dueling": True, "noisy": True, "num_atoms": 5},
    "cql_c51": {"num_atoms": 5},
}
SEQUENCE = 4
MORE = {
    "r2d2": {
        "lstm_size": 4,
        "head_width": 4,
        "burn_in_length": 1,
        "trace_length": SEQUENCE - 1,
        "sequence_period": 1,
        "n_step": 1,
    }
}


def batch_of(name, size=4):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, size, 6, 5, 1), np.uint8)
    if name != "r2d2":
        return learning.Transition(
            observation=images[0],
            action=rng.integers(0, 3, size).astype(np.int32),
            reward=rng.normal(size=size).astype(np.float32),
            discount=np.ones(size, np.float32),
            next_observation=images[1],
        )
    return learning.Sequences(
        observation=rng.integers(0, 256, (size, SEQUENCE + 1, 6, 5, 1), np.uint8),
        action=rng.integers(0, 3, (size, SEQUENCE)).astype(np.int32),
        reward=rng.normal(size=(size, SEQUENCE)).astype(np.float32),
        discount=np.ones((size, SEQUENCE), np.float32),
        mask=np.ones((size, SEQUENCE), bool),
        start_state=None,
    )


@functools.cache
def loss_of(name, **settings):
    """The loss and priorities of an agent that acts in 3 ways on small images."""
    config = registered.config_class(name)(
        network=NetworkConfig(**NETWORK, **HEADS.get(name, {})),
        **{**MORE.get(name, {}), **settings},
    )
    network = config.make_network(3)
    batch = batch_of(name)
    observation = batch.observation
    if name == "r2d2":
        observation = observation[:, 0]
        batch = batch._replace(start_state=network.initial_state(4))
    params, target_params = (
        jax.jit(network.init)(jax.random.key(seed), observation) for seed in (0, 1)
    )
    objective = registered.load_builder(name, config).make_objective(network)
    value, output = jax.jit(objective)(
        params, target_params, jax.random.key(2), batch, jnp.arange(1.0, 5.0) / 10
    )
    return np.array([value, *output.priorities])


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("dqn", "discount", 0.5),
        ("dqn", "loss", "huber"),
        ("dqn", "double", True),
        ("dqn", "munchausen", Munchausen(alpha=0.9)),
        ("rainbow", "discount", 0.5),
        ("rainbow", "loss", "hl_gauss"),
        ("rainbow", "shared_target_noise", False),
        ("drq_eps", "discount", 0.5),
        ("drq_eps", "crop_padding", 0),
        ("drq_eps", "intensity_scale", 0.5),
        ("r2d2", "discount", 0.5),
        ("r2d2", "burn_in_length", 0),
        ("r2d2", "n_step", 2),
        ("r2d2", "importance_exponent", 0.1),
        ("r2d2", "max_priority_weight", 0.1),
        ("cql", "discount", 0.5),
        ("cql", "double", True),
        ("cql_c51", "discount", 0.5),
        ("cql_c51", "loss", "hl_gauss"),
        ("cql_c51", "td_weight", 2.0),
        ("cql_c51", "conservative_weight", 2.0),
    ],
)
def test_what_the_settings_say_of_the_loss_makes_a_difference(name, setting, value):
    before, after = loss_of(name), loss_of(name, **{setting: value})
    assert np.isfinite([before, after]).all()
    assert not np.allclose(before, after, rtol=1e-3)


def test_periods_in_agent_steps_hold_at_any_replay_ratio():
    """At a ratio of 0.25, 8 agent steps are 2 updates."""
    builder = agents.make_builder(
        "dqn",
        "vector",
        replay_ratio=0.25,
        target_update_period=8,
        pruning=PruningConfig(sparsity=0.5, start=8, end=16, period=4),
    )
    network = builder.make_network(SPEC)
    update = builder.make_update(network, SPEC)
    batch = learning.Transition(
        observation=np.stack([observe(i) for i in range(4)]),
        action=np.arange(4, dtype=np.int32) % 3,
        reward=np.arange(4, dtype=np.float32),
        discount=np.ones(4, np.float32),
        next_observation=np.stack([observe(i + 1) for i in range(4)]),
    )
    params = jax.jit(network.init)(jax.random.key(0), batch.observation)
    state = learning.init_training_state(
        params, builder.make_optimizer(), jax.random.key(1)
    )
    copied, pruned = [], []
    for _ in range(5):
        state, _, _ = update(state, batch, np.ones(4, np.float32))
        params, target = (
            np.concatenate([np.ravel(x) for x in jax.tree.leaves(each) if x.ndim > 1])
            for each in (state.params, state.target_params)
        )
        copied.append(np.array_equal(params, target))
        pruned.append(np.mean(params == 0))
    assert copied == [False, True, False, True, False]
    # After 2 updates it starts from none; half-way it is 1 - 1/8 of the whole.
    np.testing.assert_allclose(pruned, [0, 0, 0.4375, 0.5, 0.5], atol=0.01)
