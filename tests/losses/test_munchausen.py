"""Munchausen rewards and soft values against sums that are written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning, losses
from acme_moe.agents.dqn import DQNConfig
from acme_moe.learning import item_losses
from acme_moe.learning.outputs import Outputs, Values
from acme_moe.loss_settings import Munchausen
from acme_moe.networks import NetworkConfig, make_network
from acme_moe.networks.outputs import ValueOutput
from tests.learning.tiny import batch

SETTINGS = Munchausen(alpha=0.9, temperature=0.5, clip=-1.0)
NETWORK = make_network(
    NetworkConfig(encoder="mlp", mlp_widths=(6,), moe="none", expert_width=8), 3
)
DISCOUNT = 0.9


def by_hand(rewards, actions, discounts, q_before, q_after, values=None):
    """Targets, an example at a time, in float64, of `values` or else of `q_after`."""
    targets = []
    values = q_after if values is None else values
    rows = zip(rewards, actions, discounts, q_before, q_after, values, strict=True)
    for reward, action, discount, before, after, averaged in rows:

        def log_policy(q):
            weights = np.exp(np.asarray(q, np.float64) / SETTINGS.temperature)
            return np.log(weights / weights.sum())

        bonus = SETTINGS.temperature * log_policy(before)[action]
        logs = log_policy(after)
        soft = np.sum(np.exp(logs) * (averaged - SETTINGS.temperature * logs))
        bonus = SETTINGS.alpha * min(max(bonus, SETTINGS.clip), 0)
        targets.append(reward + bonus + discount * soft)
    return np.array(targets)


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_targets_are_those_of_the_paper(loss):
    data = batch()
    init = jax.jit(NETWORK.init)
    params, target_params = (
        init(jax.random.key(seed), data.observation) for seed in (0, 1)
    )
    apply = jax.jit(lambda params, x: NETWORK.apply(params, None, x, True).q_values)
    here, before, after = (
        apply(p, x)
        for p, x in (
            (params, data.observation),
            (target_params, data.observation),
            (target_params, data.next_observation),
        )
    )
    targets = by_hand(data.reward, data.action, DISCOUNT * data.discount, before, after)
    errors = targets - here[jnp.arange(4), data.action]
    objective = learning.q_learning(
        NETWORK, discount=DISCOUNT, loss=loss, munchausen=SETTINGS
    )
    _, output = jax.jit(objective)(
        params, target_params, jax.random.key(2), data, jnp.ones(4)
    )
    np.testing.assert_allclose(output.priorities, np.abs(errors), rtol=1e-4)
    np.testing.assert_allclose(
        output.losses, getattr(losses, loss)(jnp.asarray(errors)), rtol=1e-4
    )


def test_the_log_policy_is_clipped_and_finite_for_values_far_apart():
    q = jnp.asarray([[0.0, 1000.0]])
    settings = Munchausen(alpha=0.9)
    for action, expected in ((0, -0.9), (1, 0.0)):
        rewards = losses.munchausen_rewards(
            jnp.zeros(1), q, jnp.asarray([action]), settings
        )
        np.testing.assert_allclose(rewards, [expected])
    np.testing.assert_allclose(losses.soft_values(q, q, settings), [1000.0])


def test_quantiles_are_averaged_by_the_policy_of_their_mean():
    rng = np.random.default_rng(0)
    quantiles = jnp.asarray(rng.normal(size=(4, 5, 3)))
    q_values = quantiles.mean(axis=1)
    soft = losses.soft_values(q_values, quantiles, SETTINGS)
    assert soft.shape == (4, 5)
    np.testing.assert_allclose(
        soft.mean(axis=1), losses.soft_values(q_values, q_values, SETTINGS), rtol=1e-5
    )


def test_each_quantile_learns_from_the_soft_values_of_all():
    """M-IQN of Vieillard et al. (2020): the policies are those of the means."""
    batch_size, count, actions = 3, 4, 2
    rng = np.random.default_rng(0)
    online, before, after = rng.normal(size=(3, batch_size, count, actions))
    levels = rng.uniform(size=(batch_size, count))
    rewards = rng.normal(size=batch_size)
    taken, discounts = np.array([0, 1, 1]), np.array([1.0, 0.0, 0.5])

    def values(quantiles):
        return Values(quantiles.mean(axis=1), None, quantiles)

    here = ValueOutput(online.mean(axis=1), None, None, None, None, {}, online, levels)
    outputs = Outputs(here, values(after), values(after), values(before))
    loss = item_losses.value_loss(
        NetworkConfig(encoder="mlp", moe="none", num_quantiles=count),
        "quantile",
        DISCOUNT,
        SETTINGS,
    )
    data = learning.Transition(None, taken, rewards, discounts, None)
    arguments = rewards, taken, DISCOUNT * discounts, before.mean(axis=1)
    policy = after.mean(axis=1)
    targets = [by_hand(*arguments, policy, after[:, j]) for j in range(count)]
    errors = np.stack(targets, 1)[:, None] - online[np.arange(3), :, taken][..., None]
    huber = np.where(np.abs(errors) < 1, errors**2 / 2, np.abs(errors) - 0.5)
    weights = np.abs(levels[..., None] - (errors < 0))
    expected = (weights * huber).mean(axis=2).sum(axis=1)
    np.testing.assert_allclose(loss(outputs, data), expected, rtol=1e-4)


def test_a_double_target_has_no_use_for_it():
    with pytest.raises(ValueError, match="double: True is not accepted"):
        DQNConfig(double=True, munchausen=SETTINGS)
    with pytest.raises(ValueError, match=r"clip: 0\.1 is not accepted; at most 0"):
        Munchausen(clip=0.1)
