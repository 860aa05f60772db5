"""Losses on plain arrays, one value for each example; load balancing, for a batch."""

from acme_moe.loss_settings import Munchausen
from acme_moe.losses.c51 import (
    categorical_double_q_losses,
    importance_weights,
    priorities,
    projected_targets,
)
from acme_moe.losses.classification import (
    hl_gauss,
    hl_gauss_probabilities,
    two_hot,
)
from acme_moe.losses.conservative import conservative_losses
from acme_moe.losses.indexing import index_by_action
from acme_moe.losses.load_balancing import (
    importance_loss,
    load_balancing_loss,
    load_loss,
)
from acme_moe.losses.munchausen import munchausen_rewards, soft_values
from acme_moe.losses.r2d2 import (
    sequence_losses,
    sequence_priorities,
    transformed_n_step_errors,
)
from acme_moe.losses.td import huber, q_learning_errors, squared

__all__ = [
    "Munchausen",
    "categorical_double_q_losses",
    "conservative_losses",
    "hl_gauss",
    "hl_gauss_probabilities",
    "huber",
    "importance_loss",
    "importance_weights",
    "index_by_action",
    "load_balancing_loss",
    "load_loss",
    "munchausen_rewards",
    "priorities",
    "projected_targets",
    "q_learning_errors",
    "sequence_losses",
    "sequence_priorities",
    "soft_values",
    "squared",
    "transformed_n_step_errors",
    "two_hot",
]
