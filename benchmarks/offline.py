"""Reading a fixed dataset: time to open it, memory, and batches beside the learner.

    python benchmarks/offline.py --game=Pong,Seaquest

A random policy on the real emulator is recorded as two files, of which the set has
several copies, so that it is large enough to measure; different transitions are drawn
from each. A share of the set is opened, and what a transition takes is read off the
memory of the process as well as computed. As transitions are drawn at random, a share
of a small set needs as many frames per transition as the same share of a large one; so
what 5 % of a published set (50 files of a million frames) takes is the product. Then
batches are drawn and, in turns with that, the learner takes steps on a batch that stays
on the device.
"""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import app, flags, logging
from common import add_play, random_play, resident_bytes
from tables import Table, write_json

if TYPE_CHECKING:
    from acme_moe.learning import Sample
    from acme_moe.offline.dataset import OfflineDataset

_GAMES = flags.DEFINE_list("game", ["Pong", "Seaquest"], "Games.")
_STEPS = flags.DEFINE_integer("steps", 40_000, "Agent steps that are recorded.")
_COPIES = flags.DEFINE_integer("copies", 10, "Times that they stand in the set.")
_FRACTION = flags.DEFINE_float("fraction", 0.05, "Share that is opened.")
_N_STEPS = flags.DEFINE_list("n_step", ["1", "3"], "Steps of a transition.")
_ENCODER = flags.DEFINE_string("encoder", "nature_cnn", "Of the learner beside it.")
_BATCHES = flags.DEFINE_integer("batches", 100, "Batches drawn a round.")
_LEARNER_STEPS = flags.DEFINE_integer("learner_steps", 10, "Learner steps a round.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds, of which the median is shown.")
_WORKERS = flags.DEFINE_integer("workers", 2, "Threads that read and unpack.")

_PUBLISHED = 50_000_000


@dataclasses.dataclass
class Result:
    """Figures of one game and number of steps."""

    game: str
    n_step: int
    transitions: int
    bytes_per_transition: float
    resident_bytes_per_transition: float
    gigabytes_of_published: float
    open_seconds_per_million: float
    sampled_per_second: float
    learnt_per_second: float


def record(game: str, path: Path) -> Any:
    """Records a random policy as a set; returns the environment's spec."""
    from acme import specs

    from acme_moe.environments import AtariEnvironment
    from acme_moe.offline.recorder import Recorder

    class Nowhere:
        def add_first(self, *_: Any) -> None:
            pass

        add = add_first

    environment = AtariEnvironment(game, 0)
    spec = specs.make_environment_spec(environment)
    recorder = Recorder(path, spec, run_folder=path, rows_per_file=_STEPS.value // 2)
    add_play(recorder.wrap(Nowhere()), random_play(environment, _STEPS.value))
    files = recorder.save()
    for number in range(files, files * _COPIES.value):
        for file in path.glob(f"*_ckpt.{number % files}.gz"):
            array, _, _ = file.name.partition("_ckpt.")
            (path / f"{array}_ckpt.{number}.gz").hardlink_to(file)
    return spec


def open_set(path: Path, spec: Any, n_step: int, fraction: float) -> OfflineDataset:
    """Opens a share of the set."""
    from acme_moe.offline import DatasetConfig
    from acme_moe.offline.dataset import load_dataset
    from acme_moe.offline.transitions import TransitionSettings

    return load_dataset(
        DatasetConfig(
            path=str(path),
            fraction=fraction,
            workers=_WORKERS.value,
        ),
        TransitionSettings(spec.observations.stack, n_step, 0.99, 1.0),
        frame_shape=spec.observations.frame.shape,
        num_actions=spec.actions.num_values,
    )


def measure(game: str, path: Path, spec: Any, n_step: int) -> Result:
    """Opens a set, and draws and learns from it in turns."""
    import jax
    from acme.utils import loggers

    from acme_moe.agents.cql import CQLBuilder, CQLConfig
    from acme_moe.networks import NetworkConfig
    from acme_moe.offline.sampler import make_sample_iterator

    open_set(path, spec, n_step, _FRACTION.value / 100)  # Imports.
    before = resident_bytes()
    dataset = open_set(path, spec, n_step, _FRACTION.value)
    resident = resident_bytes() - before

    config = CQLConfig(network=NetworkConfig(encoder=_ENCODER.value), n_step=n_step)
    builder = CQLBuilder(config)
    batches = make_sample_iterator(
        dataset, batch_size=config.batch_size, seed=0, workers=_WORKERS.value
    )
    learner = builder.make_learner(
        jax.random.PRNGKey(0),
        builder.make_network(spec),
        itertools.repeat(next(batches)),
        lambda *_: loggers.NoOpLogger(),
        spec,
    )

    def sampled(samples: Iterator[Sample]) -> float:
        start = time.perf_counter()
        for _ in range(_BATCHES.value):
            jax.block_until_ready(next(samples).transitions)
        seconds = time.perf_counter() - start
        return config.batch_size * _BATCHES.value / seconds

    def learnt() -> float:
        start = time.perf_counter()
        for _ in range(_LEARNER_STEPS.value):
            learner.step()
        learner.check()
        seconds = time.perf_counter() - start
        return config.batch_size * _LEARNER_STEPS.value / seconds

    learner.step()  # Compiles.
    learner.check()
    rounds = [(sampled(batches), learnt()) for _ in range(_ROUNDS.value)]
    sampled_median, learnt_median = (
        statistics.median(x) for x in zip(*rounds, strict=True)
    )
    each = dataset.nbytes / len(dataset)
    return Result(
        game=game,
        n_step=n_step,
        transitions=len(dataset),
        bytes_per_transition=each,
        resident_bytes_per_transition=resident / len(dataset),
        gigabytes_of_published=each * _PUBLISHED * _FRACTION.value / 1e9,
        open_seconds_per_million=1e6 * dataset.open_seconds / dataset.total,
        sampled_per_second=sampled_median,
        learnt_per_second=learnt_median,
    )


def main(_: list[str]) -> None:
    """Prints a row a game and number of steps."""
    logging.set_verbosity(logging.ERROR)
    table = Table(
        {
            "game": "<13",
            "n": ">3",
            "held": ">7",
            "B each": ">8.0f",
            "resident": ">10.0f",
            "GB of 50M": ">11.1f",
            "s/million": ">11.1f",
            "drawn/s": ">9.0f",
            "learnt/s": ">10.0f",
            "times": ">7.1f",
        }
    )
    results = []
    for game in _GAMES.value:
        with tempfile.TemporaryDirectory() as folder:
            spec = record(game, Path(folder))
            for n_step in _N_STEPS.value:
                result = measure(game, Path(folder), spec, int(n_step))
                results.append(result)
                times = result.sampled_per_second / result.learnt_per_second
                table.add(*dataclasses.astuple(result), times)
    write_json(results)


if __name__ == "__main__":
    app.run(main)
