"""Speed of distributed runs on this machine, beside a single process and Reverb alone.

    python benchmarks/distributed.py --actors=1,2,4

Each run trains DQN with Soft MoE on a real game; rates are read off its learner's
log, past its first fifth, so that starting and compiling do not count. The runs take
turns, round after round; medians are printed, and each round's updates/s are compared
with the same round's single process. The share of the CPU that is left idle, and the
CPU time per update, are those of the whole machine meanwhile. Agent steps may run
ahead of updates by as much as with the agents' usual warm-up. Reverb alone is one
server in a process of its own, to which one adder writes the same transitions as fast
as it can, and from which one iterator then takes batches; inserts/s stand as steps/s.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from absl import app, flags
from common import add_play, random_play, read_rows
from tables import Table, write_json

if TYPE_CHECKING:
    from acme_moe.runs.spec import OnlineRunSpec

_ACTORS = flags.DEFINE_list("actors", ["1", "2", "4"], "Numbers of actors.")
_REPLAY_SERVERS = flags.DEFINE_integer("replay_servers", 1, "Reverb servers.")
_GAME = flags.DEFINE_string("game", "Pong", "Game to play.")
_ENCODER = flags.DEFINE_string("encoder", "nature_cnn", "Encoder of the network.")
_RATIO = flags.DEFINE_float("replay_ratio", 0.25, "Updates per agent step.")
_STEPS = flags.DEFINE_integer("steps", 2_100, "Agent steps of a run.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds in which all runs take turns.")
_TRANSITIONS = flags.DEFINE_integer("transitions", 5_000, "For Reverb alone.")

_LAUNCHERS = Path(__file__).resolve().parent.parent / "launchers"
_BATCH_SIZE = 32
_WARM_UP = 500
# Agent steps that may run ahead of updates: 1 % of the agents' usual warm-up.
_MAX_LEAD = 200
# Share of the learner's rows; by then it has compiled and all processes run.
_LEFT_OUT = 0.2


@dataclasses.dataclass
class Result:
    """Figures of one run; ages are None in a single process.

    Attributes:
      of_single: updates/s over those of the same round's single process.
      cpu_ms_per_update: of everything that ran on the machine.
    """

    run: str
    agent_steps_per_second: float
    updates_per_second: float
    of_single: float
    idle: float
    cpu_ms_per_update: float
    inserts_per_second: float
    samples_per_second: float
    parameter_age_seconds: float | None
    parameter_age_updates: float | None


def _spec() -> OnlineRunSpec:
    from acme_moe.agents.dqn import DQNConfig
    from acme_moe.networks import NetworkConfig
    from acme_moe.runs.run_config import OnlineRunConfig
    from acme_moe.runs.spec import OnlineRunSpec

    return OnlineRunSpec(
        run=OnlineRunConfig(
            game=_GAME.value,
            max_agent_steps=_STEPS.value,
            evaluation_episodes=0,
            checkpoint_every_minutes=1e6,
            log_every_seconds=0.1,
        ),
        agent=DQNConfig(
            network=NetworkConfig(
                encoder=_ENCODER.value, moe="soft", num_experts=4, expert_width=64
            ),
            replay_ratio=_RATIO.value,
            min_replay_size=_WARM_UP,
            batch_size=_BATCH_SIZE,
            max_replay_size=max(_WARM_UP, _STEPS.value),
            samples_per_insert_tolerance=_MAX_LEAD / _WARM_UP,
        ),
    )


def measure(
    name: str, launcher: str, arguments: list[str], single: Result | None
) -> Result:
    """Starts one run as a user would, and reads what it left.

    Args:
      name: of the row.
      launcher: the program.
      arguments: its flags, beside config and folder.
      single: the single process's figures of the same round, None for itself.
    """
    from acme_moe.runs.config import config_json

    spec = _spec()
    updates = _RATIO.value * (_STEPS.value - _WARM_UP)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "settings.json"
        config.write_text(config_json(spec))
        workdir = Path(folder) / "run"
        process = subprocess.Popen(
            [
                *(sys.executable, str(_LAUNCHERS / launcher)),
                *(f"--config={config}", f"--workdir={workdir}", *arguments),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = after = None
        while process.poll() is None:
            rows = read_rows(workdir / "learner.csv")
            taken = int(rows[-1]["learner_steps"]) if rows else 0
            if before is None and taken >= _LEFT_OUT * updates:
                before = taken, psutil.cpu_times()
            if after is None and taken >= 0.95 * updates:
                after = taken, psutil.cpu_times()
            time.sleep(0.1)
        if process.returncode:
            raise RuntimeError(f"{name}: ended with status {process.returncode}")
        rows = read_rows(workdir / "learner.csv")
        summary = json.loads((workdir / "summary.json").read_text())
    assert before is not None
    assert after is not None
    rows = rows[int(_LEFT_OUT * len(rows)) :]
    first, last = rows[0], rows[-1]

    def rate(field: str) -> float:
        counted = float(last[field]) - float(first[field])
        return counted / (
            float(last["learner_walltime"]) - float(first["learner_walltime"])
        )

    spent = [late - early for early, late in zip(before[1], after[1], strict=True)]
    idle = spent[before[1]._fields.index("idle")]
    updates_per_second = rate("learner_steps")
    return Result(
        run=name,
        agent_steps_per_second=rate("agent_steps"),
        updates_per_second=updates_per_second,
        of_single=updates_per_second / single.updates_per_second if single else 1.0,
        idle=idle / sum(spent),
        cpu_ms_per_update=1_000 * (sum(spent) - idle) / (after[0] - before[0]),
        inserts_per_second=rate("agent_steps"),
        samples_per_second=_BATCH_SIZE * rate("learner_steps"),
        parameter_age_seconds=summary.get("parameter_age_seconds"),
        parameter_age_updates=summary.get("parameter_age_updates"),
    )


def _serve(connection: Connection, spec: OnlineRunSpec) -> None:
    """Runs nothing but the server, in a process of its own."""
    from acme import specs

    from acme_moe import agents, replay
    from acme_moe.runs.assembly import make_environment

    builder = agents.load_builder(spec.run.agent, spec.agent)
    environment_spec = specs.make_environment_spec(make_environment(spec, 0))
    server, _ = replay.start_server(builder.make_replay_tables(environment_spec))
    connection.send(server.port)
    connection.recv()
    server.stop()


def measure_reverb() -> tuple[float, float]:
    """Returns inserts/s and samples/s of the same items, of a server by itself."""
    import jax
    import reverb
    from acme import specs

    from acme_moe import agents
    from acme_moe.runs.assembly import make_environment

    spec = _spec()
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, spec), daemon=True)
    process.start()
    theirs.close()  # Or its end would not be seen.
    environment = make_environment(spec, 1)
    environment_spec = specs.make_environment_spec(environment)
    play = list(random_play(environment, _TRANSITIONS.value))
    builder = agents.load_builder(spec.run.agent, spec.agent)
    client = reverb.Client(f"127.0.0.1:{mine.recv()}")
    adder = builder.make_adder(client, environment_spec)
    start = time.perf_counter()
    add_play(adder, play)
    adder.flush()
    inserts = _TRANSITIONS.value / (time.perf_counter() - start)
    batches = builder.make_dataset_iterator(client)
    jax.block_until_ready(next(batches).transitions)
    count = max(1, _TRANSITIONS.value // _BATCH_SIZE)
    start = time.perf_counter()
    for _ in range(count):
        jax.block_until_ready(next(batches).transitions)
    samples = count * _BATCH_SIZE / (time.perf_counter() - start)
    adder.close()
    mine.send("stop")
    process.join()
    return inserts, samples


def _median(rounds: list[Result]) -> Result:
    """Returns the median over the rounds, of each figure by itself."""

    def middle(field: str) -> Any:
        values = [getattr(result, field) for result in rounds]
        return None if None in values else statistics.median(values)

    fields = [field.name for field in dataclasses.fields(Result)]
    return Result(rounds[0].run, *(middle(field) for field in fields[1:]))


def main(_: list[str]) -> None:
    """Prints a row a run, and Reverb alone below."""
    runs: list[tuple[str, str, list[str]]] = [("single process", "train.py", [])]
    for actors in _ACTORS.value:
        arguments = [
            f"--num_actors={actors}",
            f"--num_replay_servers={_REPLAY_SERVERS.value}",
        ]
        name = f"{actors} actor{'' if actors == '1' else 's'}"
        runs.append((name, "train_distributed.py", arguments))
    rounds: list[list[Result]] = []
    for number in range(_ROUNDS.value):
        results: list[Result] = []
        for name, launcher, arguments in runs:
            single = results[0] if results else None
            results.append(measure(name, launcher, arguments, single))
            print(
                f"round {number + 1}, {name}: "
                f"{results[-1].updates_per_second:.2f} updates/s",
                file=sys.stderr,
            )
        rounds.append(results)
    table = Table(
        {
            "run": "<16",
            "steps/s": ">9.1f",
            "updates/s": ">11.2f",
            "of one": ">8.2f",
            "CPU idle": ">10.1%",
            "CPU ms": ">8.0f",
            "samples/s": ">11.1f",
            "age s": ">8.2f",
            "age updates": ">13.1f",
        }
    )
    medians = [_median(list(row)) for row in zip(*rounds, strict=True)]
    for result in medians:
        figures = dataclasses.asdict(result)
        del figures["inserts_per_second"]  # One a step.
        table.add(*figures.values())
    inserts, samples = measure_reverb()
    table.add("Reverb alone", inserts, *[None] * 4, samples, None, None)
    write_json(
        {
            "medians": medians,
            "rounds": rounds,
            "reverb_alone": {
                "inserts_per_second": inserts,
                "samples_per_second": samples,
            },
        }
    )


if __name__ == "__main__":
    app.run(main)
