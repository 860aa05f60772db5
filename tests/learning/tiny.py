"""A network and a batch small enough to follow by hand."""

import jax
import numpy as np

from acme_moe import learning
from acme_moe.networks import NetworkConfig, make_network

NUM_ACTIONS = 3
NETWORK = make_network(
    NetworkConfig(
        encoder="mlp", tokenizer="per_samp", moe="soft", num_experts=2, expert_width=8
    ),
    NUM_ACTIONS,
)


def batch(size=4, seed=0):
    rng = np.random.default_rng(seed)
    return learning.Transition(
        observation=rng.normal(size=(size, 5)).astype(np.float32),
        action=rng.integers(0, NUM_ACTIONS, size).astype(np.int32),
        reward=rng.normal(size=size).astype(np.float32),
        discount=np.array([1, 1, 0, 1] * (size // 4), np.float32),
        next_observation=rng.normal(size=(size, 5)).astype(np.float32),
    )


def make_state(optimizer):
    key = jax.random.PRNGKey(0)
    params = jax.jit(NETWORK.init)(key, batch().observation)
    return learning.init_training_state(params, optimizer, key)
