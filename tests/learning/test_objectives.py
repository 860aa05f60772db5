"""What the agents minimise, put together from the losses by hand."""

import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning, losses
from acme_moe.loss_settings import Munchausen
from acme_moe.networks import Network, NetworkConfig, make_network
from acme_moe.networks.outputs import ValueOutput
from acme_moe.networks.soft_moe import Soft
from tests.learning.tiny import NUM_ACTIONS, batch

TOP1 = NetworkConfig(
    encoder="mlp", tokenizer="per_samp", moe="top1", num_experts=3, expert_width=8
)
KEY = jax.random.PRNGKey(3)
PROBABILITIES = np.array([0.1, 0.2, 0.3, 0.4], np.float32)


def evaluate(make, config, **settings):
    """An objective's value and report, and the outputs of its two networks."""
    network = make_network(config, NUM_ACTIONS)
    data = batch()
    params, target_params = (
        jax.jit(network.init)(jax.random.PRNGKey(seed), data.observation)
        for seed in (0, 1)
    )
    objective = jax.jit(make(network, discount=0.9, **settings))
    value, report = objective(params, target_params, KEY, data, PROBABILITIES)
    apply = jax.jit(network.apply, static_argnames="evaluation")
    outputs = (
        apply(params, None, data.observation, evaluation=True),
        apply(params, None, data.next_observation, evaluation=True),
        apply(target_params, None, data.next_observation, evaluation=True),
    )
    # As arrays of NumPy, whose operations are not compiled.
    return *jax.tree.map(np.asarray, (value, report, outputs)), data


def test_double_q_learning_lets_the_online_network_choose():
    value, report, (online, selector, target), data = evaluate(
        learning.q_learning, TOP1, double=True, loss="squared"
    )
    rows = np.arange(4)
    chosen = np.argmax(selector.q_values, axis=1)
    goal = data.reward + 0.9 * data.discount * target.q_values[rows, chosen]
    errors = goal - online.q_values[rows, data.action]
    np.testing.assert_allclose(value, np.mean(errors**2), rtol=1e-5)
    np.testing.assert_allclose(report.losses, errors**2, rtol=1e-4)
    np.testing.assert_allclose(report.priorities, np.abs(errors), atol=1e-6)


def test_the_categorical_loss_is_weighted_and_its_root_the_priority():
    config = dataclasses.replace(TOP1, num_atoms=11, dueling=True)
    value, report, (online, selector, target), data = evaluate(
        learning.categorical_q_learning, config
    )
    errors = jax.jit(losses.categorical_double_q_losses)(
        online.logits,
        online.atoms,
        data.action,
        data.reward,
        0.9 * data.discount,
        target.logits,
        selector.q_values,
    )
    errors = np.asarray(errors)
    weights = np.sqrt(PROBABILITIES.min() / PROBABILITIES)
    np.testing.assert_allclose(value, np.mean(weights * errors), rtol=1e-4)
    np.testing.assert_allclose(report.losses, errors, rtol=1e-4)
    np.testing.assert_allclose(report.priorities, np.sqrt(errors), rtol=1e-4, atol=1e-6)


def of_its_own(tokens, experts):
    """A mixture with a loss of its own."""
    mixed = Soft(normalization=False, phi="learned")(tokens, experts)
    loss = jnp.mean(jnp.square(mixed.tokens), axis=(1, 2))
    measured = mixed.moe.load[:, 0]
    return mixed._replace(
        moe=mixed.moe._replace(auxiliary_loss=loss, metrics={"first_load": measured})
    )


def of_a_taken_name(tokens, experts):
    """A mixture whose metric has the name of one of the objective's."""
    mixed = of_its_own(tokens, experts)
    measured = {"td_error": mixed.moe.load[:, 0]}
    return mixed._replace(moe=mixed.moe._replace(metrics=measured))


def test_a_metric_of_the_mixture_by_a_taken_name_is_named():
    config = dataclasses.replace(TOP1, moe=f"{__name__}:of_a_taken_name")
    with pytest.raises(ValueError, match="metrics: 'td_error' is measured twice"):
        evaluate(learning.q_learning, config)


def test_a_loss_of_the_mixture_s_own_is_added():
    config = dataclasses.replace(TOP1, moe=f"{__name__}:of_its_own")
    value, report, (online, *_), _ = evaluate(learning.q_learning, config)
    own = online.moe.auxiliary_loss
    assert own.shape == (4,)
    assert own.mean() > 0
    np.testing.assert_allclose(value, np.mean(report.losses) + np.mean(own), rtol=1e-5)
    np.testing.assert_allclose(report.metrics["auxiliary_loss"], np.mean(own))
    load = np.mean(online.moe.load[:, 0])
    np.testing.assert_allclose(report.metrics["first_load"], load, rtol=1e-6)


def noise_network():
    """Two actions at 1, of values e and -e with noise e; at 0 no noise."""

    def apply(params, rng, observations, evaluation=False):
        del params, evaluation
        noise = jax.random.normal(rng, observations.shape)
        above = jnp.where(observations == 0, 1.0, noise)
        rows = jnp.stack([above, jnp.where(observations == 0, 1.0, -noise)], axis=1)
        logits = jnp.stack([jnp.zeros_like(rows), rows], axis=2)
        atoms = jnp.array([-1.0, 1.0])
        q_values = jax.nn.softmax(logits) @ atoms
        return ValueOutput(q_values, logits, atoms, None, None, {})

    config = NetworkConfig(encoder="mlp", moe="none", num_atoms=2)
    return Network(init=None, apply=apply, config=config, num_actions=2)


