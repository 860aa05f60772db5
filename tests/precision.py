"""Float64 in tests, on any JAX."""

import jax

# Later releases than 0.6 have it under its new name only.
if hasattr(jax, "enable_x64"):
    enable_x64 = jax.enable_x64
else:
    enable_x64 = jax.experimental.enable_x64
