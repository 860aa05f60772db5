"""Value-based Acme agents whose penultimate layer is a mixture of experts.

`load` gives the trained agent of a run.
"""

import importlib.abc
import sys
from typing import TYPE_CHECKING, Any

from acme_moe import deferred, lazy

if TYPE_CHECKING:
    from acme_moe.runs.trained import load

__all__ = ["load"]


class _BeforeAcme(importlib.abc.MetaPathFinder):
    """Import hook that restores the names dm-acme needs when dm-acme is imported.

    Not earlier: restoring them imports JAX, and a `--help` would have to wait for it.
    """

    def find_spec(self, fullname: str, *_: Any) -> None:
        """Finds nothing itself."""
        # Not `acme` alone, which may have been there before this package.
        if fullname.partition(".")[0] == "acme":
            from acme_moe import _compat as _compat


deferred.install()
sys.meta_path.insert(0, _BeforeAcme())

__getattr__ = lazy.attributes(__name__, {"load": "acme_moe.runs.trained"})
