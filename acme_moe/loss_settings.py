"""The losses of temporal differences, by name: `loss` of an agent's settings.

They are kept apart from `acme_moe.losses`, which imports rlax, because settings need
only their names.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from acme_moe import options, validation
from acme_moe.registry import OUTSIDE, Registry, is_path

if TYPE_CHECKING:
    import jax

C51 = "c51"
"""The loss between whole distributions (Bellemare et al., 2017), of Rainbow."""

QUANTILE = "quantile"
"""The quantile loss (Dabney et al., 2018), for a network with quantiles."""

# The field of an agent's settings beside `loss`.
_OPTIONS = "loss_options"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Munchausen:
    """Settings of Munchausen reinforcement learning (Vieillard et al., 2020).

    The paper's values are an `alpha` of 0.9 and the defaults of the other fields.

    Attributes:
      alpha: factor on the log-policy that is added to the reward; 0 for ordinary
        Q-learning, whose target is not soft either.
      temperature: temperature of the softmax policy.
      clip: lower bound of temperature times log-policy, at most 0.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    alpha: float = 0.0
    temperature: float = 0.03
    clip: float = -1.0

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.between("alpha", self.alpha, 0, 1)
        validation.above("temperature", self.temperature, 0)
        if not self.clip <= 0:
            raise validation.not_accepted("clip", self.clip, "at most 0")


NO_OPTIONS = options.Options()
"""The options of the library's own losses."""

NO_MUNCHAUSEN = Munchausen()
"""The settings of ordinary Q-learning."""


class ErrorLoss(Protocol):
    """An elementwise loss of errors; it and its gradient are finite."""

    def __call__(self, errors: jax.Array, /) -> jax.Array:
        """Computes losses.

        Args:
          errors: float32 `[B]`, target minus prediction.

        Returns:
          float32 `[B]`.
        """


class ClassificationLoss(Protocol):
    """A loss of categorical predictions of values, not negative and finite.

    So is its gradient finite. Rainbow's priorities are its square roots.
    """

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


def load(
    loss: str, loss_options: Mapping[str, Any] = NO_OPTIONS
) -> tuple[Callable[..., jax.Array], bool]:
    """Returns a loss, and whether it is a `ClassificationLoss`.

    Those of whole distributions, `C51` and `QUANTILE`, are neither.

    Args:
      loss: a name; or the import path of a function, or of a frozen dataclass whose
        instances are called and whose fields are the options.
      loss_options: the options.

    Raises:
      ValueError: if the loss cannot be imported, is neither an `ErrorLoss` nor a
        `ClassificationLoss`, or does not take such options.
    """
    if is_path(loss):
        part, of_categories = _import_outside(loss)
        return options.make(part, loss_options, f"{_OPTIONS}."), of_categories
    complete_options(loss, loss_options)
    known = (*ERROR_LOSSES, *CLASSIFICATION_LOSSES)
    validation.one_of("loss", loss, known, OUTSIDE)
    if loss in CLASSIFICATION_LOSSES:
        return CLASSIFICATION_LOSSES.get(loss), True
    return ERROR_LOSSES.get(loss), False


def is_classification(loss: str) -> bool:
    """Returns whether a loss is a `ClassificationLoss`; a named one is not imported.

    Raises:
      ValueError: if it is a path that cannot be imported, or one of no loss.
    """
    return _import_outside(loss)[1] if is_path(loss) else loss in CLASSIFICATION_LOSSES


def complete_options(loss: str, loss_options: Mapping[str, Any]) -> options.Options:
    """Returns all options of a loss, including those that keep their defaults.

    Raises:
      ValueError: if it does not take such options; names the first, and what would be
        accepted.
    """
    if is_path(loss):
        part, _ = _import_outside(loss)
        return options.complete(part, loss_options, f"{_OPTIONS}.")
    instead = "the library's own losses have none"
    return options.none_of_library(loss, loss_options, _OPTIONS, instead)


def default_options(loss: str) -> dict[str, Any]:
    """Returns the default of each option of a loss, None for one that has none.

    Raises:
      ValueError: if it is a path that cannot be imported, or one of no loss.
    """
    return options.defaults(_import_outside(loss)[0]) if is_path(loss) else {}


def _import_outside(path: str) -> tuple[Any, bool]:
    """Imports a part, and tells from its parameters whether it is of categories."""
    part = ERROR_LOSSES.get(path)
    if options.is_part(part):
        signature = options.signature(part)
        for arguments, of_categories in ((1, False), (3, True)):
            with contextlib.suppress(TypeError):
                signature.bind(*range(arguments))
                return part, of_categories
    raise validation.not_accepted(
        "loss", path, "a function of errors, or of logits, targets and atoms"
    )


def check_value_loss(
    loss: str, num_atoms: int | None, num_quantiles: int | None = None
) -> None:
    """Refuses a loss that an agent whose targets are values cannot use.

    Args:
      loss: a name, or the import path of an `ErrorLoss` or a `ClassificationLoss`.
      num_atoms: number of atoms of the network's head; None for Q-values.
      num_quantiles: number of quantiles of the network; None for none.

    Raises:
      ValueError: if there is no such loss, or it needs another network.
    """
    if (loss == QUANTILE) != (num_quantiles is not None):
        accepted = (
            "a network.num_quantiles, such as 8"
            if loss == QUANTILE
            else f"{QUANTILE!r} with network.num_quantiles"
        )
        raise validation.not_accepted("loss", loss, accepted)
    if loss == QUANTILE:
        return
    if not is_path(loss):
        known = (*ERROR_LOSSES, *CLASSIFICATION_LOSSES, QUANTILE)
        validation.one_of("loss", loss, known, OUTSIDE)
    if is_classification(loss) and num_atoms is None:
        others = ", ".join(ERROR_LOSSES)
        accepted = f"{others}, or a network.num_atoms, such as 51"
        raise validation.not_accepted("loss", loss, accepted)


def check_double(double: bool, munchausen: Munchausen) -> None:
    """Refuses double Q-learning with Munchausen targets, which select no action.

    Raises:
      ValueError: if both are asked for.
    """
    if double and munchausen.alpha:
        raise validation.not_accepted("double", True, "False with munchausen.alpha")


def check_distribution_loss(loss: str) -> None:
    """Refuses a loss that an agent with a categorical head cannot use.

    Args:
      loss: a name, or the import path of a `ClassificationLoss`.

    Raises:
      ValueError: if there is no such loss.
    """
    if not is_path(loss):
        validation.one_of("loss", loss, (C51, *CLASSIFICATION_LOSSES), OUTSIDE)
    elif not is_classification(loss):
        raise validation.not_accepted(
            "loss", loss, "a function of logits, targets and atoms"
        )
