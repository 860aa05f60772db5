"""Losses by the names of agents' settings, on a network with a categorical head."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning, losses
from acme_moe.agents.cql import CQLC51Config, CQLConfig
from acme_moe.agents.dqn import DQNConfig
from acme_moe.agents.rainbow import RainbowConfig
from acme_moe.networks import NetworkConfig, make_network
from tests.learning.tiny import batch

CONFIG = NetworkConfig(
    encoder="mlp", moe="none", expert_width=8, mlp_widths=(6,), num_atoms=11, v_max=3.0
)
NETWORK = make_network(CONFIG, 3)
DISCOUNT = 0.9


@functools.cache
def params(seed):
    return jax.jit(NETWORK.init)(jax.random.key(seed), batch().observation)


def outputs():
    """Online outputs at both ends, and the target's at the next."""
    transitions = batch()
    apply = jax.jit(lambda params, x: NETWORK.apply(params, None, x, True))
    here = apply(params(0), transitions.observation)
    there = [apply(params(seed), transitions.next_observation) for seed in (0, 1)]
    return transitions, here, *there


def value_of(objective, probabilities=None):
    weights = jnp.ones(4) if probabilities is None else probabilities
    return jax.jit(objective)(params(0), params(1), jax.random.key(0), batch(), weights)


@pytest.mark.parametrize("name", ["hl_gauss", "two_hot"])
@pytest.mark.parametrize("double", [False, True])
def test_q_learning_classifies_the_target_that_it_would_regress_to(name, double):
    transitions, here, online, target = outputs()
    best = (online if double else target).q_values.argmax(axis=1)
    targets = (
        transitions.reward
        + DISCOUNT * transitions.discount * target.q_values[jnp.arange(4), best]
    )
    logits = here.logits[jnp.arange(4), transitions.action]
    expected = getattr(losses, name)(logits, targets, here.atoms)
    objective = learning.q_learning(
        NETWORK, discount=DISCOUNT, loss=name, double=double
    )
    value, output = value_of(objective)
    np.testing.assert_allclose(output.losses, expected, rtol=1e-4)
    np.testing.assert_allclose(value, expected.mean(), rtol=1e-4)


def test_rainbow_weights_it_and_takes_its_root_as_priority():
    probabilities = jnp.asarray([0.1, 0.2, 0.3, 0.4])
    _, plain = value_of(
        learning.q_learning(NETWORK, discount=DISCOUNT, loss="hl_gauss", double=True)
    )
    objective = learning.categorical_q_learning(
        NETWORK, discount=DISCOUNT, loss="hl_gauss"
    )
    value, output = value_of(objective, probabilities)
    np.testing.assert_allclose(output.losses, plain.losses, rtol=1e-4)
    np.testing.assert_allclose(output.priorities, np.sqrt(plain.losses), rtol=1e-4)
    weights = losses.importance_weights(probabilities)
    np.testing.assert_allclose(value, (weights * plain.losses).mean(), rtol=1e-4)


def test_cql_adds_its_conservative_loss():
    plain, with_it = (
        value_of(learning.q_learning(NETWORK, discount=DISCOUNT, loss="two_hot", **x))
        for x in ({}, {"conservative_weight": 0.1})
    )
    difference = with_it[0] - plain[0]
    expected = 0.1 * with_it[1].metrics["conservative_loss"]
    np.testing.assert_allclose(difference, expected, rtol=1e-4)


@pytest.mark.parametrize("config_class", [DQNConfig, CQLConfig])
def test_agents_of_values_take_it_with_atoms_alone(config_class):
    with pytest.raises(ValueError, match=r"^loss: 'hl_gauss' is not accepted; .*atoms"):
        config_class(loss="hl_gauss")
    config_class(loss="hl_gauss", network=CONFIG)
    with pytest.raises(ValueError, match=r"^loss: 'l1' is not known.*two_hot"):
        config_class(loss="l1")


@pytest.mark.parametrize("config_class", [RainbowConfig, CQLC51Config])
def test_agents_of_distributions_take_it_in_place_of_c51(config_class):
    assert config_class().loss == "c51"
    config_class(loss="two_hot")
    with pytest.raises(ValueError, match=r"^loss: 'huber' is not known.*c51, hl_gauss"):
        config_class(loss="huber")


