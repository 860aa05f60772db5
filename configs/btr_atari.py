"""BTR, "Beyond the Rainbow" (Clark et al., 2024), with a mixture of experts.

These parts are BTR's: the Impala encoder of twice the width, its residual blocks with
spectral normalisation, pooled to 6 x 6; implicit quantiles (8) and Munchausen targets;
dueling and noisy layers; 3-step returns; 64 environments, batches of 256, a replay
ratio of 1/64, a target period of 500 updates, Adam, discount, and the lengths of
warm-up and of exploration.

Compared with the paper's table of hyperparameters (D6, as others quote it), it lacks
prioritised replay (alpha 0.2), gradient clipping to a norm of 10, the end of
exploration at 100 M frames, an evaluation epsilon of 0.01 until 125 M, and noisy layers
that start with a standard deviation of 0.5 (0.1 here). Compared with BTR's code, it
lacks the hidden layer of each dueling stream. Epsilon decays linearly over 2 M agent
steps from the end of the warm-up, in which actions are random; in BTR's code its
distance from 0.01 shrinks by a 2-millionth in each step from the first on, so that it
is 0.37 after 2 M. Spectral norms are computed anew in each pass, where BTR keeps a
vector. The Munchausen bonus uses the target network (Vieillard et al., 2020), where
BTR's code uses the online one. The cosines of a quantile level have i = 1..64, as in
Dopamine, where BTR has 0..63. Noise is drawn for each example, where BTR draws it once
for a batch. BTR has a dense layer: `--config.network.moe=none`.
"""

from ml_collections import ConfigDict

from acme_moe.runs.config import load_config


def get_config() -> ConfigDict:
    """Returns the settings; --config.FIELD=VALUE sets any of them."""
    return load_config("btr_atari")
