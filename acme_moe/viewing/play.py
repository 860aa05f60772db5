"""Lets the agent of a checkpoint play, and shows what it sees in each observation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from acme import core, specs

from acme_moe.learning import ActingVariables
from acme_moe.networks import Network, NetworkConfig, RecurrentNetwork
from acme_moe.runs.assembly import Parts, make_environment
from acme_moe.runs.checkpoints import Checkpoint, Checkpoints, read_checkpoint
from acme_moe.runs.config import read_config_json
from acme_moe.runs.spec import RunSpec

# Tokenizers whose tokens are places of the observation.
_PLACES = ("per_conv", "patches_conv", "patches_pool")


class NoCheckpointError(ValueError):
    """There is no checkpoint where one was looked for."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision of an agent.

    Attributes:
      screen: `uint8 [height, width, 3]`, the emulator's in colour.
      action: what the agent does.
      action_names: of all actions.
      q_values: `float32 [actions]`.
      dispatch: `float32 [rows, columns, experts]`, the dispatch weights of the tokens
        at their places, summed over the slots of each expert; None where there is no
        mixture, or its tokens are no places.
      moe: the kind of mixture, a value of `NetworkConfig.moe`.
      episode_return: so far, of unclipped rewards.
    """

    screen: np.ndarray
    action: int
    action_names: Sequence[str]
    q_values: np.ndarray
    dispatch: np.ndarray | None
    moe: str
    episode_return: float


def find_checkpoint(path: Path) -> tuple[RunSpec, Checkpoint]:
    """Finds a checkpoint and the run that it is of.

    Args:
      path: of a run's folder, whose newest whole checkpoint is taken, or of one of its
        checkpoints. Neither is changed, so the run may still be training.

    Raises:
      NoCheckpointError: if it is neither; says what would be accepted.
      DamagedCheckpointError: if the checkpoint, or each of the run's, is damaged.
    """
    checkpoints = path / "checkpoints"
    if (path / "manifest.json").is_file():
        run, checkpoint = path.resolve().parent.parent, read_checkpoint(path)
    elif checkpoints.is_dir():
        latest = Checkpoints(checkpoints, kept=1, owner=False).latest()
        if latest is None:
            raise NoCheckpointError(f"{path} holds no checkpoint yet")
        run, checkpoint = path, latest
    else:
        raise NoCheckpointError(
            f"{path} holds no checkpoint; accepted: the folder of a run, such as "
            "runs/pong, or of one checkpoint, such as "
            "runs/pong/checkpoints/000000250000"
        )
    config = run / "config.json"
    if not config.is_file():
        raise NoCheckpointError(
            f"{path} is of no run: there is no {config} with its settings"
        )
    return read_config_json(config), checkpoint


class _Stored(NamedTuple):
    """The part of a `TrainingState` that acting needs, by the same names."""

    params: Any
    steps: Any
    max_priority: Any


class _SavedVariables(core.VariableSource):
    """Serves what actors need from a checkpoint."""

    def __init__(self, variables: ActingVariables) -> None:
        self._variables = variables

    def get_variables(self, names: Sequence[str]) -> list[ActingVariables]:
        """Returns the same for each name."""
        return [self._variables for _ in names]


# (params, observation, state) -> q_values, dispatch weights `[m, experts]`, state
_Look = Callable[[Any, Any, Any], tuple[jax.Array, jax.Array | None, Any]]


def play(
    run_spec: RunSpec,
    checkpoint: Checkpoint,
    *,
    episodes: int = 1,
    max_steps: int | None = None,
    seed: int = 0,
) -> Iterator[Decision]:
    """Plays whole games with the evaluation policy.

    Args:
      run_spec: the run.
      checkpoint: of the run.
      episodes: how many.
      max_steps: agent steps after which playing ends, in all episodes together.
      seed: of the emulator and of the policy.

    Yields:
      Each decision, before what comes of it.
    """
    environment = make_environment(run_spec, seed, evaluation=True)
    try:
        parts = Parts(run_spec)
        network = parts.network
        variables = _load(checkpoint, network, parts.environment_spec)
        policy_key, look_key = jax.random.split(jax.random.PRNGKey(seed))
        actor = parts.make_evaluator(policy_key, _SavedVariables(variables))
        actor.update(wait=True)
        look, start = _make_look(network, look_key)
        steps = 0
        for _ in range(episodes):
            timestep = environment.reset()
            actor.observe_first(timestep)
            state = start
            while not timestep.last():
                if steps == max_steps:
                    return
                action = actor.select_action(timestep.observation)
                q_values, weights, state = look(
                    variables.params, timestep.observation, state
                )
                yield Decision(
                    screen=environment.render(),
                    action=int(action),
                    action_names=environment.action_names,
                    q_values=np.asarray(q_values),
                    dispatch=_at_places(network.config, weights),
                    moe=network.config.moe,
                    episode_return=environment.episode_return,
                )
                timestep = environment.step(action)
                actor.observe(action, timestep)
                steps += 1
    finally:
        environment.close()


def _load(
    checkpoint: Checkpoint,
    network: Network | RecurrentNetwork,
    spec: specs.EnvironmentSpec,
) -> ActingVariables:
    observations = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct((1, *x.shape), x.dtype), spec.observations
    )
    params = jax.eval_shape(network.init, jax.random.PRNGKey(0), observations)
    stored = checkpoint.load_state(_Stored(params, 0, 0))
    return ActingVariables(stored.params, stored.steps, stored.max_priority)


def _make_look(
    network: Network | RecurrentNetwork, key: jax.Array
) -> tuple[_Look, Any]:
    """Makes what shows the network's output, and its state at an episode's start."""

    @jax.jit
    def look(
        params: Any, observation: Any, state: Any
    ) -> tuple[jax.Array, jax.Array | None, Any]:
        batch = jax.tree.map(lambda x: jnp.asarray(x)[None], observation)
        if isinstance(network, RecurrentNetwork):
            output, state = network.apply(params, key, batch, state, evaluation=True)
        else:
            output = network.apply(params, key, batch, evaluation=True)
        moe = output.moe
        weights = None if moe is None else moe.dispatch_weights[0].sum(axis=-1)
        return output.q_values[0], weights, state

    if isinstance(network, RecurrentNetwork):
        return look, network.initial_state(1)
    return look, ()


def _at_places(config: NetworkConfig, weights: jax.Array | None) -> np.ndarray | None:
    """Weights `[tokens, experts]` as `[rows, columns, experts]`, if there are any."""
    images = config.encoder != "mlp" and config.variant == "regular"
    if weights is None or not images or config.tokenizer not in _PLACES:
        return None
    side = math.isqrt(weights.shape[0])  # Frames are square, and so are encodings.
    return np.asarray(weights).reshape(side, side, -1)
