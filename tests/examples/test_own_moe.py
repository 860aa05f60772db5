"""The package of the example is what its text says, and goes wherever parts go."""

import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from acme_moe.agents import dqn
from acme_moe.networks import NetworkConfig, make_network
from tests.agents import agents
from tests.agents.test_learning import SOLVED, learned_return
from tests.programs import NOT_OPTIMIZED, ROOT, run_python

ROWS = "own_moe.tokens:Rows"
CHOICE = "own_moe.routing:ExpertChoice"


def own(**changes):
    return NetworkConfig(tokenizer=ROWS, moe=CHOICE, **changes)


def test_each_expert_takes_what_it_scores_highest():
    network = make_network(own(encoder="nature_cnn", num_experts=3, expert_width=8), 4)
    images = np.random.default_rng(0).integers(0, 256, (2, 84, 84, 4), np.uint8)
    params = jax.jit(network.init)(jax.random.PRNGKey(0), images)
    output = jax.jit(network.apply, static_argnums=3)(params, None, images, True)
    assert output.q_values.shape == (2, 4)
    moe = output.moe
    # 11 rows, so that each of 3 experts has 4 slots.
    assert moe.dispatch_weights.shape == (2, 11, 3, 4)
    np.testing.assert_allclose(moe.dispatch_weights.sum(axis=1), 1, rtol=1e-5)
    least_taken = jnp.where(moe.dispatch_weights.any(axis=-1), moe.probabilities, 2)
    most_left = jnp.where(moe.dispatch_weights.any(axis=-1), -1, moe.probabilities)
    assert (least_taken.min(axis=1) >= most_left.max(axis=1)).all()
    np.testing.assert_allclose(moe.load.sum(axis=1) + moe.dropped, 1, rtol=1e-5)


def test_its_options_count():
    options = {"moe_options": {"top_k": 2}, "tokenizer_options": {"height": 3}}
    config = own(encoder="nature_cnn", num_experts=3, expert_width=8, **options)
    network = make_network(config, 4)
    images = np.zeros((1, 84, 84, 4), np.uint8)
    output = jax.eval_shape(
        lambda: network.apply(network.init(jax.random.key(0), images), None, images, 1)
    )
    assert output.moe.dispatch_weights.shape == (1, 3, 3, 2)


@pytest.fixture
def optimised():
    """Programs that are called thousands of times are worth optimising."""
    jax.config.update(NOT_OPTIMIZED, False)
    yield
    jax.config.update(NOT_OPTIMIZED, True)


@pytest.mark.usefixtures("optimised")
def test_it_learns_catch():
    config = agents.make_builder("dqn", "image").config
    network = dataclasses.replace(config.network, tokenizer=ROWS, moe=CHOICE)
    builder = dqn.DQNBuilder(dataclasses.replace(config, network=network))
    games = (agents.catch(number, image=True) for number in (0, 10))
    assert learned_return(builder, *games, 0) >= SOLVED


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder with the package, outside of the repository."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ROOT / "examples" / "own_moe" / "own_moe", folder / "own_moe")
    return folder


def start(folder, command, *arguments):
    """Runs a command in a folder, and finds nothing else there or in the examples."""
    program = ROOT / "launchers" / f"{command}.py"
    return run_python(program, *arguments, cwd=folder, env={"PYTHONPATH": str(ROOT)})


LAYER = (
    f"--config.network.tokenizer={ROWS}",
    f"--config.network.moe={CHOICE}",
    "--config.network.moe_options.top_k=2",
)
SMALL = (
    *("--config.network.encoder=nature_cnn", "--config.network.num_experts=2"),
    *("--config.network.expert_width=8", "--config.evaluation_episodes=0"),
    *("--config.min_replay_size=100", "--config.batch_size=4"),
)


@pytest.fixture(scope="module")
def trained(elsewhere):
    """A run of the command line."""
    arguments = ("--config=dqn_atari", "--workdir=run", *LAYER, *SMALL)
    return start(elsewhere, "train", *arguments, "--config.max_agent_steps=120")


