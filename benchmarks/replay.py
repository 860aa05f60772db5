"""What replay takes, on real frames: bytes a transition, and time to write and sample.

    python benchmarks/replay.py --game=Pong,Seaquest --transitions=100000

A server in a process of its own is filled by a random policy on the real emulator,
through the adder that training uses; its resident memory is read before and after.
Beside it are the same transitions with their stacks stored whole, what the raw frame
takes (the floor without compression), the estimate that a run's summary.json carries,
and the time that Reverb takes to write its checkpoint.

Then a server in this process, as a run has it, is written to and sampled from, in turns
with the most that Reverb can do with as many bytes: a bare writer whose items are one
column of the same frames, and one sampler that fetches ahead without limit. Our batches
are sampled only when they are asked for, which such a sampler cannot do. Beside them is
a replay in the process (`--config.replay.seeded=true` of a run).
"""

import contextlib
import dataclasses
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dm_env
import numpy as np
from absl import app, flags
from common import add_play, random_play, resident_bytes
from tables import Table, write_json

_GAMES = flags.DEFINE_list("game", ["Pong", "Seaquest"], "Games, separated by commas.")
_TRANSITIONS = flags.DEFINE_integer("transitions", 100_000, "How many are held.")
_STACKED = flags.DEFINE_integer(
    "stacked_transitions", 20_000, "How many are held with their stacks stored whole."
)
_BATCH_SIZES = flags.DEFINE_list("batch_size", ["32", "256"], "Of what is sampled.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds, of which the median is shown.")


@dataclasses.dataclass
class Result:
    """Figures of one way to store."""

    game: str
    storage: str
    transitions: int
    bytes_per_transition: float
    estimate: float
    raw_bytes: int
    microseconds_per_insert: float
    checkpoint_seconds: float
    checkpoint_bytes_per_transition: float


def _settings(spec: Any, size: int) -> Any:
    from acme_moe import replay

    return replay.TableSettings(
        "transitions",
        replay.transition_signature(spec),
        max_size=size,
        min_size=1,
        samples_per_insert=1.0,
        error_buffer=1e9,
    )


def _adder(client: Any, spec: Any) -> Any:
    from acme_moe import replay

    return replay.NStepAdder(client, spec, table="transitions", n_step=1, discount=0.99)


def _serve(connection: Connection, spec: object, size: int, folder: str) -> None:
    """Runs nothing but the server, in a process of its own."""
    import reverb

    from acme_moe import replay

    table = replay.make_table(_settings(spec, size))
    checkpointer = reverb.checkpointers.DefaultCheckpointer(folder)
    server, _ = replay.start_server([table], checkpointer=checkpointer)
    connection.send(server.port)
    while connection.recv() == "memory":
        connection.send(resident_bytes())
    server.stop()


@contextlib.contextmanager
def _server(
    spec: object, size: int, folder: str
) -> Iterator[tuple[Any, Callable[[], int]]]:
    """Yields a client of a server of its own process, and what reads its memory."""
    import reverb

    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(theirs, spec, size, folder), daemon=True
    )
    process.start()
    theirs.close()  # Or its end would not be seen.
    client = reverb.Client(f"127.0.0.1:{mine.recv()}")

    def memory() -> int:
        mine.send("memory")
        return mine.recv()

    yield client, memory
    mine.send("stop")
    process.join()


@contextlib.contextmanager
def _local(
    spec: object, size: int, folder: str
) -> Iterator[tuple[Any, Callable[[], int]]]:
    """Yields a replay in this process, and what reads its memory."""
    from acme_moe import replay

    yield replay.LocalReplay(_settings(spec, size), 0, Path(folder)), resident_bytes


_STORAGES = {"frames once": _server, "stacked": _server, "in the process": _local}


def measure(game: str, transitions: int, storage: str) -> Result:
    """Fills a replay and reads its memory."""
    from acme import specs

    from acme_moe.environments import AtariConfig, AtariEnvironment
    from acme_moe.replay.size import bytes_per_transition

    environment = AtariEnvironment(game, 1, AtariConfig())
    spec = specs.make_environment_spec(environment)
    frame = spec.observations.frame.shape
    if storage == "stacked":
        whole = specs.Array(spec.observations.shape, spec.observations.dtype)
        spec = spec._replace(observations=whole)
    with (
        tempfile.TemporaryDirectory() as folder,
        _STORAGES[storage](spec, transitions, folder) as (client, memory),
    ):
        adder = _adder(client, spec)
        before = memory()
        seconds = add_play(adder, random_play(environment, transitions))
        adder.close()
        held = memory() - before
        start = time.perf_counter()
        path = Path(client.checkpoint())
        checkpoint_seconds = time.perf_counter() - start
        size = sum(file.stat().st_size for file in path.iterdir())
        estimate = bytes_per_transition(client, path)
    return Result(
        game=game,
        storage=storage,
        transitions=transitions,
        bytes_per_transition=held / transitions,
        estimate=estimate or 0.0,
        raw_bytes=int(np.prod(frame)),
        microseconds_per_insert=1e6 * seconds / transitions,
        checkpoint_seconds=checkpoint_seconds,
        checkpoint_bytes_per_transition=size / transitions,
    )


@dataclasses.dataclass
class Rates:
    """Transitions a second, medians over the rounds."""

    game: str
    batch_size: int
    inserts: float
    bare_inserts: float
    samples: float
    bare_samples: float
    local_inserts: float
    local_samples: float


