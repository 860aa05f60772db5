"""Whether DQN learns on Atari as others' does at the same number of frames."""

from acme_moe.studies import catalogue
from acme_moe.studies.catalogue import BASELINE, DQN, GAP, SOFT_MOE
from acme_moe.studies.study import Study

# One iteration of Dopamine's: 250,000 agent steps, whose training games are averaged.
# Runs are compared while exploration decays, so they are DQN's own settings throughout.
_SETTINGS = {
    "network.encoder": "nature_cnn",
    "max_agent_steps": 250_000,
    "evaluation_every": 250_000,
    "evaluation_episodes": 5,
    "final_evaluation_episodes": 10,
    "checkpoints_kept": 1,
}


def get_study() -> Study:
    """Dense, Soft MoE of 8 experts and pooling after the CNN of Nature DQN."""
    return Study(
        name="atari_check",
        title="DQN with the CNN, one million frames",
        games=("Asterix",),
        num_seeds=2,
        settings=_SETTINGS,
        arms=catalogue.arms(
            (DQN,), (BASELINE, SOFT_MOE, GAP), {"network.num_experts": 8}
        ),
    )
