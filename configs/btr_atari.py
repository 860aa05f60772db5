"""BTR, "Beyond the Rainbow" (Clark et al., 2024), with a mixture of experts.

It has of BTR: the Impala encoder of twice the width, its residual blocks with spectral
normalisation, pooled to 6 x 6; implicit quantiles (8) and Munchausen targets; dueling
and noisy layers; 3-step returns; 64 environments, batches of 256, a replay ratio of
1/64, the target's period of 500 updates, Adam, discount, warm-up and exploration.

By the paper's table of hyperparameters (D6, read as others quote it) it lacks
prioritised replay (alpha 0.2), the clipping of gradients to a norm of 10, the end of
exploration at 100 M frames, in evaluation epsilon 0.01 until 125 M, and noisy layers
that start with a standard deviation of 0.5 (0.1 here); by its code, the hidden layer
that each dueling stream has. Spectral norms are found anew in each pass, where BTR
keeps a vector. Munchausen's bonus is of the target network (Vieillard et al., 2020),
where BTR's code has the online one; a level's cosines are those of i = 1..64, as in
Dopamine, where it has 0..63; noise is drawn for each example, where it has one draw for
a batch. BTR has a dense layer: `--config.network.moe=none`.
"""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("btr_atari")
