"""The Launchpad program of a distributed run: which nodes there are."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import launchpad as lp

from acme_moe import lazy, memory
from acme_moe.distributed import sealed
from acme_moe.distributed.config import DistributedConfig, check
from acme_moe.distributed.nodes import ReplayServerNode, ServiceNode, WorkerNode
from acme_moe.distributed.process import Supervision
from acme_moe.distributed.waits import Seconds
from acme_moe.runs.spec import OnlineRunSpec, RunSpec

COORDINATOR = "coordinator"

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
# Only the learner may see an accelerator.
_ON_THE_CPU = {**_QUIET, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
# All actors share the cores, so an actor with several threads would only make them
# take turns.
_ONE_THREAD = {
    **_ON_THE_CPU,
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
_XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"


def _lazily(module: str, name: str) -> Callable[..., Any]:
    """Returns a function that makes a node's object, and imports its module first.

    Launchpad's processes unpickle their nodes, and should not import what only the
    node's own process needs.
    """
    return sealed.function(f"acme_moe.distributed.{module}", name)


def import_parts() -> None:
    """Imports whatever nodes import."""
    from reverb import client, server

    from acme_moe.distributed import actor, evaluator, learner, replay

    del actor, client, evaluator, learner, replay, server


def make_distributed_program(
    spec: RunSpec,
    workdir: Path | str,
    config: DistributedConfig | None = None,
) -> lp.Program:
    """Makes the program of a run, to launch as it is or with nodes of your own added.

    Its groups are `coordinator`, `replay`, `learner`, `actor` and `evaluator`; a run on
    fixed data has neither replay nor actors. Every node uses the run's folder, so on
    several machines it has to be shared.

    Args:
      spec: the run, any agent of `acme_moe.agents`.
      workdir: its folder; if it holds a run, the program resumes it.
      config: settings of the distributed run.

    Returns:
      A program for one launch; make another one to launch again.

    Raises:
      ValueError: if the run cannot be distributed with these settings.
    """
    config = config or DistributedConfig()
    check(config, spec)
    workdir = Path(workdir).resolve()
    token = uuid.uuid4().hex
    program = lp.Program("acme_moe")

    def process(node: str, environment: Mapping[str, str]) -> Supervision:
        return Supervision(
            name=node,
            workdir=workdir,
            token=token,
            environment=dict(environment),
            quick_failures=config.quick_failures,
            quick_seconds=config.quick_seconds,
            launcher=os.getpid(),
        )

    flags = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), _XLA_ONE_THREAD]))
    acting = {**_ONE_THREAD, "XLA_FLAGS": flags}
    online = isinstance(spec, OnlineRunSpec)
    run, settings = sealed.Sealed(spec), sealed.Sealed(config)
    service = ("service", "CoordinatorService")
    if online:
        service = ("online_service", "OnlineCoordinatorService")
    replay: list[Any] = []

    with program.group(COORDINATOR):
        coordinator = program.add_node(
            ServiceNode(
                process(COORDINATOR, _ON_THE_CPU),
                _lazily(*service),
                *(run, workdir, settings, token),
                coordinator=None,
                # As it is, it would be unpickled with all that this module imports.
                preload=lazy.function(__name__, import_parts.__name__),
            )
        )
    if online:
        with program.group("replay"):
            for i in range(config.num_replay_servers):
                node = ReplayServerNode(
                    process(f"replay_{i}", _ON_THE_CPU),
                    _lazily("replay", "ReplayNode"),
                    *(run, workdir, settings, i),
                    coordinator=coordinator,
                )
                replay.append(program.add_node(node))
    with program.group("learner"):
        learner = program.add_node(
            ServiceNode(
                process("learner", {**_QUIET, **memory.variables()}),
                _lazily("learner", "LearnerNode"),
                *(replay, run, workdir),
                coordinator=coordinator,
                timeout=Seconds.CALL_FOR_PARAMETERS,
            )
        )
    if online:
        with program.group("actor"):
            for i in range(config.num_actors):
                server = replay[i % len(replay)]
                program.add_node(
                    WorkerNode(
                        process(f"actor_{i}", acting),
                        _lazily("actor", "ActorNode"),
                        *(learner, server, run, settings, i),
                        coordinator=coordinator,
                    )
                )
    with program.group("evaluator"):
        program.add_node(
            WorkerNode(
                process("evaluator", acting),
                _lazily("evaluator", "EvaluatorNode"),
                *(learner, run),
                coordinator=coordinator,
            )
        )
    return program