def squared_error_of_the_mean(logits, targets, atoms):
    """A classification loss of one's own."""
    return jnp.square(jax.nn.softmax(logits) @ atoms - targets)


@dataclasses.dataclass(frozen=True)
class Clipped:
    """An error loss of one's own, with an option."""

    limit: float = 0.1

    def __call__(self, errors):
        return jnp.minimum(jnp.square(errors), self.limit)


def test_a_loss_of_ones_own_is_of_errors_or_of_categories():
    mine = f"{__name__}:squared_error_of_the_mean"
    regressed, own, clipped = (
        value_of(learning.q_learning(NETWORK, discount=DISCOUNT, loss=name))[1].losses
        for name in ("squared", mine, f"{__name__}:Clipped")
    )
    np.testing.assert_allclose(own, regressed, rtol=1e-4, atol=1e-6)
    assert regressed.min() < 0.1 < regressed.max()
    np.testing.assert_allclose(clipped, np.minimum(regressed, 0.1), rtol=1e-4)
    RainbowConfig(loss=mine)
    DQNConfig(network=CONFIG, loss=mine)
    with pytest.raises(ValueError, match=r"huber, squared, or a network\.num_atoms"):
        DQNConfig(loss=mine)
    with pytest.raises(ValueError, match="a function of logits, targets and atoms"):
        RainbowConfig(loss=f"{__name__}:Clipped")
    with pytest.raises(ValueError, match=r"^loss: 'squared' is not known"):
        learning.categorical_q_learning(NETWORK, discount=DISCOUNT, loss="squared")
    for path in ("math:pi", f"{__name__}:outputs"):
        with pytest.raises(ValueError, match=f"^loss: '{path}' is not accepted; a fun"):
            DQNConfig(loss=path)


@dataclasses.dataclass(frozen=True)
class Wide:
    """HL-Gauss with another standard deviation."""

    sigma_over_width: float = 0.75

    def __call__(self, logits, targets, atoms):
        return losses.hl_gauss(logits, targets, atoms, self.sigma_over_width)


@pytest.mark.parametrize(
    "objective", [learning.q_learning, learning.categorical_q_learning]
)
def test_a_loss_has_its_options(objective):
    usual, same, wide = (
        value_of(objective(NETWORK, discount=DISCOUNT, loss=loss, loss_options=options))
        for loss, options in (
            ("hl_gauss", {}),
            (f"{__name__}:Wide", {}),
            (f"{__name__}:Wide", {"sigma_over_width": 3.0}),
        )
    )
    assert same[0] == usual[0]
    for name in ("two_hot", objective.__kwdefaults__["loss"]):
        with pytest.raises(ValueError, match=r"^loss_options\.a: is not an option"):
            objective(NETWORK, discount=DISCOUNT, loss=name, loss_options={"a": 1})
    assert wide[0] != usual[0]


@pytest.mark.parametrize("config_class", [DQNConfig, CQLConfig])
def test_options_are_completed_and_checked(config_class):
    mine = f"{__name__}:Clipped"
    assert config_class(loss=mine).loss_options == {"limit": 0.1}
    given = config_class(loss=mine, loss_options={"limit": 2.0})
    assert dataclasses.replace(given, n_step=2).loss_options == {"limit": 2.0}
    hash(given)
    for loss, options, message in (
        (mine, {"limits": 2.0}, r"loss_options\.limits: .*mean limit"),
        (mine, {"limit": "x"}, r"loss_options\.limit: 'x' is not accepted; float"),
        (mine, 3, "loss_options: 3 is not accepted; a mapping"),
        ("huber", {"delta": 2.0}, r"loss_options\.delta: is not an .*'huber'; the lib"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            config_class(loss=loss, loss_options=options)


@pytest.mark.parametrize("config_class", [RainbowConfig, CQLC51Config])
def test_a_loss_of_distributions_has_its_options_too(config_class):
    given = config_class(loss=f"{__name__}:Wide")
    assert given.loss_options == {"sigma_over_width": 0.75}
    with pytest.raises(
        ValueError, match=r"^loss_options\.a: is not an option of 'c51'"
    ):
        config_class(loss_options={"a": 1})
