"""The Launchpad program of a distributed run."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import launchpad as lp

from acme_moe import memory
from acme_moe.experiments.config import AnyExperiment, Experiment
from acme_moe.experiments.distributed.nodes import (
    Lazy,
    SupervisedNode,
    SupervisedReplay,
    SupervisedWorker,
)
from acme_moe.experiments.distributed.settings import DistributedConfig
from acme_moe.experiments.distributed.supervisor import Supervision

COORDINATOR = "coordinator"

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
# Only the learner may see an accelerator.
_ON_THE_CPU = {**_QUIET, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
# The cores are shared by all actors; one that took several would only take turns
# with itself.
_ONE_THREAD = {
    **_ON_THE_CPU,
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
_XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"


def make_distributed_program(
    experiment: AnyExperiment,
    workdir: Path | str,
    config: DistributedConfig | None = None,
    *,
    name: str = "acme_moe",
) -> lp.Program:
    """The program of a run: launch it as it is, or add nodes of your own before.

    Its groups are `coordinator`, `replay`, `learner`, `actor` and `evaluator`; a run on
    fixed data has neither replay nor actors. Every node uses the run's folder, so on
    several machines it has to be shared.

    Args:
      experiment: the settings of the run, any agent of `acme_moe.agents`.
      workdir: the run's folder; if it holds a run, the program goes on with it.
      config: of the distribution.
      name: of the program.

    Returns:
      A program for one launch; make another one to launch again.
    """
    config = config or DistributedConfig()
    workdir = Path(workdir).resolve()
    token = uuid.uuid4().hex
    program = lp.Program(name)

    def supervision(node: str, environment: dict[str, str]) -> Supervision:
        return Supervision(
            name=node,
            workdir=workdir,
            token=token,
            environment=environment,
            quick_failures=config.quick_failures,
            quick_seconds=config.quick_seconds,
            launcher=os.getpid(),
        )

    flags = " ".join(filter(None, [os.environ.get("XLA_FLAGS"), _XLA_ONE_THREAD]))
    acting = {**_ONE_THREAD, "XLA_FLAGS": flags}
    with program.group(COORDINATOR):
        node = SupervisedNode(
            supervision(COORDINATOR, _ON_THE_CPU),
            Lazy("coordinator", "Coordinator"),
            experiment,
            workdir,
            config,
            token,
        )
        coordinator = program.add_node(node)
    address = node.courier_address
    acts = isinstance(experiment, Experiment)
    replay: list[Any] = []
    if acts:
        with program.group("replay"):
            replay = [
                program.add_node(
                    SupervisedReplay(
                        supervision(f"replay_{i}", _ON_THE_CPU),
                        Lazy("replay", "ReplayNode"),
                        experiment,
                        workdir,
                        config,
                        i,
                        coordinator,
                        coordinator=address,
                    )
                )
                for i in range(config.num_replay_servers)
            ]
    with program.group("learner"):
        learner = program.add_node(
            SupervisedNode(
                supervision("learner", {**_QUIET, **memory.variables()}),
                Lazy("learner", "LearnerNode"),
                experiment,
                workdir,
                coordinator,
                replay,
                coordinator=address,
                # Parameters of a large network take their time.
                timeout=60.0,
            )
        )
    if acts:
        with program.group("actor"):
            for i in range(config.num_actors):
                program.add_node(
                    SupervisedWorker(
                        supervision(f"actor_{i}", acting),
                        Lazy("actor", "ActorNode"),
                        experiment,
                        config,
                        i,
                        coordinator,
                        learner,
                        replay[i % len(replay)],
                        coordinator=address,
                    )
                )
    with program.group("evaluator"):
        program.add_node(
            SupervisedWorker(
                supervision("evaluator", acting),
                Lazy("evaluator", "EvaluatorNode"),
                experiment,
                coordinator,
                learner,
                coordinator=address,
            )
        )
    return program
