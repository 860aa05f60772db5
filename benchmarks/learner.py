"""Share of a learner's time that goes into waiting for data.

    python benchmarks/learner.py --encoder=nature_cnn,impala

Replay is filled by a random policy on a real game. Then the learner takes one step
after the other, with nothing in between to hide the fetching: the hardest case that a
run can have. Beside it stand the floors, measured in the same run and alternating
with it: the update alone on a batch that stays on the device, and the batches alone.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from absl import app, flags, logging
from common import add_play, random_play
from tables import Table, write_json

from acme_moe import memory

if TYPE_CHECKING:
    from acme_moe.learning import Sample
    from acme_moe.learning.learner import Learner

_ENCODERS = flags.DEFINE_list("encoder", ["nature_cnn", "impala"], "Encoders.")
_GAME = flags.DEFINE_string("game", "Seaquest", "Game whose frames fill the replay.")
_TRANSITIONS = flags.DEFINE_integer("transitions", 5_000, "Transitions in replay.")
_BATCH_SIZES = flags.DEFINE_list("batch_size", ["32", "256"], "Transitions a batch.")
_STEPS = flags.DEFINE_integer("steps", 30, "Learner steps a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds, of which the median is shown.")


@dataclasses.dataclass
class Result:
    """Medians over the rounds; the fraction is None if no step was timed."""

    encoder: str
    batch_size: int
    step_ms: float
    update_alone_ms: float
    batch_alone_ms: float
    data_wait_fraction: float | None


def measure(encoder: str, batch_size: int) -> Result:
    """Measures one encoder, with batches of one size."""
    import jax
    from acme import specs
    from acme.utils import loggers

    from acme_moe import replay
    from acme_moe.agents.dqn import DQNBuilder, DQNConfig
    from acme_moe.environments import AtariConfig, AtariEnvironment
    from acme_moe.networks import NetworkConfig

    environment = AtariEnvironment(_GAME.value, 0, AtariConfig())
    spec = specs.make_environment_spec(environment)
    builder = DQNBuilder(
        DQNConfig(network=NetworkConfig(encoder=encoder), batch_size=batch_size)
    )
    server, client = replay.start_server(builder.make_replay_tables(spec))
    adder = builder.make_adder(client, spec)
    add_play(adder, random_play(environment, _TRANSITIONS.value))
    adder.close()

    network = builder.make_network(spec)

    def make_learner(samples: Iterator[Sample]) -> Learner:
        return builder.make_learner(
            jax.random.PRNGKey(0),
            network,
            samples,
            lambda *_: loggers.NoOpLogger(),
            spec,
        )

    prefetcher = replay.Prefetcher(builder.make_dataset_iterator(client))
    batches = builder.make_dataset_iterator(client)
    learner = make_learner(prefetcher)
    alone = make_learner(itertools.repeat(next(batches)))

    def timed_steps(which: Learner) -> float:
        start = time.perf_counter()
        for _ in range(_STEPS.value):
            which.step()
        which.check()
        return (time.perf_counter() - start) / _STEPS.value

    def timed_batches() -> float:
        start = time.perf_counter()
        for _ in range(_STEPS.value):
            jax.block_until_ready(next(batches).transitions)
        return (time.perf_counter() - start) / _STEPS.value

    for which in (learner, alone):  # Compiles.
        which.step()
        which.check()
    rounds = [
        (timed_steps(learner), timed_steps(alone), timed_batches())
        for _ in range(_ROUNDS.value)
    ]
    step, update, fetching = (
        1e3 * statistics.median(x) for x in zip(*rounds, strict=True)
    )
    wait = learner.statistics()["data_wait_fraction"]
    server.stop()
    prefetcher.close()
    return Result(encoder, batch_size, step, update, fetching, wait)


def main(_: list[str]) -> None:
    """Prints a row an encoder and batch size."""
    logging.set_verbosity(logging.ERROR)
    memory.keep_freed()  # As launchers/train.py does.
    table = Table(
        {
            "encoder": "<12",
            "batch": ">6",
            "step ms": ">9.1f",
            "update alone ms": ">17.1f",
            "batch alone ms": ">16.1f",
            "waiting for data": ">18.1%",
        }
    )
    results = []
    for encoder, batch_size in itertools.product(_ENCODERS.value, _BATCH_SIZES.value):
        result = measure(encoder, int(batch_size))
        results.append(result)
        table.add(*dataclasses.astuple(result))
    write_json(results)


if __name__ == "__main__":
    app.run(main)
