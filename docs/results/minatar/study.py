"""What stands between encoder and head of DQN and Rainbow, on all games of MinAtar."""

from acme_moe.environments import find_suite
from acme_moe.studies import catalogue
from acme_moe.studies.catalogue import (
    BASELINE,
    DQN_MINATAR,
    GAP,
    RAINBOW_MINATAR,
    SCALED_BASELINE,
    SOFT_MOE,
    TOP1_MOE,
    Layer,
)
from acme_moe.studies.study import Study

# A twentieth of the ten million steps of `dqn_minatar`, with exploration cut to a fifth
# of the run. Games end after 5,000 steps, so that an evaluation does.
_SETTINGS = {
    "max_agent_steps": 500_000,
    "epsilon_decay_steps": 100_000,
    "evaluation_every": 100_000,
    "evaluation_episodes": 5,
    "final_evaluation_episodes": 20,
    "environment.max_episode_steps": 5_000,
    "network.num_experts": 8,
    "num_environments": 4,
    "replay.seeded": True,
    "diagnostics.every": 100_000,
    "checkpoints_kept": 1,
}

_LAYERS = (
    BASELINE,
    SOFT_MOE,
    GAP,
    SCALED_BASELINE,
    Layer("Soft MoE, 1 expert", {**SOFT_MOE.settings, "network.num_experts": 1}),
    Layer("Mean over tokens", {"network.moe": "none", "network.dense": "token_mean"}),
    TOP1_MOE,
)


def get_study() -> Study:
    """All layers at a replay ratio of 0.25, and two at 1."""
    agents = (DQN_MINATAR, RAINBOW_MINATAR)
    return Study(
        name="minatar",
        title="Between encoder and head, 8 experts",
        games=find_suite("minatar").games or (),
        num_seeds=5,
        settings=_SETTINGS,
        arms=(
            *catalogue.arms(agents, _LAYERS),
            *catalogue.arms(
                agents,
                (BASELINE, SOFT_MOE),
                {"replay_ratio": 1.0},
                panel="{agent}, replay ratio 1",
                tag="ratio_1",
            ),
        ),
    )
