"""The trained agent of a run: it acts, and shows its Q-values and its routing.

    agent = acme_moe.load("runs/pong")
    environment = agent.make_environment(seed=1)
    timestep = environment.reset()
    while not timestep.last():
        timestep = environment.step(agent.act(timestep.observation))

It is made from the run's folder alone and acts on the CPU, without Acme, Reverb,
TensorFlow or Launchpad.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import dm_env
import jax
import numpy as np
import tree

from acme_moe import disk, files, validation
from acme_moe.agents import acting
from acme_moe.networks import MoEOutput, ValueOutput
from acme_moe.networks.token_grid import token_grid
from acme_moe.runs.assembly import environment_spec, make_environment, params_spec
from acme_moe.runs.checkpoint import (
    Checkpoint,
    OtherStateError,
    read_checkpoint,
    run_state,
)
from acme_moe.runs.checkpoints import Checkpoints
from acme_moe.runs.config import config_json, read_config_json
from acme_moe.runs.spec import RunSpec


class NoCheckpointError(ValueError):
    """There is no checkpoint where one was looked for."""


class Choice(NamedTuple):
    """The action that an agent chose, with its Q-values and its routing.

    Attributes:
      action: the action.
      q_values: `float32 [actions]`; with a categorical head, the expected values.
      routing: output of the mixture of experts; None in a network without one. A
        `MoEOutput` of numpy arrays without the batch axis: `dispatch_weights` and
        `combine_weights` are `[tokens, experts, slots]`, `load` is `[experts]`.
      features: `float32 [F]`, the input of the network's last layer; in a network with
        quantiles, of the first.
    """

    action: int
    q_values: np.ndarray
    routing: MoEOutput | None
    features: np.ndarray


class _Params(NamedTuple):
    """The part of a `TrainingState` that acting needs, by its name there."""

    params: Any


class TrainedAgent:
    """An agent as its run evaluates it: epsilon-greedy, the network's noise off.

    An agent with a memory sees one episode after the other: `reset` starts the next.
    Only `act` and `choose` advance its memory; `q_values` and `routing` return what
    `choose` would return for the same observation now.

    Attributes:
      spec: the run, with the agent's settings in `spec.agent`.
      checkpoint: where the parameters come from; its `counts` are the run's by then.
      network: the agent's network.
      params: the network's parameters, on the CPU.
      environment_spec: spec of the run's environments.
    """

    def __init__(
        self,
        spec: RunSpec,
        checkpoint: Checkpoint,
        *,
        seed: int = 0,
        epsilon: float | None = None,
    ) -> None:
        """Loads the parameters, and starts an episode; compiles nothing yet.

        Args:
          spec: the run.
          checkpoint: one of its checkpoints.
          seed: seed of the policy's draws.
          epsilon: probability of a random action; None for the run's
            `evaluation_epsilon`.

        Raises:
          OtherStateError: if the checkpoint's parameters are not of the run's network.
          ValueError: if `epsilon` is not between 0 and 1.
        """
        if epsilon is None:
            epsilon = spec.agent.evaluation_epsilon
        validation.between("epsilon", epsilon, 0, 1)
        self.spec = spec
        self.checkpoint = checkpoint
        self.environment_spec = environment_spec(spec)
        self.network = network = spec.agent.make_network(
            self.environment_spec.actions.num_values
        )
        params = params_spec(network, self.environment_spec.observations)
        # Arrays that are committed to the CPU keep all of the computation there.
        self._cpu = jax.local_devices(backend="cpu")[0]
        self.params = jax.device_put(_load_params(checkpoint, params), self._cpu)
        self._key = jax.device_put(jax.random.PRNGKey(seed), self._cpu)
        self._decide = _jit(network, epsilon)
        self.reset()

    def __repr__(self) -> str:
        run = self.spec.run
        return f"<{run.agent} on {run.game}, {self.checkpoint.path}>"

    def reset(self) -> None:
        """Starts an episode: an agent with a memory forgets the last one."""
        self._key, key = jax.random.split(self._key)
        self._state = jax.device_put(acting.initial_state(self.network, key), self._cpu)

    def choose(self, observation: Any) -> Choice:
        """Acts as `act` does; returns Q-values, routing and features, at no extra cost.

        Args:
          observation: one, as the run's environment gives it.

        Raises:
          ValueError: if it is not what `environment_spec.observations` says.
        """
        action, output, self._state = self._look(observation)
        return Choice(
            int(action),
            np.asarray(output.q_values),
            _to_numpy(output.moe),
            np.asarray(output.features, np.float32),
        )

    def act(self, observation: Any) -> int:
        """Returns the action for an observation. Argument and error as of `choose`."""
        action, _, self._state = self._look(observation)
        return int(action)

    def q_values(self, observation: Any) -> np.ndarray:
        """Returns `float32 [actions]` without acting; see `Choice.q_values`."""
        return np.asarray(self._look(observation)[1].q_values)

    def routing(self, observation: Any) -> MoEOutput | None:
        """Returns what the mixture does, without acting; see `Choice.routing`."""
        return _to_numpy(self._look(observation)[1].moe)

    def token_grid(self) -> tuple[int, int]:
        """Returns the rows and columns in which the mixture's tokens lie.

        A token's number counts them row by row, from the upper left of the picture.

        Raises:
          NoTokenGridError: if they are no places of the picture; says why.
        """
        seen = self.environment_spec.observations
        if self.spec.agent.wants_action_and_reward:
            seen = seen.observation
        return token_grid(self.network.config, seen)

    def make_environment(self, seed: int = 0) -> dm_env.Environment:
        """Makes an environment as the run evaluates in, whose episodes are whole games.

        Args:
          seed: seed of the emulator.
        """
        return make_environment(self.spec, seed, evaluation=True)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the settings and the parameters alone, for `load` to read anywhere.

        The result is a run's folder without replay, optimiser state and logs, so it
        cannot be trained further: four bytes per parameter, and some text.

        Args:
          path: path of the folder, which is made.

        Raises:
          DiskError: if it cannot be written, or there is anything at `path` already.
        """
        path = Path(path)
        with disk.writing(path):
            path.mkdir(parents=True)
        files.write_text(path / "config.json", config_json(self.spec))
        Checkpoints(path / "checkpoints", kept=1).save(
            self.spec.position(run_state(self.checkpoint)),
            _Params(self.params),
            self.checkpoint.counts,
            replay=(),
        )

    def _look(self, observation: Any) -> tuple[Any, ValueOutput, acting.ActingState]:
        expected = self.environment_spec.observations
        try:
            observation = tree.map_structure(
                _as_specified, expected, observation, check_types=False
            )
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"observation: {_describe(observation)} is not accepted; "
                f"{_describe(expected)}"
            ) from error
        return self._decide(self.params, observation, self._state)


