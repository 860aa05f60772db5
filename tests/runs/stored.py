"""Folders of runs that were never run, with a checkpoint of first parameters."""

import jax
import numpy as np
import optax

from acme_moe import learning
from acme_moe.runs import config as config_lib
from acme_moe.runs.assembly import Parts
from acme_moe.runs.checkpoints import Checkpoints


def store(spec, workdir, seed=0, position=0):
    """Makes a run's folder with one checkpoint more; returns the checkpoint."""
    parts = Parts(spec)
    blank = jax.tree.map(
        lambda x: np.zeros((1, *x.shape), x.dtype), parts.environment_spec.observations
    )
    key = jax.random.PRNGKey(seed)
    params = jax.jit(parts.network.init)(key, blank)
    state = learning.init_training_state(params, optax.sgd(0.1), key)
    workdir.mkdir(exist_ok=True)
    (workdir / "config.json").write_text(config_lib.config_json(spec))
    state = jax.tree.map(np.asarray, state)
    checkpoints = Checkpoints(workdir / "checkpoints", kept=1)
    return checkpoints.save(position, state, {}, [])
