"""One training step of Rainbow with a mixture of experts, beside dopamine's.

    python benchmarks/learner_step.py
    python benchmarks/learner_step.py --dopamine_python=/path/to/bin/python

A step is target, loss, gradient, Adam and priorities of Rainbow (double, dueling, C51,
noisy) on a batch of 32 with 8 experts. With `--dopamine_python`, an interpreter that
has dopamine-rl 4.1.2, flax and gin-config, its `full_rainbow_moe_agent.train` is timed
beside, the two alternating, in the same run; its dense networks fail in 4.1.2. The
floor is the encoder alone: its forward and backward pass on the states, and its two
forward passes on the next ones. The head grows with the number of actions, and a
mixture's is the larger one: Pong has 6, the most that a game has is 18. Medians; a GPU
is used where JAX has one.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import app, flags
from dopamine_process import PYTHON, Worker
from tables import Table, write_json

from acme_moe import memory

_ENCODERS = flags.DEFINE_list("encoder", ["impala", "nature_cnn"], "Encoders.")
_MOES = flags.DEFINE_list(
    "moe", ["none", "wide", "soft", "top1"], "Penultimate layers."
)
_DTYPES = flags.DEFINE_list("dtype", ["float32"], "Of the computation; or bfloat16.")
_EXPERTS = flags.DEFINE_integer("experts", 8, "Number of experts.")
_BATCH = flags.DEFINE_integer("batch", 32, "Transitions a step.")
_ACTIONS = flags.DEFINE_list("actions", ["6", "18"], "Numbers of actions.")
_STEPS = flags.DEFINE_integer("steps", 3, "Steps of each a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds in which all take turns.")
_KEEP_FREED = flags.DEFINE_bool(
    "keep_freed", True, "Keep freed memory, as launchers/train.py does."
)


@dataclasses.dataclass
class Result:
    """Medians of one setting, in milliseconds."""

    encoder: str
    actions: int
    moe: str
    dtype: str
    step_ms: float
    encoder_alone_ms: float
    dopamine_ms: float | None


def _batch(actions: int) -> Any:
    from acme_moe.learning import Transition

    rng = np.random.default_rng(0)
    size = _BATCH.value
    states, next_states = (
        rng.integers(0, 256, (size, 84, 84, 4), np.uint8) for _ in range(2)
    )
    return Transition(
        observation=states,
        action=rng.integers(0, actions, size).astype(np.int32),
        reward=rng.normal(size=size).astype(np.float32),
        discount=np.ones(size, np.float32),
        next_observation=next_states,
    )


def make_step(encoder: str, actions: int, moe: str, dtype: str) -> Callable[[], None]:
    """Returns a function that takes one of our steps and waits for it."""
    import jax
    import optax

    from acme_moe import learning
    from acme_moe.networks import NetworkConfig, make_network

    config = NetworkConfig(
        encoder=encoder,
        moe="none" if moe == "wide" else moe,
        widen_dense=moe == "wide",
        num_experts=_EXPERTS.value,
        dueling=True,
        noisy=True,
        num_atoms=51,
        compute_dtype=dtype,
    )
    network = make_network(config, actions)
    optimizer = optax.adam(6.25e-5, eps=1.5e-4)
    transitions = _batch(actions)
    key = jax.random.PRNGKey(0)
    state = learning.init_training_state(
        network.init(key, transitions.observation[:1]), optimizer, key
    )
    update = learning.make_update(
        learning.categorical_q_learning(network, discount=0.99**3),
        optimizer,
        target_update_period=2_000,
    )
    # As replay's iterator gives them: on the device already.
    transitions, probabilities = jax.device_put(
        (transitions, np.ones(_BATCH.value, np.float32))
    )

    def step() -> None:
        nonlocal state
        state, priorities, _ = update(state, transitions, probabilities)
        jax.block_until_ready(state)
        np.asarray(priorities)

    return step


def make_floor(encoder: str, dtype: str) -> Callable[[], None]:
    """Returns a function that applies only the encoder, as often as a step does."""
    import haiku as hk
    import jax

    from acme_moe.networks import NetworkConfig, layers, torso

    config = NetworkConfig(encoder=encoder, compute_dtype=dtype)

    def encode(observations: jax.Array) -> jax.Array:
        x = torso.inputs(config, observations)
        return torso.encode(config, x, layers.Conv, layers.Dense)[0].sum()

    network: Any = hk.without_apply_rng(hk.transform(encode))
    init, apply = network.init, network.apply
    transitions = jax.device_put(_batch(actions=1))
    params = init(jax.random.PRNGKey(0), transitions.observation[:1])
    other = jax.tree.map(lambda x: 1.01 * x, params)

    @jax.jit
    def floor(params: Any, other: Any, states: Any, next_states: Any) -> Any:
        gradient = jax.grad(apply)(params, states)
        return (
            gradient,
            apply(params, next_states),
            apply(other, next_states),
        )

    def step() -> None:
        jax.block_until_ready(
            floor(params, other, transitions.observation, transitions.next_observation)
        )

    return step


def _time(step: Callable[[], None], steps: int) -> list[float]:
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds


def _time_dopamine(
    dopamine: Worker, encoder: str, actions: int, moe: str, steps: int
) -> list[float]:
    """Returns the seconds of each step; none where dopamine cannot take them."""
    return dopamine.ask(
        {
            "encoder": encoder,
            "actions": actions,
            "moe": moe,
            "steps": steps,
            "experts": _EXPERTS.value,
            "batch": _BATCH.value,
        }
    )


def measure(
    encoder: str, actions: int, dtype: str, dopamine: Worker | None
) -> list[Result]:
    """Times every penultimate layer with one encoder, all taking turns."""
    steps = {moe: make_step(encoder, actions, moe, dtype) for moe in _MOES.value}
    floor = make_floor(encoder, dtype)
    ours: dict[str, list[float]] = {moe: [] for moe in steps}
    theirs: dict[str, list[float]] = {moe: [] for moe in steps}
    alone: list[float] = []
    for current in (*steps.values(), floor):
        _time(current, 2)  # Compiles.
    theirs_run = {
        moe: bool(dopamine and _time_dopamine(dopamine, encoder, actions, moe, 1))
        for moe in steps
    }
    for _ in range(_ROUNDS.value):
        alone += _time(floor, _STEPS.value)
        for moe, step in steps.items():
            ours[moe] += _time(step, _STEPS.value)
            if dopamine and theirs_run[moe]:
                theirs[moe] += _time_dopamine(
                    dopamine, encoder, actions, moe, _STEPS.value
                )
    return [
        Result(
            encoder,
            actions,
            moe,
            dtype,
            1e3 * statistics.median(ours[moe]),
            1e3 * statistics.median(alone),
            1e3 * statistics.median(theirs[moe]) if theirs[moe] else None,
        )
        for moe in steps
    ]


def main(_: list[str]) -> None:
    """Prints a row a setting."""
    if _KEEP_FREED.value:
        memory.keep_freed()
    import jax

    print(f"device: {jax.devices()[0].device_kind}, {_BATCH.value} transitions a step")
    table = Table(
        {
            "encoder": "<12",
            "moe": "<6",
            "dtype": "<10",
            "actions": ">7",
            "step ms": ">9.1f",
            "/ dense": ">9.2f",
            "encoder alone": ">15.1f",
            "share": ">7.0%",
            "dopamine ms": ">13.1f",
            "faster": ">8.2f",
        }
    )
    dopamine = Worker("dopamine_learner_step.py") if PYTHON.value else None
    results = []
    for encoder, actions, dtype in itertools.product(
        _ENCODERS.value, map(int, _ACTIONS.value), _DTYPES.value
    ):
        rows = measure(
            encoder, actions, dtype, dopamine if dtype == "float32" else None
        )
        results += rows
        dense = {row.moe: row.step_ms for row in rows}.get("none")
        for row in rows:
            theirs = row.dopamine_ms
            table.add(
                row.encoder,
                row.moe,
                row.dtype,
                row.actions,
                row.step_ms,
                dense and row.step_ms / dense,
                row.encoder_alone_ms,
                row.encoder_alone_ms / row.step_ms,
                theirs,
                theirs and theirs / row.step_ms,
            )
    if dopamine is not None:
        dopamine.close()
    write_json(results)


if __name__ == "__main__":
    app.run(main)
