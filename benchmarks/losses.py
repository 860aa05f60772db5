"""Losses of a hundred updates, ours beside dopamine's on the same batches.

    python benchmarks/losses.py --dopamine_python=/path/to/bin/python

The other interpreter has dopamine-rl 4.1.2, flax, chex and gin-config. From one set of
parameters both take an update on each of a stream of batches: dopamine through its
agents' own `train`, we through objective, optimiser and update of our builders. Nothing
is noisy, and the target is copied on the way. The differences are the largest
`|ours - theirs| / |theirs|` of the losses up to an update; at the end also the largest
of the parameters, over the largest movement in their array. Beside them is the effect
of rounding alone: how far our own losses differ from those that start at parameters
off by about one unit in the last place. Dopamine's dense Rainbow fails in 4.1.2.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags
from dopamine_process import PYTHON, Worker
from tables import Table, write_json

_AGENTS = flags.DEFINE_list("agents", ["dqn", "rainbow"], "Agents.")
_ENCODERS = flags.DEFINE_list("encoder", ["impala", "nature_cnn"], "Encoders.")
_MOES = flags.DEFINE_list("moe", ["none", "soft", "top1"], "Penultimate layers.")
_UPDATES = flags.DEFINE_integer("updates", 100, "Updates.")
_TARGET_PERIOD = flags.DEFINE_integer("target_period", 25, "Updates between copies.")
_IMAGE = flags.DEFINE_integer("image", 36, "Height and width of an image.")
_BATCH = flags.DEFINE_integer("batch", 8, "Transitions an update.")
_EXPERTS = flags.DEFINE_integer("experts", 4, "Number of experts.")
_WIDTH = flags.DEFINE_integer("width", 64, "Units of an expert, or the dense layer.")
_ACTIONS = flags.DEFINE_integer("actions", 6, "Number of actions.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the batches.")


@dataclasses.dataclass
class Result:
    """One agent's losses, and the differences by the number of updates."""

    agent: str
    encoder: str
    moe: str
    ours: list[float]
    theirs: list[float]
    differences: dict[int, float]
    parameters_difference: float
    rounding: dict[int, float]


def make_batches() -> dict[str, np.ndarray]:
    """Returns a stream of random batches, `[updates, B, ...]`."""
    rng = np.random.default_rng(_SEED.value)
    shape = (_UPDATES.value, _BATCH.value)
    images = (*shape, _IMAGE.value, _IMAGE.value, 4)
    weights = rng.uniform(0.2, 1.0, shape).astype(np.float32)
    return {
        "states": rng.integers(0, 256, images, np.uint8),
        "next_states": rng.integers(0, 256, images, np.uint8),
        "actions": rng.integers(0, _ACTIONS.value, shape),
        "rewards": rng.uniform(-1, 1, shape).astype(np.float32),
        "terminals": (rng.uniform(size=shape) < 0.1).astype(np.float32),
        "loss_weights": weights / weights.max(axis=1, keepdims=True),
    }


def make_case(agent: str, encoder: str, moe: str) -> dict[str, Any]:
    """Returns the settings that both are given."""
    rainbow = agent == "rainbow"
    return {
        "agent": agent,
        "encoder": encoder,
        "moe": moe,
        "variant": "baseline" if moe == "none" else f"{moe}_per_conv",
        "dueling": rainbow,
        "num_experts": _EXPERTS.value,
        "hidden": _WIDTH.value,
        "num_actions": _ACTIONS.value,
        "num_atoms": 51 if rainbow else None,
        "vmax": 10.0,
        "learning_rate": 6.25e-5,
        "adam_epsilon": 1.5e-4,
        "cumulative_discount": 0.99**3 if rainbow else 0.99,
        "image": (_IMAGE.value, _IMAGE.value, 4),
        "target_update_period": _TARGET_PERIOD.value,
    }


def compare(
    case: dict[str, Any], batches: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> Result:
    """Takes our steps from their parameters."""
    # The mapping from dopamine's parameters to ours lies with the reference's tests.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests import reference_networks, reference_steps

    if case["agent"] == "dqn":
        batches = {k: x for k, x in batches.items() if k != "loss_weights"}
    updates = range(len(batches["actions"]))
    stream = [{name: array[i] for name, array in batches.items()} for i in updates]
    period = case["target_update_period"]
    steps = reference_steps.take_steps(case, theirs, stream, period)
    rng = np.random.default_rng(_SEED.value)
    # Off by up to 1e-7 of each, where float32 resolves 0.6e-7 to 1.2e-7.
    rounded = {
        name: (x * rng.uniform(1 - 1e-7, 1 + 1e-7, x.shape)).astype(x.dtype)
        for name, x in theirs.items()
    }
    again = reference_steps.take_steps(case, rounded, stream, period)
    return Result(
        case["agent"],
        case["encoder"],
        case["moe"],
        steps.losses.tolist(),
        theirs["losses"].tolist(),
        differences(steps.losses, theirs["losses"]),
        reference_networks.movement_error(case, theirs, steps.params),
        differences(again.losses, steps.losses),
    )


def differences(losses: np.ndarray, others: np.ndarray) -> dict[int, float]:
    """Returns the largest relative difference up to each of the milestones."""
    shares = np.abs(losses - others) / np.abs(others)
    return {n: float(shares[:n].max()) for n in milestones()}


def milestones() -> list[int]:
    """Returns the numbers of updates that a row shows."""
    return [n for n in (1, 10, 100, 1_000) if n < _UPDATES.value] + [_UPDATES.value]


def main(_: list[str]) -> None:
    """Prints a row a setting."""
    if PYTHON.value is None:
        raise app.UsageError("dopamine_python: None is not accepted; an interpreter")
    batches = make_batches()
    dopamine = Worker("dopamine_losses.py")
    table = Table(
        {
            "agent": "<9",
            "encoder": "<12",
            "layer": "<7",
            "first loss": ">11.4f",
            "last": ">10.4f",
            **{f"after {n}": ">12.1e" for n in milestones()},
            "parameters": ">12.1e",
            "rounding": ">12.1e",
        }
    )
    results = []
    with tempfile.TemporaryDirectory() as folder:
        files = {name: f"{folder}/{name}.npz" for name in ("batches", "steps")}
        np.savez(files["batches"], **batches)
        for agent, encoder, moe in itertools.product(
            _AGENTS.value, _ENCODERS.value, _MOES.value
        ):
            if (agent, moe) == ("rainbow", "none"):
                continue
            case = make_case(agent, encoder, moe)
            dopamine.ask({**case, **files})
            with np.load(files["steps"]) as file:
                row = compare(case, batches, dict(file))
            results.append(row)
            table.add(
                agent,
                encoder,
                moe,
                row.ours[0],
                row.ours[-1],
                *row.differences.values(),
                row.parameters_difference,
                row.rounding[_UPDATES.value],
            )
    dopamine.close()
    write_json(results)


if __name__ == "__main__":
    app.run(main)
