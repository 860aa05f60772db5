"""The agent of a run's folder: the run's own in evaluation, without what trained it."""

import dataclasses
import subprocess
import sys

import distrax
import jax
import numpy as np
import pytest

import acme_moe
from acme_moe import agents
from acme_moe.agents import acting
from acme_moe.disk import DiskError
from acme_moe.learning import ActingVariables
from acme_moe.runs import config as config_lib
from acme_moe.runs import online, trained
from acme_moe.runs.assembly import Parts, make_environment
from acme_moe.runs.checkpoint import DamagedCheckpointError, OtherStateError
from tests.runs import tiny
from tests.runs.stored import store

STEPS = 8
SMALL = {"encoder": "nature_cnn", "num_experts": 2, "expert_width": 8}
HEADS = {
    "der": {"dueling": True, "noisy": True, "num_atoms": 5},
    "cql_c51": {"dueling": True, "num_atoms": 5},
    "r2d2": {"dueling": True},
}


def spec_of(agent, moe="soft", **settings):
    """A run of any agent, with a small network and short games."""
    network = {**SMALL, "moe": moe, **HEADS.get(agent, {})}
    if agent == "r2d2":
        settings |= {"lstm_size": 8, "head_width": 8}
    environment = {"max_episode_steps": STEPS, "terminal_on_life_loss": agent == "der"}
    return config_lib.from_config_dict(
        {
            "agent": agent,
            "game": "Boxing",
            "network": network,
            "environment": environment,
            **settings,
        }
    )


class Served:
    """A source of one set of parameters."""

    def __init__(self, params):
        self._variables = ActingVariables(params, np.int32(0), np.float32(1))

    def get_variables(self, names):
        return [self._variables for _ in names]


