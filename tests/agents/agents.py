"""Every agent with settings that solve Catch in seconds.

DER is not among them: with these settings it would be Rainbow, from which it differs
only in its defaults.
"""

from acme_moe import agents
from acme_moe.environments.bsuite import Catch
from acme_moe.networks.settings import NetworkConfig

# Vectors and small images, both with Soft MoE.
NETWORKS = {
    "vector": {
        "encoder": "mlp",
        "mlp_widths": (64,),
        "tokenizer": "per_samp",
        "moe": "soft",
        "num_experts": 4,
        "expert_width": 32,
    },
    "image": {
        "encoder": "nature_cnn",
        "tokenizer": "per_feat",
        "moe": "soft",
        "num_experts": 4,
        "expert_width": 32,
    },
}

_SETTINGS = {
    "min_replay_size": 200,
    "max_replay_size": 10_000,
    "replay_ratio": 0.5,
    "learning_rate": 2e-3,
    "n_step": 3,
    "target_update_period": 100,
    "epsilon_decay_steps": 700,
    "batch_size": 32,
}
_HEADS = {
    "dqn": {},
    "rainbow": {"dueling": True, "noisy": True, "num_atoms": 21, "v_max": 2.0},
    "drq_eps": {"dueling": True},
    "r2d2": {"dueling": True},
}
_MORE = {
    "drq_eps": {"crop_padding": 1},
    "r2d2": {
        "lstm_size": 32,
        "head_width": 32,
        "burn_in_length": 2,
        "trace_length": 5,
        "sequence_period": 3,
        "num_epsilons": 4,
    },
}

NAMES = tuple(_HEADS)
# Of a paddle on `catch`'s board that moves at random, rounded.
RANDOM_RETURN = -0.59


def catch(seed=0, *, image=False):
    """Catch on a small board, whose episodes have five steps."""
    return Catch(seed, rows=6, image=image)


def make_builder(name, observations, **settings):
    """A builder of an agent for `vector` or `image` observations."""
    network = NetworkConfig(**{**NETWORKS[observations], **_HEADS[name]})
    config = agents.config_class(name)(
        network=network, **{**_SETTINGS, **_MORE.get(name, {}), **settings}
    )
    return agents.load_builder(name, config)
