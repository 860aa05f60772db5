"""Updates, acting and a whole loop on an accelerator, or on a CPU where there is none.

    python benchmarks/accelerator.py --json=accelerator.json
    python benchmarks/accelerator.py --batch=4 --encoder=nature_cnn --moe=soft \
        --precision=float32 --games=1,2 --updates=1 --loop_games=2 --rounds=1

Rainbow (double, dueling, C51, noisy) for Atari's frames and 18 actions, with nothing
but JAX, Haiku, optax and rlax: neither Acme nor Reverb is needed. Three tables:

- an update: milliseconds of one that is waited for, and of one of many that are
  dispatched without waiting, as a run does;
- acting: milliseconds of a call for several games, with the newest frames sent up and
  the actions fetched, by the library's own step (`acme_moe.agents.vector_policy`);
- a whole loop in the order of a run: the next actions are selected, the update that is
  due is dispatched, and the games step beside it. Random frames, or those of `--frames`
  (`.npy`, `uint8 [frames, 84, 84]`), stand in for the emulator, and batches are drawn
  from a ring of them in host memory by a thread, as replay's are.

The loop's hours for 200 M frames are those of a run whose emulators take no time. With
`--emulator_steps`, what all emulators of the process reach alone, in agent steps/s, a
round takes what acting takes and then the longer of update and emulators, as one waits
for the other (`predicted hours`).

TF32 differs from float32 on GPUs that have it. Compiling takes most of the time: on an
H100 half a minute a setting with Impala, some twenty minutes for all 36.
"""

from __future__ import annotations

import itertools
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags
from tables import Table, write_json

from acme_moe import learning
from acme_moe.agents import acting, vector_policy
from acme_moe.networks import Network, NetworkConfig, make_network
from acme_moe.specs import StackedFrames

_ENCODERS = flags.DEFINE_list("encoder", ["nature_cnn", "impala"], "Encoders.")
_MOES = flags.DEFINE_list("moe", ["none", "soft", "top1"], "Penultimate layers.")
_PRECISIONS = flags.DEFINE_list(
    "precision", ["float32", "tensorfloat32", "bfloat16"], "Of the products."
)
_BATCHES = flags.DEFINE_list("batch", ["32", "256"], "Transitions an update.")
_GAMES = flags.DEFINE_list("games", ["1", "16", "64"], "Games that one call acts in.")
_LOOP_GAMES = flags.DEFINE_integer("loop_games", 64, "Games of the whole loop.")
_LOOP_UPDATES = flags.DEFINE_integer("loop_updates", 1, "Updates of it a round.")
_UPDATES = flags.DEFINE_integer("updates", 20, "Calls of each a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds; the figures are their medians.")
_FRAMES = flags.DEFINE_string("frames", None, "File of recorded frames.")
_EMULATOR = flags.DEFINE_float("emulator_steps", None, "Agent steps/s of emulators.")

_ACTIONS, _HEIGHT, _STACK, _N_STEP = 18, 84, 4, 3
_RING = 20_000
_AGENT_STEPS = 50_000_000
_SPEC = StackedFrames(_HEIGHT, _HEIGHT, _STACK)


def make_agent(encoder: str, moe: str, precision: str, batch: int) -> Agent:
    """Makes a network, its update and its policy."""
    config = NetworkConfig(
        encoder=encoder,
        moe=moe,
        dueling=True,
        noisy=True,
        num_atoms=51,
        compute_dtype="bfloat16" if precision == "bfloat16" else "float32",
    )
    return Agent(make_network(config, _ACTIONS), batch)


class Agent:
    """A network, and the state of its training."""

    def __init__(self, network: Network, batch: int) -> None:
        """Initialises the parameters.

        Args:
          network: the agent's.
          batch: transitions an update.
        """
        optimizer = optax.adam(1e-4, eps=0.005 / batch)
        key = jax.random.PRNGKey(0)
        self._network = network
        self.state = learning.init_training_state(
            network.init(key, np.zeros((1, *_SPEC.shape), np.uint8)), optimizer, key
        )
        objective = learning.categorical_q_learning(network, discount=0.99**_N_STEP)

        def decoded(params: Any, target: Any, key: Any, batch: Any, p: Any) -> Any:
            # As sampled from replay: [B, stack, height, width].
            observation, next_observation = (
                jnp.moveaxis(x, 1, -1)
                for x in (batch.observation, batch.next_observation)
            )
            batch = batch._replace(
                observation=observation, next_observation=next_observation
            )
            return objective(params, target, key, batch, p)

        self._update = learning.make_update(
            decoded, optimizer, target_update_period=500
        )
        self._probabilities = jax.device_put(np.ones(batch, np.float32))

    def update(self, batch: learning.Transition) -> None:
        """Dispatches an update."""
        self.state, self.priorities, _ = self._update(
            self.state, batch, self._probabilities
        )

    def wait(self) -> None:
        """Waits for the updates, and fetches the last priorities."""
        jax.block_until_ready(self.state)
        np.asarray(self.priorities)

    def make_actor(self, games: int) -> Callable[[np.ndarray], np.ndarray]:
        """Makes a function from the newest frames to actions, waited for."""

        def select_action(params: Any, observation: Any, state: Any) -> Any:
            decision = acting.decide(
                self._network, params, 0.01, observation, state, evaluation=False
            )
            return decision.action, decision.state

        policy = SimpleNamespace(
            init=lambda key: acting.initial_state(self._network, key),
            select_action=select_action,
            get_extras=lambda _: (),
        )
        step = vector_policy.make_step(policy, _SPEC)
        carry = jax.device_put(
            vector_policy.start(policy, jax.random.PRNGKey(1), _SPEC, games)
        )
        first = np.ones(games, bool)

        def act(newest: np.ndarray) -> np.ndarray:
            nonlocal carry, first
            new, (actions, _) = step(self.state.params, carry, newest, first)
            actions, first = np.asarray(actions), np.zeros(games, bool)
            carry = new
            return actions

        return act