# DER has Rainbow's builder and head, and episodes that end with a life.
@pytest.mark.parametrize("agent", [name for name in agents.AGENTS if name != "rainbow"])
def test_it_acts_as_the_run_s_evaluation_does(agent, tmp_path):
    moe = {"cql": "top1", "offline_dqn": "none"}.get(agent, "soft")
    spec = spec_of(agent, moe, evaluation_epsilon=0.0)
    store(spec, tmp_path)
    loaded = acme_moe.load(tmp_path)
    parts = Parts(spec)
    evaluator = parts.make_evaluator(jax.random.PRNGKey(5), Served(loaded.params))
    evaluator.update(wait=True)
    assert loaded.spec == spec
    assert loaded.environment_spec.actions.num_values == parts.network.num_actions
    ours, theirs = (
        loaded.make_environment(3),
        make_environment(spec, 3, evaluation=True),
    )
    assert type(ours) is type(theirs)
    recurrent = agent == "r2d2"
    apply = jax.jit(parts.network.apply, static_argnames="evaluation")
    for _ in range(2):  # Games.
        timestep, expected = ours.reset(), theirs.reset()
        loaded.reset()
        evaluator.observe_first(expected)
        memory = [parts.network.initial_state(1)] if recurrent else []
        while not timestep.last():
            batch = jax.tree.map(lambda x: np.asarray(x)[None], expected.observation)
            output = apply(loaded.params, None, batch, *memory, evaluation=True)
            if recurrent:
                output, *memory = output
            q_values = loaded.q_values(timestep.observation)
            np.testing.assert_allclose(q_values, output.q_values[0], atol=1e-5)
            routing = loaded.routing(timestep.observation)
            assert (routing is None) == (moe == "none")
            if routing is not None:
                jax.tree.map(
                    lambda found, wanted: np.testing.assert_allclose(
                        found, wanted[0], atol=1e-5
                    ),
                    routing,
                    output.moe,
                )
            action = loaded.act(timestep.observation)
            assert action == evaluator.select_action(expected.observation)
            assert action == np.argmax(q_values)
            timestep, expected = ours.step(action), theirs.step(np.int32(action))
            evaluator.observe(np.int32(action), expected)
        assert expected.last()
    assert loaded._decide._cache_size() == 1


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A real run that is going on, after its first checkpoint."""
    workdir = tmp_path_factory.mktemp("run")
    spec = tiny.spec(
        run={"evaluation_episodes": 0, "max_agent_steps": 108},
        agent={"evaluation_epsilon": 0.0},
    )
    with online.OnlineRun(spec, workdir) as run:
        run.run()
        yield workdir, run


def test_a_run_that_goes_on_gives_its_agent(played):
    workdir, run = played
    unfinished = workdir / "checkpoints" / "000000000200.unfinished"
    unfinished.mkdir()
    before = sorted(workdir.rglob("*"))
    agent = acme_moe.load(str(workdir))
    jax.tree.map(np.testing.assert_array_equal, agent.params, run.learner.state.params)
    evaluator = run._evaluator
    evaluator.update(wait=True)
    environment = agent.make_environment(seed=3)
    timestep = environment.reset()
    evaluator.observe_first(timestep)
    for _ in range(20):
        action = agent.act(timestep.observation)
        assert action == evaluator.select_action(timestep.observation)
        timestep = environment.step(action)
    assert sorted(workdir.rglob("*")) == before
    unfinished.rmdir()
    assert f"dqn on Pong, {workdir}" in repr(agent)


def test_loading_and_acting_needs_nothing_that_trains(played):
    workdir, _ = played
    code = (
        "import sys, acme_moe\n"
        "assert 'jax' not in sys.modules\n"
        f"agent = acme_moe.load({str(workdir)!r})\n"
        "environment = agent.make_environment(seed=1)\n"
        "timestep = environment.reset()\n"
        "for _ in range(3):\n"
        "    timestep = environment.step(agent.act(timestep.observation))\n"
        "assert agent.q_values(timestep.observation).shape == (6,)\n"
        "assert agent.routing(timestep.observation).load.shape == (2,)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert not set(result.stdout.split()) & {
        *("acme", "reverb", "tensorflow", "launchpad"),
        *("distrax", "rlax", "optax", "tensorflow_probability"),
    }


def test_a_checkpoint_that_the_run_drops_meanwhile_gives_way_to_the_newer(
    tmp_path, monkeypatch
):
    spec = spec_of("dqn")
    store(spec, tmp_path)
    find, found = trained.find_checkpoint, []

    def find_then_drop(path):
        found.append(find(path))
        if len(found) == 1:
            store(spec, tmp_path, seed=1, position=7)
        return found[-1]

    monkeypatch.setattr(trained, "find_checkpoint", find_then_drop)
    agent = acme_moe.load(tmp_path)
    assert agent.checkpoint.path == tmp_path / "checkpoints" / "000000000007"
    assert not found[0][1].path.exists()


def test_draws_are_the_seed_s_and_explore_as_the_settings_say(tmp_path):
    spec = spec_of("dqn", evaluation_epsilon=0.5)
    checkpoint = store(spec, tmp_path)
    observation = trained.TrainedAgent(spec, checkpoint).make_environment().reset()[-1]

    def draws(seed, epsilon=None):
        agent = acme_moe.load(checkpoint.path, seed=seed, epsilon=epsilon)
        greedy = int(np.argmax(agent.q_values(observation)))
        return greedy, [agent.act(observation) for _ in range(200)]

    greedy, actions = draws(1)
    assert draws(1) == (greedy, actions) != draws(2)
    other = np.mean(np.array(actions) != greedy)
    assert other == pytest.approx(0.5 * 17 / 18, abs=0.12)
    assert draws(1, epsilon=0.0) == (greedy, [greedy] * 200)
    with pytest.raises(ValueError, match="epsilon: 2 is not accepted; 0 to 1"):
        draws(1, epsilon=2)


def test_looking_does_not_act(tmp_path):
    spec = spec_of("r2d2", evaluation_epsilon=0.3)
    checkpoint = store(spec, tmp_path)
    looked, plain = (trained.TrainedAgent(spec, checkpoint) for _ in range(2))
    environment = plain.make_environment()
    timestep = environment.reset()
    while not timestep.last():
        q_values = looked.q_values(timestep.observation)
        looked.routing(timestep.observation)
        choice = looked.choose(timestep.observation)
        np.testing.assert_array_equal(choice.q_values, q_values)
        # Of the two streams of a dueling head.
        assert choice.features.shape == (2 * spec.agent.head_width,)
        assert choice.action == plain.act(timestep.observation)
        timestep = environment.step(choice.action)
    last = environment.reset().observation
    remembers = looked.q_values(last)
    looked.reset()
    assert not np.array_equal(looked.q_values(last), remembers)


@pytest.mark.parametrize("epsilon", [0.0, 0.2, 1.0])
def test_the_choice_is_distrax_s(epsilon):
    q_values = jax.random.normal(jax.random.PRNGKey(1), (300, 5)).round()  # With ties.
    keys = jax.random.split(jax.random.PRNGKey(0), 300)
    actions = jax.vmap(acting.sample_action, in_axes=(0, 0, None))(
        keys, q_values, epsilon
    )
    expected = jax.vmap(
        lambda key, q: distrax.EpsilonGreedy(q, epsilon).sample(seed=key)
    )(keys, q_values)
    np.testing.assert_array_equal(actions, expected)
    assert actions.dtype == np.int32


def test_what_is_saved_acts_as_the_run_s_and_holds_nothing_else(played, tmp_path):
    agent = acme_moe.load(played[0])
    agent.save(tmp_path / "agents" / "pong")
    saved = acme_moe.load(tmp_path / "agents" / "pong")
    jax.tree.map(np.testing.assert_array_equal, saved.params, agent.params)
    assert saved.spec == agent.spec
    assert saved.checkpoint.counts == agent.checkpoint.counts
    assert saved.checkpoint.path.name == agent.checkpoint.path.name
    num_bytes = sum(x.size for x in jax.tree.leaves(agent.params)) * 4
    contents = sum(x.stat().st_size for x in tmp_path.rglob("*") if x.is_file())
    assert contents < num_bytes + 12_000  # Names of the arrays, settings, counts.
    with pytest.raises(DiskError, match=r"pong could not be written: File exists"):
        agent.save(tmp_path / "agents" / "pong")
    with (
        pytest.raises(
            OtherStateError, match=r"000108: has no array .* saved by itself"
        ),
        online.OnlineRun(saved.spec, tmp_path / "agents" / "pong"),
    ):
        pass


def test_errors_name_the_folder_and_what_would_do(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(
        trained.NoCheckpointError, match=rf"{missing} holds .* such as runs/pong,"
    ):
        acme_moe.load(missing)
    spec = spec_of("dqn")
    checkpoint = store(spec, tmp_path)
    other = dataclasses.replace(
        spec, agent=dataclasses.replace(spec.agent, network=tiny.NETWORK)
    )
    network = dataclasses.replace(tiny.NETWORK, expert_width=4)
    agent = dataclasses.replace(other.agent, network=network)
    (tmp_path / "config.json").write_text(
        config_lib.config_json(dataclasses.replace(spec, agent=agent))
    )
    with pytest.raises(
        ValueError, match=rf"{checkpoint.path}: .* this run's .* config\.json"
    ):
        acme_moe.load(tmp_path)
    (checkpoint.path / "state.npz").write_bytes(b"nothing")
    with pytest.raises(DamagedCheckpointError, match=r"state\.npz has 7 bytes"):
        acme_moe.load(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        acme_moe.lode  # noqa: B018


@pytest.mark.parametrize(
    ("agent", "change", "message"),
    [
        ("dqn", lambda x: x[:-1], r"uint8 \[83, 84, 4\] .*; uint8 \[84, 84, 4\]"),
        ("dqn", lambda x: x / 255, r"float64 \[84, 84, 4\] is not accepted"),
        ("r2d2", lambda x: x.observation, r"accepted; OAR\(observation='uint8 \[84"),
    ],
)
def test_an_observation_of_another_kind_is_refused(agent, change, message, tmp_path):
    spec = spec_of(agent)
    loaded = trained.TrainedAgent(spec, store(spec, tmp_path))
    observation = loaded.make_environment().reset().observation
    with pytest.raises(ValueError, match=message):
        loaded.act(change(observation))


def test_sizes_of_replay_are_looked_at_but_not_its_contents(played, tmp_path):
    workdir, _ = played
    agent = acme_moe.load(workdir)
    replay = next(x for x in agent.checkpoint.replay_path.rglob("*") if x.is_file())
    contents = replay.read_bytes()
    replay.write_bytes(bytes(len(contents)))
    acme_moe.load(workdir)
    replay.write_bytes(contents[:-1])
    with pytest.raises(DamagedCheckpointError, match="bytes, not"):
        acme_moe.load(workdir)
    replay.write_bytes(contents)
