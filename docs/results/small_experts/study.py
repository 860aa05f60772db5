"""Experts and layers of DQN and Rainbow on a budget of two CPU cores and an hour."""

from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

# The paper's CNN with narrow dense layers, small batches, and schedules cut to the
# length of the run. Games end after five minutes of play.
_SETTINGS = {
    "network.encoder": "nature_cnn",
    "network.expert_width": 64,
    "max_agent_steps": 8_000,
    "min_replay_size": 1_000,
    "max_replay_size": 20_000,
    "batch_size": 16,
    "n_step": 3,
    "learning_rate": 3e-4,
    "loss": "huber",
    "target_update_period": 400,
    "epsilon_decay_steps": 3_000,
    "epsilon": 0.05,
    "evaluation_epsilon": 0.05,
    "evaluation_every": 4_000,
    "evaluation_episodes": 5,
    "final_evaluation_episodes": 10,
    "environment.max_episode_steps": 4_500,
}


def get_study() -> Study:
    """1 to 8 experts of 64 units, and dense layers as wide as all of them."""
    return Study(
        name="small_experts",
        title="Number of experts, small networks",
        form="scaling",
        x_label="Number of experts",
        games=("RoadRunner",),
        num_seeds=3,
        settings=_SETTINGS,
        arms=tuple(
            arm
            for experts in (1, 2, 4, 8)
            for arm in catalogue.arms(
                (catalogue.DQN,),
                (catalogue.SCALED_BASELINE, catalogue.SOFT_MOE, catalogue.TOP1_MOE),
                {"network.num_experts": experts},
                x=experts,
            )
        ),
    )
