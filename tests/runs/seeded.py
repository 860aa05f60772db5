"""Short seeded runs of several agents, and what is compared of two of them."""

import json

import numpy as np

from acme_moe.runs import config as config_lib
from acme_moe.runs.online import OnlineRun
from tests.programs import rows

_SMALL_NETWORK = {"num_experts": 2, "expert_width": 8}
_RUN = {
    "seed": 3,
    "max_agent_steps": 160,
    "evaluation_every": 70,
    "evaluation_episodes": 1,
    "min_replay_size": 50,
    "max_replay_size": 70,
    "batch_size": 4,
    "replay": {"seeded": True},
}
_MINATAR = {"environment": {"name": "minatar", "max_episode_steps": 40}}

CONFIGS = {
    "dqn": {
        **_RUN,
        **_MINATAR,
        "agent": "dqn",
        "n_step": 3,
        "num_environments": 2,
        "network": {"encoder": "minatar_cnn", **_SMALL_NETWORK},
    },
    # With priorities, noisy experts' keys, and episodes that end with a life.
    "rainbow": {
        **_RUN,
        "agent": "rainbow",
        "game": "Breakout",
        "environment": {
            "terminal_on_life_loss": True,
            "max_episode_steps": 50,
            "screen_size": 36,
        },
        "network": {"encoder": "nature_cnn", **_SMALL_NETWORK},
    },
    "r2d2": {
        **_RUN,
        **_MINATAR,
        "agent": "r2d2",
        "replay_ratio": 0.1,
        "burn_in_length": 2,
        "trace_length": 4,
        "sequence_period": 2,
        "lstm_size": 8,
        "head_width": 8,
        "network": {"encoder": "minatar_cnn", **_SMALL_NETWORK},
    },
}


def make(workdir, name, **changes):
    """A run that is to be entered."""
    spec = config_lib.from_config_dict({**CONFIGS[name], **changes})
    return OnlineRun(spec, workdir)


def scores(workdir):
    """The rows of `scores.csv`, without their times."""
    found = rows(workdir / "scores.csv")
    for row in found:
        del row["wall_seconds"]
    return found


def newest(workdir):
    """The newest checkpoint's folder."""
    return sorted((workdir / "checkpoints").iterdir())[-1]


def state(workdir):
    """What the newest checkpoint holds of the learner, as bytes by name."""
    with np.load(newest(workdir) / "state.npz") as arrays:
        return {name: arrays[name].tobytes() for name in arrays}


def summary(workdir):
    """The run's summary."""
    return json.loads((workdir / "summary.json").read_text())
