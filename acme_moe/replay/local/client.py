"""A replay in the process: no server, no port, no thread, no TensorFlow."""

from __future__ import annotations

import json
import shutil
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from acme_moe.replay.interface import TableSettings
from acme_moe.replay.local.table import Table
from acme_moe.replay.local.writer import LocalWriter

_DESCRIPTION = "replay.json"
_ARRAYS = "replay.npz"


class LocalReplay:
    """A table in the process, whose samples are determined by a seed.

    It is a `ReplayClient`: adders, samplers and checkpoints use it as they use a
    `reverb.Client`. What is sampled depends only on the seed, on what was written, and
    on the order of writing and sampling.

    Attributes:
      table: the table, for what a `reverb.Client` does in another way.
    """

    def __init__(
        self, settings: TableSettings, seed: int, folder: Path | None = None
    ) -> None:
        """Makes an empty table.

        Args:
          settings: settings of the table; keeping its ratio is left to the caller.
          seed: seed of the samples.
          folder: folder that checkpoints are written into.
        """
        self._folder = folder
        self.table = Table(settings, np.random.Generator(np.random.PCG64(seed)))

    def trajectory_writer(
        self, num_keep_alive_refs: int, *, validate_items: bool = True
    ) -> LocalWriter:
        """Makes a writer whose items span at most `num_keep_alive_refs` rows."""
        del validate_items
        return LocalWriter(self.table, num_keep_alive_refs)

    def mutate_priorities(self, table: str, updates: Mapping[int, float]) -> None:
        """Sets priorities by the items' keys; ignores keys of items that are gone."""
        del table
        self.table.set_priorities(
            np.fromiter(updates.keys(), np.uint64, len(updates)),
            np.fromiter(updates.values(), np.float64, len(updates)),
        )

    def server_info(self) -> Mapping[str, Any]:
        """Describes the table, by its name."""
        info = types.SimpleNamespace(current_size=len(self.table))
        return {self.table.settings.name: info}

    @property
    def bytes_per_item(self) -> float:
        """Memory that an item takes, measured."""
        return self.table.nbytes / max(1, len(self.table))

    def checkpoint(self) -> str:
        """Writes what replay holds to a folder, whose path it returns.

        It includes the rows of open episodes, and only the adders know which these are.
        """
        assert self._folder is not None, "made without a folder"
        path = self._folder / "written"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        description, arrays = self.table.state()
        np.savez(path / _ARRAYS, **arrays)
        (path / _DESCRIPTION).write_text(json.dumps(description) + "\n")
        return str(path)

    def restore(self, path: Path) -> None:
        """Takes what `checkpoint` wrote.

        Raises:
          ValueError: if it is not a checkpoint of such a replay.
        """
        try:
            description = json.loads((path / _DESCRIPTION).read_text())
            with np.load(path / _ARRAYS, allow_pickle=False) as arrays:
                self.table.restore(description, arrays)
        except Exception as error:
            # Errors of zip files, zlib, NumPy and of what it is given have no common
            # base.
            raise ValueError(
                f"{path}: is no replay of this run ({type(error).__name__}: {error})"
            ) from error
