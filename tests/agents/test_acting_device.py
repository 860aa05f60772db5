"""Where policies run: chosen by time, parameters taken where they are."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from acme_moe.agents import acting_device
from tests.programs import ROOT

FLAG = "--xla_force_host_platform_device_count=2"


def test_the_faster_device_is_chosen_and_the_choice_says_why(monkeypatch):
    now = 0.0
    monkeypatch.setattr(acting_device.time, "perf_counter", lambda: now)

    class Device:
        def __init__(self, platform):
            self.platform = platform

    cost = {Device("cpu"): 4e-3, Device("gpu"): 1e-3}

    def make_call(device):
        def call():
            nonlocal now
            now += cost[device]

        return call

    choice = acting_device.choose(list(cost), make_call)
    assert choice.device.platform == "gpu"
    assert str(choice) == "the policy acts on gpu (4.00 ms on cpu, 1.00 ms on gpu)"


def test_with_cpus_alone_nothing_is_measured():
    devices = acting_device.candidates("auto")
    choice = acting_device.choose(devices, lambda device: pytest.fail("measured"))
    assert choice == (jax.devices("cpu")[0], {})
    assert str(choice) == "the policy acts on cpu"


def test_an_accelerator_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"acting.device: 'accelerator' is not acc"):
        acting_device.candidates("accelerator")


def test_parameters_that_are_there_are_not_copied():
    device = jax.devices()[0]
    there, elsewhere = {"w": jax.device_put(np.ones(3))}, {"w": np.ones(3)}

    class Source:
        variables = there

        def get_variables(self, names):
            return [self.variables for _ in names]

    source = Source()
    parameters = acting_device.ParametersOn(source, device)
    assert parameters.get_variables([""])[0]["w"] is there["w"]
    source.variables = elsewhere
    (variables,) = parameters.get_variables([""])
    assert variables["w"].devices() == {device}


def test_policy_and_update_on_different_devices():
    command = [sys.executable, "-m", "tests.agents.two_devices", "dqn", "r2d2"]
    flags = f"{os.environ['XLA_FLAGS']} {FLAG}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
