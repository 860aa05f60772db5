"""A tokenizer: one token for each row of the feature map, or for several of them."""

import dataclasses

import jax

from acme_moe import validation


@dataclasses.dataclass(frozen=True)
class Rows:
    """One token for each band of rows.

    Attributes:
      height: rows of a band; rows at the bottom that do not fill one are left out.
    """

    height: int = 1

    def __post_init__(self) -> None:
        validation.at_least("height", self.height, 1)

    def __call__(self, features: jax.Array) -> jax.Array:
        """Splits `[B, H, W, C]` into `[B, H // height, height * W * C]`."""
        batch, rows = features.shape[:2]
        bands = rows // self.height
        return features[:, : bands * self.height].reshape(batch, bands, -1)

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Returns rows and columns of tokens, for videos: one column of bands."""
        del width
        return height // self.height, 1
