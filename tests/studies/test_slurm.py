"""A sweep through a real SLURM of two nodes, one of which dies in the middle."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import portpicker
import psutil
import pytest

from tests.programs import ROOT, rows

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"

pytestmark = pytest.mark.skipif(
    not all(shutil.which(program, path=PATH) for program in PROGRAMS),
    reason="SLURM is not installed; on Debian: apt-get install slurm-wlm munge",
)

STUDY = textwrap.dedent(
    """
    from acme_moe.studies import catalogue
    from acme_moe.studies.study import Study


    def get_study():
        return Study(
            name="many_runs",
            title="Many runs",
            games=("Breakout", "Asterix", "Freeway"),
            num_seeds=1,
            arms=catalogue.arms(
                (catalogue.DQN_MINATAR,),
                (catalogue.BASELINE, catalogue.SOFT_MOE),
                {
                    "network.num_experts": 2,
                    "network.expert_width": 16,
                    "batch_size": 8,
                    "max_agent_steps": 1_500,
                    "min_replay_size": 100,
                    "evaluation_every": 750,
                    "evaluation_episodes": 1,
                    "final_evaluation_episodes": 1,
                    "environment.max_episode_steps": 500,
                },
            ),
        )
    """
)


class Cluster:
    """A controller and two nodes."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SLURM_CONF": str(folder / "slurm.conf"),
            "SLURM_PORT": str(portpicker.pick_unused_port()),
        }

    def control(self, command):
        self("bash", str(ROOT / "scripts" / "slurm.sh"), command, str(self.folder))

    def __call__(self, *command, **options):
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env=self.environment,
            **options,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kill(self, node):
        """Kills a node's daemon and what runs on it, all at once."""
        os.kill(int((self.folder / f"{node}.pid").read_text()), 9)
        mine = (node, self.environment["SLURM_CONF"])
        for process in psutil.process_iter():
            try:
                has = process.environ()
                if (has.get("SLURMD_NODENAME"), has.get("SLURM_CONF")) == mine:
                    for parent in process.parents():
                        if parent.name().startswith("slurmstepd"):
                            parent.kill()
                    process.kill()
            except psutil.Error:
                continue


@pytest.fixture
def cluster():
    # Below /tmp, for paths of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="slurm_", dir="/tmp"))
    cluster = Cluster(folder)
    try:
        cluster.control("start")
        yield cluster
    finally:
        cluster.control("stop")
        shutil.rmtree(folder)


def until(condition, seconds=300):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
    return value


# Cells start in the order of the plan, and are the tasks of the array.
CELLS = [
    f"dqn-{arm}/{game}/0"
    for game in ("Breakout", "Asterix", "Freeway")
    for arm in ("baseline", "soft_moe")
]


def test_a_sweep_survives_the_death_of_a_node(cluster, tmp_path):
    (tmp_path / "many_runs.py").write_text(STUDY)
    workdir = tmp_path / "runs"
    flags = ("--study=many_runs.py", "--scale=paper", f"--workdir={workdir}")

    def sweep(*more):
        command = (sys.executable, "-m", "acme_moe.cli.sweep", *flags, *more)
        return cluster(*command, cwd=tmp_path)

    script = sweep("--print_commands=slurm", "--parallel=2")
    job = cluster("sbatch", "--parsable", input=script, cwd=tmp_path).strip()

    def left():
        return cluster("squeue", "-h", "-j", job)

    def running_on(node):
        assert left(), "ended too early"
        tasks = cluster("squeue", "-h", "-w", node, "-t", "R", "-o", "%K").split()
        return [t for t in tasks if (workdir / CELLS[int(t)] / "scores.csv").exists()]

    task, *_ = until(lambda: running_on("node2"))
    cluster.kill("node2")
    until(lambda: not left())

    assert "Restarts=0" not in cluster("scontrol", "show", "job", f"{job}_{task}")
    total = sweep("--status").splitlines()[-1]
    assert total.split() == ["all", "6", "0", "0", "0", "0"]
    assert sweep("--print_commands=slurm") == ""

    out = tmp_path / "report"
    cluster(
        *(sys.executable, "-m", "acme_moe.cli.report", f"--workdir={workdir}"),
        *(f"--out={out}", "--reps=50"),
    )
    assert len(rows(out / "runs.csv")) == 6
    assert rows(out / "missing.csv") == []
