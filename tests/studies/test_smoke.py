"""A study of two small networks on a real game, from the sweep to the report."""

import json
import textwrap

import pytest

from tests.programs import launch, rows

STUDY = textwrap.dedent(
    '''
    """Two runs."""

    from acme_moe.studies import catalogue
    from acme_moe.studies.study import Study


    def get_study():
        """DQN without and with a mixture, both small."""
        return Study(
            name="two_runs",
            title="Two runs",
            games=("Asterix",),
            arms=catalogue.arms(
                (catalogue.DQN,),
                (catalogue.BASELINE, catalogue.SOFT_MOE),
                {"network.encoder": "nature_cnn", "network.num_experts": 2},
            ),
        )
    '''
)
RUNS = ["dqn-baseline/Asterix/0", "dqn-soft_moe/Asterix/0"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The arguments of a study that has been run, and what the sweep said."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "two_runs.py").write_text(STUDY)
    arguments = [f"--study={folder}/two_runs.py", f"--workdir={folder}/runs"]
    return folder / "runs", arguments, launch("sweep.py", *arguments)


def test_every_run_is_finished(study):
    workdir, _, done = study
    assert done.returncode == 0, done.stdout + done.stderr
    for name in RUNS:
        assert f"{name} finished after" in done.stdout
        summary = json.loads((workdir / name / "summary.json").read_text())
        assert summary["status"] == "finished"
        assert summary["agent_steps"] == 160


def test_a_second_sweep_has_nothing_to_do(study):
    workdir, arguments, _ = study
    before = (workdir / RUNS[0] / "scores.csv").read_bytes()
    again = launch("sweep.py", *arguments)
    assert again.returncode == 0
    assert "started" not in again.stdout
    assert (workdir / RUNS[0] / "scores.csv").read_bytes() == before


def test_hours_are_those_of_the_finished_runs(study):
    _, arguments, _ = study
    listed = launch("sweep.py", *arguments, "--dry_run")
    assert "2 runs: 320 agent steps, 50 updates" in listed.stdout
    assert "at the speed of the finished runs here: 0.0 for 2 runs" in listed.stdout


@pytest.mark.parametrize("kind", ["shell", "slurm"])
def test_nothing_is_left_to_print(study, kind):
    _, arguments, _ = study
    printed = launch("sweep.py", *arguments, f"--print_commands={kind}")
    assert (printed.returncode, printed.stdout) == (0, "")
    assert printed.stderr == "nothing is left to start\n"


def test_the_report_shows_both(study, tmp_path):
    workdir, _, _ = study
    done = launch("report.py", f"--workdir={workdir}", f"--out={tmp_path}", "--reps=50")
    assert done.returncode == 0, done.stderr
    assert "DQN: 1 game, 1 seed" in done.stdout
    assert "missing" not in done.stdout
    table = rows(tmp_path / "aggregates.csv")
    assert {row["line"] for row in table} == {"Baseline", "Soft MoE"}
    assert {row["scores"] for row in table} == {"evaluation", "training"}
    for name in ("curves", "wall_time"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_an_unknown_study_ends_at_once():
    done = launch("sweep.py", "--study=figure_2", "--workdir=/nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: study: 'figure_2' is not known; accepted:")


def test_a_lock_that_cannot_be_read_is_named(tmp_path):
    lock = tmp_path / "dqn-baseline/Asterix/0/sweep.lock"
    lock.parent.mkdir(parents=True)
    # A loop, which nobody can read.
    lock.symlink_to(lock)
    done = launch("sweep.py", "--study=figure_7", f"--workdir={tmp_path}", "--status")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert str(lock) in done.stderr
    assert "Traceback" not in done.stderr
