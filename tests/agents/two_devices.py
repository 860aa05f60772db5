"""Agents whose policy runs on one device and whose update on another.

A program of its own, `python -m tests.agents.two_devices AGENT...`, with two devices.
"""

import itertools
import sys

import dm_env
import jax
import numpy as np
from dm_env import specs as dm_specs

from acme_moe import learning
from acme_moe.specs import EnvironmentSpec, StackedFrames
from tests.agents import agents

GAMES, ACTIONS, SIZE = 3, 4, 36
SPEC = EnvironmentSpec(
    StackedFrames(SIZE, SIZE, 4),
    dm_specs.DiscreteArray(ACTIONS),
    dm_specs.Array((), np.float32),
    dm_specs.BoundedArray((), np.float32, 0, 1),
)


class Adder:
    """Keeps what it is given."""

    def __init__(self):
        self.extras = []

    def add_first(self, timestep):
        del timestep

    def add(self, action, next_timestep, extras):
        del action, next_timestep
        self.extras.append(extras)


def main(name):
    """Compares actions with those of the network given whole observations."""
    update_device, policy_device = jax.devices()
    builder = agents.make_builder(
        name, "image", epsilon=1e-6, **({"max_epsilon": 1e-6} if name == "r2d2" else {})
    )
    network = builder.make_network(SPEC)
    rng = np.random.default_rng(0)
    batch = jax.tree.map(
        lambda x: rng.integers(0, 2, (32, *x.shape)).astype(x.dtype),
        builder.items.signature(SPEC, network),
    )
    sample = learning.Sample(
        np.arange(32, dtype=np.uint64),
        *jax.device_put((np.ones(32, np.float32), batch)),
    )
    learner = builder.make_learner(
        jax.random.PRNGKey(0),
        network,
        itertools.repeat(sample),
        lambda *_: None,
        SPEC,
        type("Client", (), {"mutate_priorities": lambda *_: None})(),
    )
    policy = builder.make_policy(network, SPEC, evaluation=True)
    adders = [Adder() for _ in range(GAMES)]
    actor = builder.make_vector_actor(
        jax.random.PRNGKey(1), policy, SPEC, learner, adders, policy_device
    )
    states = [policy.init(jax.random.PRNGKey(2)) for _ in range(GAMES)]
    select = jax.jit(policy.select_action)
    stacks = np.zeros((GAMES, SIZE, SIZE, 4), np.uint8)
    seen = set()
    for t in range(8):
        if t in (3, 6):
            learner.step()
            actor.update(wait=True)
        variables = learner.get_variables([""])[0]
        stacks = np.roll(stacks, -1, axis=-1)
        stacks[..., -1] = rng.integers(0, 256, (GAMES, SIZE, SIZE), np.uint8)
        for i in range(GAMES):
            if t == 0 or (t, i) == (5, 1):
                stacks[i, ..., :-1] = 0
                states[i] = policy.init(jax.random.PRNGKey(t))
                actor.observe_first(i, dm_env.restart(stacks[i]))
        actions = actor.select_actions(stacks)
        for i in range(GAMES):
            expected, states[i] = select(variables, stacks[i], states[i])
            # Exploration is all but off: the one draw that differs decides ties.
            assert actions[i] == expected, (name, t, i, actions, expected)
            actor.observe(i, actions[i], dm_env.transition(0.0, stacks[i]))
            jax.tree.map(
                lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5),
                adders[i].extras[-1],
                policy.get_extras(states[i]),
            )
            seen.add(int(actions[i]))
        places = {frozenset(x.devices()) for x in jax.tree.leaves(actor._carry)}
        assert places == {frozenset({policy_device})}
    assert int(variables.learner_steps) == 2
    state = jax.tree.leaves(learner.state)
    assert all(x.devices() == {update_device} for x in state)
    learner.close()


if __name__ == "__main__":
    for agent in sys.argv[1:]:
        main(agent)