# Steps that are written in a round, and batches that are sampled.
_STEPS, _BATCHES = 2_000, 40


def _tables(spec: Any) -> list[Any]:
    """Makes our table, and the bare one."""
    import reverb

    from acme_moe import replay

    ours = replay.to_tensor_specs(replay.transition_signature(spec))
    return [
        reverb.Table(
            name,
            reverb.selectors.Uniform(),
            reverb.selectors.Fifo(),
            max_size=10**6,
            rate_limiter=reverb.rate_limiters.MinSize(1),
            signature=signature,
        )
        for name, signature in (("transitions", ours), ("bare", None))
    ]


def _one_episode(environment: Any) -> tuple[dm_env.TimeStep, list[dm_env.TimeStep]]:
    """Plays one long episode, so that all write the same items."""
    (_, first), *play = random_play(environment, _STEPS)
    return first, [
        dm_env.transition(np.float32(0), step.observation, np.float32(1))
        for _, step in play
        if not step.first()
    ]


def _insert(adder: Any, first: dm_env.TimeStep, steps: list[dm_env.TimeStep]) -> None:
    action = np.int32(0)
    adder.add_first(first)
    for step in steps:
        adder.add(action, step)
    adder.flush()  # Does nothing where replay is in this process.


def _insert_bare(client: Any, stack: int, steps: list[dm_env.TimeStep]) -> None:
    writer = client.trajectory_writer(stack + 2, validate_items=False)
    writer.configure((), num_keep_alive_refs=stack + 2, max_chunk_length=stack + 2)
    for i, step in enumerate([*steps[:stack], *steps]):
        writer.append(np.ascontiguousarray(step.observation[..., -1]))
        if i >= stack:
            writer.create_item("bare", 1.0, writer.history[-stack - 1 :])
            writer.flush(25)
    writer.close()


def _bare_sampler(client: Any, batch_size: int) -> Any:
    sampler = client._client.NewSampler("bare", 1 << 40, batch_size)
    for _ in range(2 * batch_size):  # Until its own batches are as large.
        sampler.GetNextTrajectory()
    return sampler


def _rate(count: int, call: Callable[..., object], *args: Any, calls: int = 1) -> float:
    """Returns transitions a second, where so many calls take `count` of them."""
    start = time.perf_counter()
    for _ in range(calls):
        call(*args)
    return count / (time.perf_counter() - start)


def measure_rates(game: str, batch_size: int) -> Rates:
    """Writes and samples, in turns with a bare writer and sampler."""
    from acme import specs

    from acme_moe import replay
    from acme_moe.environments import AtariConfig, AtariEnvironment
    from acme_moe.replay.dataset import make_sampler

    environment = AtariEnvironment(game, 1, AtariConfig())
    spec = specs.make_environment_spec(environment)
    first, steps = _one_episode(environment)
    server, client = replay.start_server(_tables(spec))
    local = replay.LocalReplay(_settings(spec, 10**6), 0)
    adder, local_adder = _adder(client, spec), _adder(local, spec)
    sampled = _BATCHES * batch_size

    def one_round() -> tuple[float, ...]:
        inserts = (
            _rate(_STEPS, _insert, adder, first, steps),
            _rate(_STEPS, _insert_bare, client, spec.observations.stack, steps),
        )
        sample, _ = make_sampler(client, "transitions")
        bare = _bare_sampler(client, batch_size)
        return (
            *inserts,
            _rate(sampled, sample, batch_size, calls=_BATCHES),
            _rate(sampled, bare.GetNextTrajectory, calls=sampled),
            _rate(_STEPS, _insert, local_adder, first, steps),
            _rate(sampled, local.table.sample, batch_size, calls=_BATCHES),
        )

    rounds = [one_round() for _ in range(_ROUNDS.value)]
    adder.close()
    server.stop()
    medians = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Rates(game, batch_size, *medians)


def main(_: list[str]) -> None:
    """Prints a row a game and way of storing, then the rates."""
    results = []
    table = Table(
        {
            "game": "<12",
            "storage": "<13",
            "held": ">8",
            "B/transition": ">14.0f",
            "estimate": ">10.0f",
            "raw frame": ">11",
            "us/insert": ">11.0f",
            "checkpoint s": ">14.1f",
            "on disk B": ">11.0f",
        }
    )
    for game in _GAMES.value:
        for storage in _STORAGES:
            fewer = min(_STACKED.value, _TRANSITIONS.value)
            count = fewer if storage == "stacked" else _TRANSITIONS.value
            result = measure(game, count, storage)
            results.append(result)
            table.add(*dataclasses.astuple(result))
    rates = []
    print()
    table = Table(
        {
            "game": "<12",
            "batch": ">6",
            "inserts/s": ">11.0f",
            "bare inserts/s": ">16.0f",
            "samples/s": ">11.0f",
            "bare samples/s": ">16.0f",
            "local inserts/s": ">17.0f",
            "local samples/s": ">17.0f",
        }
    )
    for game in _GAMES.value:
        for batch_size in _BATCH_SIZES.value:
            row = measure_rates(game, int(batch_size))
            rates.append(row)
            table.add(*dataclasses.astuple(row))
    write_json({"memory": results, "rates": rates})


if __name__ == "__main__":
    app.run(main)
