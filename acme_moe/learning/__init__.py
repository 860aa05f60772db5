"""The jitted update, and the Acme learner around it.

`acme_moe.learning.learner` needs Acme and is imported by its own name; everything
that is exported here needs only JAX, Haiku, optax and rlax.
"""

from acme_moe.learning.augmentation import augmented
from acme_moe.learning.objectives import (
    Objective,
    ObjectiveOutput,
    add_mixture_losses,
    categorical_q_learning,
    q_learning,
)
from acme_moe.learning.pruning import pruned
from acme_moe.learning.recurrent import recurrent_probe, recurrent_q_learning
from acme_moe.learning.types import ActingVariables, Sample, Sequences, Transition
from acme_moe.learning.update import (
    TrainingState,
    Update,
    compile_training_state,
    init_training_state,
    make_update,
)

__all__ = [
    "ActingVariables",
    "Objective",
    "ObjectiveOutput",
    "Sample",
    "Sequences",
    "TrainingState",
    "Transition",
    "Update",
    "add_mixture_losses",
    "augmented",
    "categorical_q_learning",
    "compile_training_state",
    "init_training_state",
    "make_update",
    "pruned",
    "q_learning",
    "recurrent_probe",
    "recurrent_q_learning",
]