def test_a_run_is_trained_and_says_so(elsewhere, trained):
    assert trained.returncode == 0, trained.stderr
    run = elsewhere / "run"
    network = json.loads((run / "config.json").read_text())["network"]
    assert network["moe_options"] == {"top_k": 2}
    assert network["tokenizer_options"] == {"height": 1}
    assert json.loads((run / "summary.json").read_text())["moe"] == CHOICE


def test_it_is_resumed_with_its_own_options_only(elsewhere, trained):
    other = start(
        elsewhere, "train", "--workdir=run", "--config.network.moe_options.top_k=3"
    )
    assert other.returncode == 2
    assert "network.moe_options.top_k: 2 there, 3 now" in other.stderr
    more = start(elsewhere, "train", "--workdir=run", "--config.max_agent_steps=160")
    assert more.returncode == 0, more.stderr
    summary = json.loads((elsewhere / "run" / "summary.json").read_text())
    assert summary["agent_steps"] == 160


def test_it_is_filmed(elsewhere, trained):
    film = start(elsewhere, "watch", "--checkpoint=run", "--out=a.gif", "--max_steps=3")
    assert film.returncode == 0, film.stderr
    assert (elsewhere / "a.gif").stat().st_size
    assert "without maps" not in film.stdout


def test_without_the_package_the_run_says_what_is_missing(elsewhere, trained):
    nowhere = elsewhere / "run"
    again = start(nowhere, "train", f"--workdir={nowhere}")
    assert again.returncode == 2
    assert again.stderr.startswith("error: network.tokenizer: 'own_moe.tokens:Rows' is")
    assert "No module named 'own_moe'; accepted: patches_conv, " in again.stderr
    film = start(nowhere, "watch", f"--checkpoint={nowhere}", "--out=a.gif")
    assert film.returncode == 1
    assert film.stderr.startswith("error: network.tokenizer: 'own_moe.tokens:Rows' is")


def test_it_is_trained_in_many_processes_in_an_environment_from_outside(elsewhere):
    """Each process imports both anew."""
    network = {
        "encoder": "mlp",
        "mlp_widths": (16,),
        "tokenizer": "per_samp",
        "moe": CHOICE,
        "moe_options.top_k": 2,
        "num_experts": 2,
        "expert_width": 8,
    }
    done = start(
        elsewhere,
        "train_distributed",
        *("--config=dqn_atari", "--workdir=many", "--num_actors=1"),
        *(f"--config.network.{name}={value}" for name, value in network.items()),
        "--config.environment.name=tests.corridor:corridor",
        *("--config.environment.length=6", "--config.evaluation_episodes=2"),
        *("--config.min_replay_size=100", "--config.batch_size=4"),
        "--config.max_agent_steps=200",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((elsewhere / "many" / "summary.json").read_text())
    assert (summary["status"], summary["moe"]) == ("finished", CHOICE)
    assert summary["game"] == "corridor"
    assert summary["learner_steps"] == 25
    assert 0 <= summary["evaluation_return_mean"] <= 1
    assert summary["evaluation_human_normalized_score"] is None


STUDY = f'''
from acme_moe.studies import catalogue
from acme_moe.studies.study import Study

OWN = catalogue.Layer(
    "Expert choice",
    {{
        "network.tokenizer": "{ROWS}",
        "network.moe": "{CHOICE}",
        "network.moe_options.top_k": 2,
    }},
)


def get_study():
    return Study(
        name="own",
        title="Does expert choice help?",
        games=("Asterix",),
        arms=catalogue.arms(
            (catalogue.DQN,), (OWN,), {{"network.encoder": "nature_cnn"}}
        ),
    )
'''


def test_it_is_an_arm_of_a_study(elsewhere):
    (elsewhere / "own_study.py").write_text(STUDY)
    done = start(elsewhere, "sweep", "--study=own_study.py", "--workdir=study")
    assert done.returncode == 0, done.stdout + done.stderr
    run = elsewhere / "study" / "dqn-expert_choice" / "Asterix" / "0"
    assert json.loads((run / "summary.json").read_text())["status"] == "finished"
    report = start(elsewhere, "report", "--workdir=study", "--out=report")
    assert report.returncode == 0, report.stderr
    assert "Expert choice" in (elsewhere / "report" / "report.md").read_text()
