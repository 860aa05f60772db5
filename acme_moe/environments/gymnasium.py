"""Environments of Gymnasium, by their ids, as `dm_env`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from dm_env import specs

from acme_moe.environments.discrete import DiscreteEnvironment
from acme_moe.environments.suite import UnplayableError
from acme_moe.environments.wrappers import single

if TYPE_CHECKING:
    from acme_moe.environments.gymnasium_suite import GymnasiumConfig

_RENDER_MODE = "rgb_array"


class GymnasiumEnvironment(DiscreteEnvironment):
    """An environment with discrete actions, counted from 0 whatever its own first is.

    Observations are what the environment gives, with 64 bits cast to 32: arrays, and
    dictionaries and tuples of them. A `Discrete` or `MultiDiscrete` part is one-hot,
    `float32`; a `MultiBinary` part is `float32` too. Rewards are not clipped. A
    truncated episode ends with discount 1.
    """

    def __init__(self, environment: Any, seed: int) -> None:
        """Starts no episode yet.

        Args:
          environment: a `gymnasium.Env`.
          seed: seed of its first `reset`; later ones continue the same random stream.

        Raises:
          UnplayableError: if its actions are not discrete, or an observation is of a
            kind of space that is not known here.
        """
        self._environment = environment
        self._seed: int | None = seed
        actions = environment.action_space
        if type(actions).__name__ != "Discrete":
            raise UnplayableError(
                f"game: its actions are {actions}; discrete actions are accepted"
            )
        self._first_action = int(actions.start)
        super().__init__(int(actions.n))
        self._observation_spec = _spec(environment.observation_space)

    def _start(self) -> Any:
        observation, _ = self._environment.reset(seed=self._seed)
        self._seed = None
        return self._convert(observation)

    def _move(self, action: int) -> tuple[Any, float, bool, bool]:
        observation, reward, terminated, truncated, _ = self._environment.step(
            action + self._first_action
        )
        return self._convert(observation), reward, terminated, truncated

    def _convert(self, observation: Any) -> Any:
        return _value(self._environment.observation_space, observation)

    def observation_spec(self) -> Any:
        """Returns the specs of observations, nested as they are."""
        return self._observation_spec

    def close(self) -> None:
        """Closes the environment."""
        self._environment.close()


class RenderedGymnasiumEnvironment(GymnasiumEnvironment):
    """A `GymnasiumEnvironment` that also renders pictures."""

    def render(self) -> np.ndarray:
        """Returns a picture, `uint8 [height, width, 3]`.

        Raises:
          UnplayableError: if a package that rendering needs is not installed.
        """
        import gymnasium

        try:
            return np.asarray(self._environment.render(), np.uint8)
        except gymnasium.error.DependencyNotInstalled as error:
            raise UnplayableError(f"game: cannot be rendered ({error})") from error


def make(game: str, seed: int, config: GymnasiumConfig) -> GymnasiumEnvironment:
    """Makes the environment of an id.

    Args:
      game: the id, `CartPole-v1`, or `my_module:MyEnv-v0` to import a module first.
      seed: seed of the environment.
      config: its settings.

    Raises:
      UnplayableError: if Gymnasium is not installed, or cannot make it.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise UnplayableError(
            "environment.name: 'gymnasium' needs the package gymnasium; "
            "pip install 'gymnasium>=1.0'"
        ) from error
    options: dict[str, Any] = {}
    if config.max_episode_steps is not None:
        options["max_episode_steps"] = config.max_episode_steps
    try:
        environment = gymnasium.make(game, **options)
        if _RENDER_MODE in environment.metadata.get("render_modes", ()):
            # First, as it may hold what only one can, such as a port.
            environment.close()
            try:
                rendered = gymnasium.make(game, render_mode=_RENDER_MODE, **options)
                return RenderedGymnasiumEnvironment(rendered, seed)
            except TypeError:
                # It names a mode that its constructor does not take.
                environment = gymnasium.make(game, **options)
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        raise UnplayableError(f"game: {game!r} cannot be made ({error})") from error
    return GymnasiumEnvironment(environment, seed)


# Spaces are recognised by their classes' names, so that this does not import Gymnasium.
def _spec(space: Any, name: str = "observation") -> Any:
    """Returns the spec, or nest of specs, of a space."""
    match type(space).__name__:
        case "Dict":
            return {key: _spec(part, str(key)) for key, part in space.spaces.items()}
        case "Tuple":
            return tuple(_spec(part, name) for part in space.spaces)
        case "Box":
            low, high = single(space.low), single(space.high)
            return specs.BoundedArray(space.shape, low.dtype, low, high, name)
        case "MultiBinary":
            return specs.BoundedArray(space.shape, np.float32, 0, 1, name)
        case "Discrete":
            return specs.BoundedArray((int(space.n),), np.float32, 0, 1, name)
        case "MultiDiscrete":
            width = int(np.sum(space.nvec))
            return specs.BoundedArray((width,), np.float32, 0, 1, name)
        case other:
            raise UnplayableError(
                f"game: its observations have a part in the space {other}; Box, Dict, "
                "Discrete, MultiBinary, MultiDiscrete and Tuple are accepted"
            )


def _value(space: Any, value: Any) -> Any:
    """Converts a value of a space to what `_spec` describes, in new arrays."""
    match type(space).__name__:
        case "Dict":
            return {key: _value(part, value[key]) for key, part in space.spaces.items()}
        case "Tuple":
            pairs = zip(space.spaces, value, strict=True)
            return tuple(_value(part, of_part) for part, of_part in pairs)
        case "Box":
            return single(np.array(value, space.dtype))
        case "MultiBinary":
            return np.array(value, np.float32)
        case "Discrete":
            return _one_hot(int(value) - int(space.start), int(space.n))
    starts = np.zeros_like(space.nvec)
    offsets = np.asarray(value) - getattr(space, "start", starts)
    pairs = zip(offsets.ravel(), space.nvec.ravel(), strict=True)
    return np.concatenate([_one_hot(int(index), int(size)) for index, size in pairs])


def _one_hot(index: int, size: int) -> np.ndarray:
    encoded = np.zeros(size, np.float32)
    encoded[index] = 1
    return encoded
