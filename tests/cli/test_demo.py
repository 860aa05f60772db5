"""The demonstration, on a game that is smaller than its own."""

from tests.programs import run_python

FIELDS = {
    "environment.name": "minatar",
    "game": "Breakout",
    "network.encoder": "minatar_cnn",
    "network.expert_width": 4,
    "max_agent_steps": 60,
    "min_replay_size": 20,
    "evaluation_every": 30,
    "final_evaluation_episodes": 2,
}


def demo(workdir, **fields):
    words = [f"--config.{name}={value}" for name, value in {**FIELDS, **fields}.items()]
    return run_python("-m", "acme_moe.cli.demo", *words, f"--workdir={workdir}")


def test_it_trains_anew_each_time_and_shows_what_came_of_it(tmp_path):
    for name in ("demo", "demo-2"):
        result = demo(tmp_path / "demo")
        assert result.returncode == 0, result.stderr
        table = dict(line.split("  ", 1) for line in result.stdout.splitlines() if line)
        assert table["agent steps"].strip() == "60"
        assert table["curve"].strip() == str(tmp_path / name / "curve.png")
        assert (tmp_path / name / "curve.png").stat().st_size > 0


def test_an_environment_that_cannot_be_made_is_told_in_a_line(tmp_path):
    fields = {"environment.name": "gymnasium", "game": "NoSuch-v0"}
    result = demo(tmp_path, **fields)
    assert result.returncode == 1
    assert result.stderr.startswith("error: "), result.stderr
