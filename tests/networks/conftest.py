import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def quick_compilation():
    """These programs run once, so that optimising them takes longer than it saves."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
