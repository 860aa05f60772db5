"""A project's program: R2D2 as threads of one process, and a node of the project's.

python -m tests.distributed.own_program WORKDIR
"""

import json
import os
import sys
import time
from pathlib import Path

import launchpad as lp

import acme_moe  # noqa: F401
from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.process import RunEndedError
from acme_moe.distributed.program import make_distributed_program
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec
from tests.runs import tiny

SPEC = OnlineRunSpec(
    run=OnlineRunConfig(
        agent="r2d2",
        game="Pong",
        max_agent_steps=200,
        evaluation_episodes=0,
        log_every_seconds=1e-6,
    ),
    agent=R2D2Config(
        network=tiny.NETWORK,
        min_replay_size=100,
        batch_size=4,
        replay_ratio=0.25,
        lstm_size=8,
        head_width=8,
        burn_in_length=4,
        trace_length=8,
        sequence_period=4,
    ),
)


def watch(coordinator, file):
    """The project's node: notes how far the run was each time it asked."""
    seen = []
    while True:
        try:
            status = coordinator.status()
        except RunEndedError:
            return
        seen.append([status["agent_steps"], status["replay_size"]])
        file.write_text(json.dumps(seen))
        if status["agent_steps"] == SPEC.run.max_agent_steps:
            return
        time.sleep(0.05)


def main(workdir):
    program = make_distributed_program(
        SPEC,
        workdir,
        DistributedConfig(num_actors=1, apex_epsilon=0.4),
    )
    (coordinator,) = program.groups["coordinator"]
    program.add_node(
        lp.PyNode(watch, coordinator.create_handle(), workdir / "seen.json"),
        label="watcher",
    )
    lp.launch(program, launch_type="local_mt").wait()
    # Threads of servers may still be there, and the interpreter would wait for them.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