def batches(frames: np.ndarray, size: int) -> Iterator[learning.Transition]:
    """Yields batches on the device, drawn by a thread one ahead."""
    rng = np.random.default_rng(0)
    ready: queue.Queue[learning.Transition] = queue.Queue(1)
    window = np.arange(_STACK)

    def draw() -> None:
        while True:
            at = rng.integers(0, len(frames) - _STACK - _N_STEP, size)[:, None]
            batch = learning.Transition(
                observation=frames[at + window],
                action=rng.integers(0, _ACTIONS, size).astype(np.int32),
                reward=rng.normal(size=size).astype(np.float32),
                discount=np.ones(size, np.float32),
                next_observation=frames[at + _N_STEP + window],
            )
            ready.put(jax.device_put(batch))

    threading.Thread(target=draw, daemon=True).start()
    while True:
        yield ready.get()


def median_ms(call: Callable[[], Any], wait: Callable[[], Any] = lambda: None) -> float:
    """Returns the median over the rounds of the milliseconds of a call.

    Args:
      call: what is timed, many times a round.
      wait: ends a round, for calls that only dispatch.
    """
    call()  # Compiles.
    wait()
    rounds = []
    for _ in range(_ROUNDS.value):
        start = time.perf_counter()
        for _ in range(_UPDATES.value):
            call()
        wait()
        rounds.append((time.perf_counter() - start) / _UPDATES.value)
    return 1e3 * statistics.median(rounds)


def measure(
    encoder: str, moe: str, precision: str, batch: int, frames: np.ndarray
) -> dict[str, float]:
    """Measures an update, acting, and the whole loop."""
    agent, samples = make_agent(encoder, moe, precision, batch), batches(frames, batch)
    fixed, games = next(samples), _LOOP_GAMES.value

    def update() -> None:
        agent.update(fixed)
        agent.wait()

    result = {
        "update_ms": median_ms(update),
        "back_to_back_ms": median_ms(lambda: agent.update(fixed), agent.wait),
    }
    for count in map(int, _GAMES.value):
        act = agent.make_actor(count)
        newest = frames[:count]
        result[f"act_{count}_ms"] = median_ms(lambda: act(newest))  # noqa: B023
    act, at = agent.make_actor(games), itertools.count(0, games)

    def whole() -> None:
        start = next(at) % (len(frames) - games)
        act(frames[start : start + games])
        for _ in range(_LOOP_UPDATES.value):
            agent.update(next(samples))

    result["round_ms"] = median_ms(whole, agent.wait)
    result["loop_act_ms"] = median_ms(lambda: act(frames[:games]))
    return {**result, **predict(result, games)}


def predict(result: dict[str, float], games: int) -> dict[str, float]:
    """Predicts the hours of 200 M frames from a round's milliseconds."""
    rounds = _AGENT_STEPS / games
    hours = {"hours_without_emulator": rounds * result["round_ms"] / 3.6e6}
    if _EMULATOR.value:
        emulators = 1e3 * games / _EMULATOR.value
        beside = max(result["round_ms"] - result["loop_act_ms"], emulators)
        total = result["loop_act_ms"] + beside
        hours["predicted_hours"] = rounds * total / 3.6e6
    return {"loop_steps_per_second": 1e3 * games / result["round_ms"], **hours}


def main(_: list[str]) -> None:
    """Prints a row a setting."""
    rng = np.random.default_rng(0)
    frames = (
        np.load(_FRAMES.value)
        if _FRAMES.value
        else rng.integers(0, 256, (_RING, _HEIGHT, _HEIGHT), np.uint8)
    )
    device = jax.devices()[0]
    print(f"device: {device.device_kind}; JAX {jax.__version__}")
    rows = []
    table = None
    for encoder, moe, precision, batch in itertools.product(
        _ENCODERS.value, _MOES.value, _PRECISIONS.value, map(int, _BATCHES.value)
    ):
        products = "float32" if precision == "float32" else "tensorfloat32"
        with jax.default_matmul_precision(products):
            result = measure(encoder, moe, precision, batch, frames)
        setting = {
            "encoder": encoder,
            "moe": moe,
            "precision": precision,
            "batch": batch,
        }
        rows.append({**setting, **result})
        table = table or Table(
            dict.fromkeys(setting, ">15")
            | {name: f">{max(15, len(name) + 1)}.2f" for name in result}
        )
        table.add(*rows[-1].values())
    write_json(
        {
            "device": device.device_kind,
            "jax": jax.__version__,
            "loop_games": _LOOP_GAMES.value,
            "loop_updates": _LOOP_UPDATES.value,
            "emulator_steps_per_second": _EMULATOR.value,
            "rows": rows,
        }
    )


if __name__ == "__main__":
    app.run(main)
