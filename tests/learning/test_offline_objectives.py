"""CQL's objectives against numbers worked out by hand, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe import learning
from acme_moe.networks import Network, NetworkConfig
from acme_moe.networks.outputs import ValueOutput
from tests.precision import enable_x64

LN2 = 0.6931471805599453


def table_network(num_atoms=None):
    """A network whose parameters are its outputs, and whose observations are rows."""

    def apply(params, rng, observations, evaluation=False):
        del rng, evaluation
        outputs = {name: table[observations] for name, table in params.items()}
        atoms = None if num_atoms is None else jnp.array([-1.0, 0.0, 1.0])
        if atoms is not None:
            outputs["q_values"] = jax.nn.softmax(outputs["logits"]) @ atoms
        return ValueOutput(
            q_values=outputs["q_values"],
            logits=outputs.get("logits"),
            atoms=atoms,
            moe=None,
            features=None,
            activations={},
        )

    config = NetworkConfig(encoder="mlp", moe="none", num_atoms=num_atoms)
    return Network(init=None, apply=apply, config=config, num_actions=3)


def value_of(objective, params, target_params, transitions):
    probabilities = jnp.full(len(transitions.action), 0.1)
    return objective(
        params, target_params, jax.random.PRNGKey(0), transitions, probabilities
    )


# Q(0) = ln [1, 2, 5], and its action is 1; Q(2) = ln [1, 1, 2], and its action is 2.
Q = {"q_values": np.array([[0, LN2, np.log(5)], [3, 1, 2], [0, 0, LN2]])}
TARGET_Q = {"q_values": np.array([[0.0, 0, 0], [2, 4, 3], [9, 9, 9]])}
TRANSITIONS = learning.Transition(
    observation=np.array([0, 2]),
    action=np.array([1, 2]),
    reward=np.array([1.0, -1.0]),
    discount=np.array([1.0, 0.0]),
    next_observation=np.array([1, 2]),
)
# logsumexp Q(0) - Q(0, 1) = ln 8 - ln 2, and logsumexp Q(2) - Q(2, 2) = ln 4 - ln 2.
CONSERVATIVE = 1.5 * LN2


@pytest.mark.parametrize(
    ("settings", "td"),
    [
        # Errors 1 + 0.5 * 4 - ln 2 and -1 - ln 2; both are beyond Huber's 1, so the
        # losses are (2.5 - ln 2) and (0.5 + ln 2).
        ({"loss": "huber"}, 1.5),
        # The online network chooses action 0, whose target is 1 + 0.5 * 2.
        ({"loss": "huber", "double": True}, 1.0),
        ({"loss": "squared"}, ((3 - LN2) ** 2 + (1 + LN2) ** 2) / 2),
    ],
)
def test_cql_is_the_temporal_difference_and_a_tenth_of_the_conservative_loss(
    settings, td
):
    with enable_x64(True):
        objective = learning.q_learning(
            table_network(),
            discount=0.5,
            conservative_weight=0.1,
            **settings,
        )
        value, report = value_of(objective, Q, TARGET_Q, TRANSITIONS)
        assert value.dtype == jnp.float64
        np.testing.assert_allclose(value, td + 0.1 * CONSERVATIVE, rtol=1e-12)
        np.testing.assert_allclose(jnp.mean(report.losses), value, rtol=1e-12)
        found = report.metrics["conservative_loss"]
        np.testing.assert_allclose(found, CONSERVATIVE)


def test_several_steps_discount_what_follows_once_more():
    # Of three steps: the discount holds 0.5 ** 2 already, the target 0.5 ** 3 * 4.
    three = TRANSITIONS._replace(discount=np.array([0.25, 0.0]))
    with enable_x64(True):
        objective = learning.q_learning(table_network(), discount=0.5, loss="squared")
        value, _ = value_of(objective, Q, TARGET_Q, three)
    np.testing.assert_allclose(
        value, ((1.5 - LN2) ** 2 + (1 + LN2) ** 2) / 2, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("td", "conservative", "expected"), [(1.0, 0.0, 1.5), (0.0, 1.0, CONSERVATIVE)]
)
def test_offline_dqn_and_behavior_cloning_are_one_loss_each(td, conservative, expected):
    with enable_x64(True):
        objective = learning.q_learning(
            table_network(),
            discount=0.5,
            loss="huber",
            td_weight=td,
            conservative_weight=conservative,
        )
        value, report = value_of(objective, Q, TARGET_Q, TRANSITIONS)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(jnp.mean(report.losses), expected, rtol=1e-12)
        # Whatever is learnt: errors 3 - ln 2 and -1 - ln 2, and values ln 5 and ln 2.
        np.testing.assert_allclose(report.metrics["td_error"], 2, rtol=1e-12)
        np.testing.assert_allclose(report.metrics["q_value"], np.log(10) / 2)


def test_cql_c51_takes_the_conservative_loss_of_the_expectations():
    # p(0, 0) = [1/4, 1/4, 1/2] and p(0, 1) = [1/2, 1/4, 1/4]: Q(0) = [1/4, -1/4].
    # The online network chooses action 1 of row 1; the target's distribution there is
    # [1/4, 1/4, 1/2], whose atoms move to 0.5 + 0.5 z = [0, 0.5, 1]: [0, 3/8, 5/8].
    online = np.log([[[1, 1, 2], [2, 1, 1]], [[2, 1, 1], [1, 1, 2]]]) - np.log(4)
    target = np.log([[[1, 1, 1], [1, 1, 1]], [[5, 1, 1], [1, 1, 2]]])
    transitions = learning.Transition(
        observation=np.array([0]),
        action=np.array([0]),
        reward=np.array([0.5]),
        discount=np.array([1.0]),
        next_observation=np.array([1]),
    )
    cross_entropy = (2 * 3 / 8 + 5 / 8) * LN2
    conservative = np.log1p(np.exp(-0.5))
    with enable_x64(True):
        objective = learning.categorical_q_learning(
            table_network(num_atoms=3),
            discount=0.5,
            conservative_weight=0.1,
        )
        value, report = value_of(
            objective, {"logits": online}, {"logits": target}, transitions
        )
    np.testing.assert_allclose(report.metrics["cross_entropy"], cross_entropy)
    np.testing.assert_allclose(value, cross_entropy + 0.1 * conservative, rtol=1e-9)
