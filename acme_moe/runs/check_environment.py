"""Checks of an environment: whether agents, replay and films can rely on it.

What it has to provide is described in `acme_moe.environments.suite.Suite`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import dm_env
import numpy as np
import tree

from acme_moe.checks import Result, attempt, require
from acme_moe.environments import UnplayableError
from acme_moe.runs.assembly import environment_spec, make_environment, params_spec
from acme_moe.runs.spec import RunSpec
from acme_moe.specs import StackedFrames

_STEPS = 500


@dataclasses.dataclass(frozen=True)
class _Played:
    """A number of steps with random actions.

    Attributes:
      timesteps: as the environment returned them; it may have overwritten their
        observations since.
      observations: copies of the observations, made at once.
      seconds: time that all steps took.
    """

    timesteps: list[dm_env.TimeStep]
    observations: list[Any]
    seconds: float


def check(spec: RunSpec) -> Iterator[Result]:
    """Checks the environment of a run.

    Args:
      spec: the run.

    Yields:
      Results, in turn; only the first if the environment cannot be played at all.
    """
    played: list[_Played] = []
    result = attempt("it is played", functools.partial(_play_twice, spec, played))
    yield result
    if result.failed:
        return
    one, other = played
    for name, found in (
        ("values are as specified", lambda: _values(spec, one)),
        ("episodes begin and end", lambda: _episodes(one)),
        ("observations are kept", lambda: _kept(one)),
        ("a seed is a game", lambda: _seeded(one, other)),
        ("stacked frames", lambda: _stacked(spec, one)),
    ):
        yield attempt(name, found)
    yield attempt("network", lambda: _network(spec), "note")
    yield attempt("pictures", lambda: _pictures(spec), "note")
    steps = len(one.timesteps)
    yield Result("cost", "note", f"{one.seconds / steps * 1e6:,.0f} us a step")


def _play_twice(spec: RunSpec, played: list[_Played]) -> str:
    played.extend(_play(spec, seed=3) for _ in range(2))
    actions = environment_spec(spec).actions.num_values
    return f"{spec.run.game}, {actions} actions, {_STEPS} steps"


def _play(spec: RunSpec, seed: int) -> _Played:
    environment = make_environment(spec, seed)
    rng = np.random.default_rng(0)
    actions = environment.action_spec().num_values
    timesteps: list[dm_env.TimeStep] = []
    observations = []
    start = time.perf_counter()
    for _ in range(_STEPS):
        if not timesteps or timesteps[-1].last():
            timesteps.append(environment.reset())
        else:
            timesteps.append(environment.step(np.int32(rng.integers(actions))))
        observations.append(
            tree.map_structure(np.array, timesteps[-1].observation)  # Copies.
        )
    seconds = time.perf_counter() - start
    environment.close()
    return _Played(timesteps, observations, seconds)


def _values(spec: RunSpec, played: _Played) -> str:
    specified = environment_spec(spec)
    observations = specified.observations
    validate_observation = functools.partial(_validate, "an observation")
    for observation in played.observations:
        tree.map_structure(validate_observation, observations, observation)
    for timestep in played.timesteps:
        if not timestep.first():
            _validate("a reward", specified.rewards, timestep.reward)
            _validate("a discount", specified.discounts, timestep.discount)
            require(np.shape(timestep.reward) == (), "a reward is no single number")
            good = np.shape(timestep.discount) == () and 0 <= timestep.discount <= 1
            require(good, f"a discount is {timestep.discount}, not in [0, 1]")
    shapes = [f"{x.dtype} {list(x.shape)}" for x in tree.flatten(observations)]
    return f"observations {', '.join(shapes)}"


def _validate(what: str, spec: Any, value: Any) -> None:
    """Refuses a value that is not of its spec, or not finite: it would end a run."""
    array = np.asarray(value, getattr(value, "dtype", spec.dtype))
    spec.validate(array)
    require(bool(np.isfinite(array).all()), f"{what} is not finite")


def _episodes(played: _Played) -> str:
    begins = True
    for timestep in played.timesteps:
        kind = timestep.step_type
        require(
            timestep.first() == begins,
            f"a step is {kind!r} where an episode "
            + ("begins" if begins else "goes on"),
        )
        begins = timestep.last()
    ends = sum(timestep.last() for timestep in played.timesteps)
    steps = len(played.timesteps)
    return f"{ends} ended in {steps} steps of random play"


def _kept(played: _Played) -> str:
    for timestep, copy in zip(played.timesteps, played.observations, strict=True):
        require(
            _equal(timestep.observation, copy),
            "one changes after it was given: each step needs an array of its own",
        )
    return "none changes after it was given"


def _seeded(one: _Played, other: _Played) -> str:
    for x, y in zip(one.timesteps, other.timesteps, strict=True):
        require(
            x.step_type == y.step_type and x.reward == y.reward,
            "the same seed and actions give another game",
        )
    for number, (a, b) in enumerate(
        zip(one.observations, other.observations, strict=True)
    ):
        require(
            _equal(a, b),
            f"the same seed and actions give another observation at step {number}",
        )
    return "the same seed and actions give the same"


def _equal(one: Any, other: Any) -> bool:
    return all(
        np.array_equal(x, y, equal_nan=True)
        for x, y in zip(tree.flatten(one), tree.flatten(other), strict=True)
    )


def _stacked(spec: RunSpec, played: _Played) -> str:
    leaves = tree.flatten(environment_spec(spec).observations)
    stacks = [i for i, leaf in enumerate(leaves) if isinstance(leaf, StackedFrames)]
    if not stacks:
        return "none: it is stored as it is, and cannot be recorded for offline agents"
    for index in stacks:
        before = None
        for timestep, nest in zip(played.timesteps, played.observations, strict=True):
            seen = tree.flatten(nest)[index]
            if timestep.first():
                blank = not seen[..., :-1].any()
                require(blank, "the first is not zero but for its newest frame")
            else:
                assert before is not None
                moved = np.array_equal(seen[..., :-1], before[..., 1:])
                require(moved, "one is not the one before it moved by a frame")
            before = seen
    return "each is the one before it moved by a frame"


def _network(spec: RunSpec) -> str:
    specified = environment_spec(spec)
    network = spec.agent.make_network(specified.actions.num_values)
    try:
        params_spec(network, specified.observations)
    except Exception as error:
        first, *_ = str(error).strip().splitlines() or [type(error).__name__]
        return f"that of the config does not take them: {first}"
    return "that of the config takes them"


def _pictures(spec: RunSpec) -> str:
    environment: Any
    with contextlib.closing(make_environment(spec, 0)) as environment:
        render: Callable[[], Any] | None = getattr(environment, "render", None)
        if not callable(render):
            return "none: it has no render(), and is not filmed"
        environment.reset()
        try:
            picture = render()
        except UnplayableError as error:  # It lacks a package for it.
            return f"none: {error}"
    good = (
        isinstance(picture, np.ndarray)
        and picture.dtype == np.uint8
        and picture.ndim == 3
        and picture.shape[-1] == 3
    )
    found = f"{getattr(picture, 'dtype', type(picture).__name__)}"
    require(good, f"{found} {list(np.shape(picture))}, not uint8 [height, width, 3]")
    return f"uint8 {list(picture.shape)}"