@functools.partial(jax.jit, static_argnums=1)
@functools.partial(jax.vmap, in_axes=(0, None))
def targets_upper_atoms(key, shared):
    """Probability of the upper atom in the targets of four equal transitions."""
    data = learning.Transition(
        observation=jnp.zeros(4),
        action=jnp.zeros(4, int),
        reward=jnp.zeros(4),
        discount=jnp.ones(4),
        next_observation=jnp.ones(4),
    )
    objective = learning.categorical_q_learning(
        noise_network(), discount=1.0, shared_target_noise=shared
    )
    _, report = objective(None, None, key, data, jnp.ones(4))
    # At 0 the logits are [0, 1], so the cross-entropy is linear in it.
    return jnp.logaddexp(0.0, 1.0) - report.priorities**2


def test_shared_noise_is_one_draw_for_all_targets_and_both_networks():
    keys = jax.random.split(KEY, 30)
    upper = np.asarray(targets_upper_atoms(keys, True))
    np.testing.assert_allclose(upper, np.tile(upper[:, :1], 4), atol=1e-5)
    assert np.ptp(upper[:, 0]) > 0.1
    # Who selects sees the values that are taken, so that none is the worse action's.
    assert (upper > 0.5 - 1e-5).all()


def test_other_noise_is_an_examples_and_a_networks_own():
    keys = jax.random.split(KEY, 30)
    upper = np.asarray(targets_upper_atoms(keys, False))
    assert (np.ptp(upper, axis=1) > 1e-3).all()
    assert 0.3 < np.mean(upper < 0.5) < 0.7


def test_load_balancing_reaches_the_loss_with_its_weight():
    plain, unbalanced, (online, *_), _ = evaluate(learning.q_learning, TOP1)
    importance = jax.jit(losses.importance_loss)(online.moe.probabilities)
    config = dataclasses.replace(TOP1, importance_weight=0.5)
    balanced, report, _, _ = evaluate(learning.q_learning, config)
    assert importance > 0
    np.testing.assert_allclose(balanced - plain, 0.5 * importance, rtol=1e-3)
    np.testing.assert_array_equal(report.losses, unbalanced.losses)
    np.testing.assert_allclose(
        report.metrics["load_balancing_loss"], 0.5 * importance, rtol=1e-4
    )


def test_a_categorical_loss_needs_a_categorical_head():
    with pytest.raises(ValueError, match=r"^num_atoms: None is not accepted"):
        learning.categorical_q_learning(make_network(TOP1, 3), discount=0.9)


def test_a_network_of_quantiles_needs_their_loss():
    network = make_network(dataclasses.replace(TOP1, num_quantiles=4), NUM_ACTIONS)
    with pytest.raises(
        ValueError, match=r"^loss: 'squared' is not accepted; 'quantile'"
    ):
        learning.q_learning(network, discount=0.9)
    with pytest.raises(
        ValueError, match=r"^loss: 'quantile' .* network\.num_quantiles"
    ):
        learning.q_learning(make_network(TOP1, 3), discount=0.9, loss="quantile")


def test_munchausen_targets_are_not_double():
    network, settings = make_network(TOP1, NUM_ACTIONS), Munchausen(alpha=0.9)
    with pytest.raises(ValueError, match=r"^double: True is not accepted"):
        learning.q_learning(network, discount=0.9, double=True, munchausen=settings)


@pytest.mark.parametrize("name", ["action", "reward", "discount"])
def test_a_column_is_refused(name):
    """As the replay buffers of others return it; it would broadcast to `[B, B]`."""
    network, settings = make_network(TOP1, NUM_ACTIONS), Munchausen(alpha=0.9)
    objective = learning.q_learning(network, discount=0.9, munchausen=settings)
    data = batch()
    data = data._replace(**{name: getattr(data, name)[:, None]})
    with pytest.raises(
        ValueError, match=rf"^{name}: \(4, 1\) is not accepted; the sha"
    ):
        objective({}, {}, KEY, data, PROBABILITIES)


def test_a_column_of_probabilities_is_refused():
    network = make_network(dataclasses.replace(TOP1, num_atoms=11), NUM_ACTIONS)
    objective = learning.categorical_q_learning(network, discount=0.9)
    with pytest.raises(ValueError, match=r"^probabilities: \(4, 1\) is not accepted"):
        objective({}, {}, KEY, batch(), PROBABILITIES[:, None])


@pytest.mark.parametrize(
    "settings", [{"double": True}, {"munchausen": Munchausen(alpha=0.9)}]
)
def test_each_draw_of_an_objective_has_a_key_of_its_own(monkeypatch, settings):
    keys = []

    def apply(params, key, observations, evaluation=False):
        del params, evaluation
        keys.append(tuple(np.asarray(key)))
        return ValueOutput(
            q_values=jnp.zeros((4, NUM_ACTIONS)),
            logits=None,
            atoms=None,
            moe=types.SimpleNamespace(
                logits=None, probabilities=None, auxiliary_loss=None, metrics=None
            ),
            features=None,
            activations={},
        )

    def balancing(key, *_):
        keys.append(tuple(np.asarray(key)))
        return jnp.zeros(())

    monkeypatch.setattr(losses, "load_balancing_loss", balancing)
    network = Network(
        init=None,
        apply=apply,
        config=dataclasses.replace(TOP1, load_weight=0.1),
        num_actions=NUM_ACTIONS,
    )
    objective = learning.q_learning(network, discount=0.9, **settings)
    objective(None, None, KEY, batch(), PROBABILITIES)
    assert len(set(keys)) == len(keys) == 4
