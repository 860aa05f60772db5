"""The losses of temporal differences, by name: `loss` of an agent's settings.

Apart from `acme_moe.losses`, which imports rlax, since settings name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from acme_moe import validation
from acme_moe.registry import Registry, is_path

if TYPE_CHECKING:
    import jax

C51 = "c51"
"""The loss between whole distributions (Bellemare et al., 2017), of Rainbow."""

_OUTSIDE = "the import path of one, module:attribute"


class ErrorLoss(Protocol):
    """A loss of errors, each by itself; finite, and so is its gradient."""

    def __call__(self, errors: jax.Array, /) -> jax.Array:
        """Computes losses.

        Args:
          errors: float32 `[B]`, target minus prediction.

        Returns:
          float32 `[B]`.
        """


class ClassificationLoss(Protocol):
    """A loss of categorical predictions of values; finite, and so is its gradient."""

    def __call__(
        self, logits: jax.Array, targets: jax.Array, atoms: jax.Array, /
    ) -> jax.Array:
        """Computes losses.

        Args:
          logits: float32 `[B, N]`.
          targets: float32 `[B]`, values, through which no gradient may pass.
          atoms: float32 `[N]`, the support, evenly spaced.

        Returns:
          float32 `[B]`.
        """


ERROR_LOSSES: Registry[ErrorLoss] = Registry(
    "loss",
    {
        "huber": "acme_moe.losses.td:huber",
        "squared": "acme_moe.losses.td:squared",
    },
)
CLASSIFICATION_LOSSES: Registry[ClassificationLoss] = Registry(
    "loss",
    {
        "hl_gauss": "acme_moe.losses.classification:hl_gauss",
        "two_hot": "acme_moe.losses.classification:two_hot",
    },
)


def check_value_loss(loss: str, num_atoms: int | None) -> None:
    """Refuses what is no loss of an agent whose targets are values.

    Args:
      loss: a name, or the import path of an `ErrorLoss`.
      num_atoms: of the network's head.

    Raises:
      ValueError: if there is no such loss, or it needs a categorical head.
    """
    if loss in CLASSIFICATION_LOSSES:
        if num_atoms is None:
            others = ", ".join(ERROR_LOSSES)
            accepted = f"{others}, or a network.num_atoms, such as 51"
            raise validation.not_accepted("loss", loss, accepted)
    elif is_path(loss):
        ERROR_LOSSES.check(loss)
    else:
        known = (*ERROR_LOSSES, *CLASSIFICATION_LOSSES)
        validation.one_of("loss", loss, known, _OUTSIDE)


def check_distribution_loss(loss: str) -> None:
    """Refuses what is no loss of an agent with a categorical head.

    Args:
      loss: a name, or the import path of a `ClassificationLoss`.

    Raises:
      ValueError: if there is no such loss.
    """
    if is_path(loss):
        CLASSIFICATION_LOSSES.check(loss)
    else:
        validation.one_of("loss", loss, (C51, *CLASSIFICATION_LOSSES), _OUTSIDE)
