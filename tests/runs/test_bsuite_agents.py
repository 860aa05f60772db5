"""Every agent end to end on bsuite's Catch, as its config file has it."""

import json
import math

import pytest

import acme_moe
from acme_moe import agents
from acme_moe.cli import config_fields
from acme_moe.runs import config as config_lib
from acme_moe.runs.offline import OfflineRun
from acme_moe.runs.online import OnlineRun
from tests.programs import rows

CART_POLE = (
    "game=cart_pole",
    "network.encoder=mlp",
    "network.tokenizer=per_samp",
    "network.mlp_widths=(16,)",
)
IMAGES = (
    "environment.catch_rows=6",
    "environment.catch_image=True",
    "network.encoder=nature_cnn",
)
GAMES = {"catch": IMAGES, "cart_pole": CART_POLE}
SMALL = (
    "environment.name=bsuite",
    "network.num_experts=2",
    "network.expert_width=8",
    "batch_size=4",
    "evaluation_episodes=1",
)
ONLINE = (
    "max_agent_steps=160",
    "min_replay_size=60",
    "max_replay_size=1000",
    "replay_ratio=0.25",
    "evaluation_every=160",
    "log_every_seconds=1e-6",
)
MORE = {
    "rainbow": ("network.moe=top1",),
    "der": ("replay_ratio=1.0",),
    "drq_eps": ("crop_padding=1", "replay_ratio=2.0", "network.moe=none"),
    "offline_dqn": ("conservative_weight=0.0",),
    "behavior_cloning": ("conservative_weight=1.0", "td_weight=0.0"),
    "r2d2": (
        "lstm_size=8",
        "head_width=8",
        "burn_in_length=2",
        "trace_length=4",
        "sequence_period=2",
        "num_environments=2",
    ),
}
OFFLINE = ("num_iterations=2", "updates_per_iteration=6")
PRESETS = {"offline_dqn": "cql", "behavior_cloning": "cql"}
OFFLINE_AGENTS = ("cql", "cql_c51", "offline_dqn", "behavior_cloning")
ONLINE_AGENTS = tuple(name for name in agents.AGENTS if name not in OFFLINE_AGENTS)


def make_spec(agent, *settings):
    """The run of a command line, `--config.FIELD=VALUE` for each setting."""
    preset = config_lib.load_config(f"{PRESETS.get(agent, agent)}_atari")
    fields = (f"agent={agent}", *SMALL, *settings, *MORE.get(agent, ()))
    flags = [f"--config.{field}" for field in fields]
    return config_lib.from_config_dict(
        config_fields.set_fields(preset, ["run", *flags])
    )


@pytest.mark.parametrize(
    ("agent", "game"),
    [
        *((agent, "catch") for agent in ONLINE_AGENTS),
        # Vectors. Networks without a memory have them in `test_suites`.
        ("r2d2", "cart_pole"),
    ],
)
def test_it_trains_resumes_and_loads(agent, game, tmp_path):
    settings = (*ONLINE, *GAMES[game])
    spec = make_spec(agent, *settings)
    ratio = spec.agent.replay_ratio
    with OnlineRun(spec, tmp_path) as run:
        summary = run.run()
    assert summary["learner_steps"] == ratio * 100
    assert summary["replay_ratio_realised"] == ratio
    longer = make_spec(agent, *settings, "max_agent_steps=200")
    config_lib.check_resumes(longer, tmp_path)
    with OnlineRun(longer, tmp_path) as run:
        assert run.position == 160
        run.run()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["status"], summary["agent"]) == ("finished", agent)
    assert summary["learner_steps"] == ratio * 140
    log = rows(tmp_path / "learner.csv")
    assert int(log[-1]["learner_steps"]) == ratio * 140
    for row in log:
        steps = int(row["agent_steps"]) - 60
        assert int(row["learner_steps"]) <= math.floor(ratio * steps)
    loaded = acme_moe.load(tmp_path)
    observation = loaded.make_environment().reset().observation
    assert loaded.act(observation) in range(3)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The set of a run on Catch."""
    folder = tmp_path_factory.mktemp("recorded")
    settings = (*ONLINE, *IMAGES, f"record={folder / 'set'}", "evaluation_episodes=0")
    with OnlineRun(make_spec("dqn", *settings), folder / "run") as run:
        run.run()
    return folder / "set"


@pytest.mark.parametrize("agent", OFFLINE_AGENTS)
def test_it_learns_from_what_another_recorded(agent, recorded, tmp_path):
    spec = make_spec(agent, *OFFLINE, *IMAGES, f"dataset.path={recorded}")
    with OfflineRun(spec, tmp_path) as run:
        summary = run.run()
    assert (summary["status"], summary["agent"]) == ("finished", agent)
    assert summary["learner_steps"] == 12
    assert summary["dataset_total_transitions"] > 120
    assert -1 <= summary["evaluation_return_mean"] <= 1
