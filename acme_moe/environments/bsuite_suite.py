"""The suite of bsuite's two environments here; imports them when one is made."""

from __future__ import annotations

import dataclasses

from acme_moe import lazy, validation
from acme_moe.environments.suite import EnvironmentConfig, Suite


@dataclasses.dataclass(frozen=True)
class BsuiteConfig(EnvironmentConfig):
    """Settings of bsuite's environments.

    Attributes:
      name: name of the suite.
      catch_rows: number of rows of Catch's board.
      catch_columns: number of columns of Catch's board.
      catch_image: whether Catch shows an image, which can be recorded for offline
        agents, or a matrix of 0 and 1.

    Raises:
      ValueError: names the first field with a bad value, and what is accepted.
    """

    name: str = dataclasses.field(default="bsuite", kw_only=True)
    catch_rows: int = 10
    catch_columns: int = 5
    catch_image: bool = False

    def __post_init__(self) -> None:
        validation.check_types(self)
        validation.at_least("catch_rows", self.catch_rows, 2)
        validation.at_least("catch_columns", self.catch_columns, 1)


SUITE = Suite(
    config_class=BsuiteConfig,
    make=lazy.function("acme_moe.environments.bsuite", "make"),
    default_game="Catch",
    games=("CartPole", "Catch"),
)
