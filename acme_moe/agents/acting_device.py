"""The device that a policy runs on, and parameters there."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from acme import core

_TIMED_CALLS = 20


class NoAcceleratorError(ValueError):
    """The policy is to act on an accelerator, and JAX has none."""


def candidates(device: str) -> list[jax.Device]:
    """Returns the devices that the settings allow, the CPU first.

    Args:
      device: the setting `acting.device`: `auto`, `cpu` or `accelerator`.

    Raises:
      NoAcceleratorError: if an accelerator is asked for and JAX has none.
    """
    cpu, learners = jax.local_devices(backend="cpu")[0], jax.local_devices()[0]
    if device == "cpu":
        return [cpu]
    if learners.platform == "cpu":
        if device == "accelerator":
            raise NoAcceleratorError(
                f"acting.device: {device!r} is not accepted; cpu or auto, for "
                "JAX finds no accelerator"
            )
        return [cpu]
    return [learners] if device == "accelerator" else [cpu, learners]


class Choice(NamedTuple):
    """Where the policy runs, and why.

    Attributes:
      device: the device that was chosen.
      seconds: time that a call of the policy takes on each device; empty if there was
        nothing to choose from.
    """

    device: jax.Device
    seconds: Mapping[jax.Device, float]

    def __str__(self) -> str:
        times = ", ".join(
            f"{1e3 * time:.2f} ms on {device.platform}"
            for device, time in self.seconds.items()
        )
        return f"the policy acts on {self.device.platform}" + (times and f" ({times})")


def choose(
    devices: Sequence[jax.Device], make_call: Callable[[jax.Device], Callable[[], Any]]
) -> Choice:
    """Chooses the device on which a call takes least time, the median of several.

    Args:
      devices: devices to choose from; if there is only one, nothing is measured.
      make_call: returns, for a device, a function that makes one call there and waits
        for its result.
    """
    if len(devices) == 1:
        return Choice(devices[0], {})
    calls = {device: make_call(device) for device in devices}
    for call in calls.values():
        call()  # Compiles.
    times: dict[jax.Device, list[float]] = {device: [] for device in devices}
    for _ in range(_TIMED_CALLS):
        for device, call in calls.items():  # In turns.
            start = time.perf_counter()
            call()
            times[device].append(time.perf_counter() - start)
    seconds = {device: statistics.median(all_) for device, all_ in times.items()}
    return Choice(min(devices, key=seconds.__getitem__), seconds)


class ParametersOn(core.VariableSource):
    """A source of a learner's variables that puts them on one device.

    Variables that are already there are passed on as they are.
    `acme.jax.variable_utils.VariableClient` with a device transfers each array in each
    call, which takes time even for arrays that are already there.
    """

    def __init__(self, source: core.VariableSource, device: jax.Device) -> None:
        """Pulls nothing yet.

        Args:
          source: the learner, or a client of it.
          device: where they are needed.
        """
        self._source = source
        self._device = device

    def get_variables(self, names: Sequence[str]) -> list[Any]:
        """Returns the source's newest variables, on the device."""
        variables = self._source.get_variables(names)
        if all(self._is_there(leaf) for leaf in jax.tree.leaves(variables)):
            return variables
        return jax.device_put(variables, self._device)

    def _is_there(self, leaf: Any) -> bool:
        return isinstance(leaf, jax.Array) and leaf.devices() == {self._device}
