"""Settings that every test shares."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Compiling, not running, takes most of the time of these small programs.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# Before any module of Acme: it puts back what release 0.4.0 needs of JAX and NumPy.
import acme_moe  # noqa: F401
