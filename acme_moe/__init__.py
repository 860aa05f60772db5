"""Value-based Acme agents whose penultimate layer is a mixture of experts."""

from acme_moe import _compat as _compat