def load(
    path: str | os.PathLike[str], *, seed: int = 0, epsilon: float | None = None
) -> TrainedAgent:
    """Loads the agent of a run in one process, in many, or on fixed data.

    Args:
      path: the run's folder, whose newest whole checkpoint is taken, or one of its
        checkpoints. Neither is changed, so the run may still be training.
      seed: seed of the policy's draws.
      epsilon: probability of a random action; None for the run's `evaluation_epsilon`.

    Raises:
      ValueError: if `epsilon` is not between 0 and 1.
      NoCheckpointError: if it is neither; says what would be accepted.
      DamagedCheckpointError: if the checkpoint, or each of the run's, is damaged.
      OtherStateError: if the checkpoint's parameters are not of the run's network, as
        after a run with a builder of your own.
    """
    spec, checkpoint = find_checkpoint(Path(path))
    while True:
        try:
            return TrainedAgent(spec, checkpoint, seed=seed, epsilon=epsilon)
        except FileNotFoundError:
            # A run under way drops old checkpoints once it has written a new one.
            dropped = checkpoint.path
            spec, checkpoint = find_checkpoint(Path(path))
            if checkpoint.path == dropped:
                raise


def find_checkpoint(path: Path) -> tuple[RunSpec, Checkpoint]:
    """Finds a checkpoint and its run. Argument as of `load`.

    Does not check that the parameters fit the run's network. Of replay's files, which
    may be gigabytes, checks only that they exist, and their sizes.

    Raises:
      NoCheckpointError: if there is none.
      DamagedCheckpointError: if the checkpoint, or each of the run's, is damaged.
      ValueError: if the run's `config.json` is not one.
    """
    checkpoints = path / "checkpoints"
    if (path / "manifest.json").is_file():
        run = path.resolve().parent.parent
        checkpoint = read_checkpoint(path, compare_replay=False)
    elif checkpoints.is_dir():
        latest = Checkpoints(checkpoints).latest(compare_replay=False)
        if latest is None:
            raise NoCheckpointError(
                f"{path} holds no checkpoint yet; a run writes its first after "
                "checkpoint_every_minutes, when it is stopped, or at its end"
            )
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


def _load_params(checkpoint: Checkpoint, template: Any) -> Any:
    try:
        return checkpoint.load_state(_Params(template)).params
    except OtherStateError as error:
        raise OtherStateError(
            f"{error}; accepted: parameters of the network that the run's config.json "
            "describes, which a builder of one's own may have had another of"
        ) from error


def _jit(network: Any, epsilon: float) -> Any:
    """Compiles `(params, observation, state) -> Decision`, without activations."""

    @jax.jit
    def decide(
        params: Any, observation: Any, state: acting.ActingState
    ) -> acting.Decision:
        decision = acting.decide(
            network, params, epsilon, observation, state, evaluation=True
        )
        return decision._replace(output=decision.output._replace(activations={}))

    return decide


def _to_numpy(moe: MoEOutput | None) -> MoEOutput | None:
    return jax.tree.map(np.asarray, moe)


def _as_specified(spec: Any, value: Any) -> np.ndarray:
    """Returns an array of the spec's dtype.

    Raises:
      ValueError: if the shape is another, or the dtype of another kind: `uint8` images
        are scaled by the network, floats are not.
    """
    array = np.asarray(value)
    if array.shape != spec.shape or not np.can_cast(
        array.dtype, spec.dtype, "same_kind"
    ):
        raise ValueError(f"{_describe(value)}, not {_describe(spec)}")
    return array.astype(spec.dtype, copy=False)


def _describe(nest: Any) -> str:
    """Says what arrays or specs a nest is of, such as `uint8 [84, 84, 4]`."""

    def describe(leaf: Any) -> str:
        leaf = leaf if hasattr(leaf, "shape") else np.asarray(leaf)
        return f"{leaf.dtype} {list(leaf.shape)}"

    described = tree.map_structure(describe, nest)
    return described if isinstance(described, str) else repr(described)
