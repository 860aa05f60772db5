"""Every builder on other environments than ALE, and the settings of each agent."""

import dataclasses
import importlib.util
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest
from acme import specs
from acme.utils import counting, loggers

from acme_moe import losses, replay
from acme_moe.agents.config import PruningConfig
from acme_moe.agents.cql import CQLBuilder, CQLC51Builder, CQLC51Config, CQLConfig
from acme_moe.agents.der import DERConfig
from acme_moe.agents.dqn import DQNBuilder, DQNConfig
from acme_moe.agents.drq_eps import DrQEpsConfig
from acme_moe.agents.r2d2 import R2D2Config
from acme_moe.agents.rainbow import RainbowBuilder, RainbowConfig
from acme_moe.networks import NetworkConfig, make_network
from acme_moe.runs.config import from_config_dict
from acme_moe.runs.spec import OfflineRunSpec
from tests.agents import agents
from tests.learning import tiny
from tests.programs import ROOT

CONFIGS = [
    path
    for path in sorted((ROOT / "configs").glob("*_atari*.py"))
    # The regime of another agent; tests/runs/test_presets.py has its values.
    if path.stem != "btr_atari"
]


@pytest.fixture
def parts(request):
    """Actor, learner and client of a builder on Catch, alternating."""
    name, observations = request.param
    builder = agents.make_builder(name, observations, min_replay_size=32)
    environment = agents.catch(image=observations == "image")
    spec = specs.make_environment_spec(environment)
    network = builder.make_network(spec)
    tables = builder.make_replay_tables(spec)
    server, client = replay.start_server(tables)
    learner = builder.make_learner(
        jax.random.PRNGKey(0),
        network,
        builder.make_dataset_iterator(client),
        lambda *_: loggers.NoOpLogger(),
        spec,
        client,
        counting.Counter(),
    )
    actor = builder.make_actor(
        jax.random.PRNGKey(1),
        builder.make_policy(network, spec),
        spec,
        learner,
        builder.make_adder(client, spec),
    )
    yield builder, environment, actor, learner, client
    learner.close()
    server.stop()


def play(environment, actor, steps):
    timestep = environment.reset()
    actor.observe_first(timestep)
    for _ in range(steps):
        action = actor.select_action(timestep.observation)
        timestep = environment.step(action)
        actor.observe(action, timestep)
        if timestep.last():
            timestep = environment.reset()
            actor.observe_first(timestep)


@pytest.mark.parametrize(
    "parts",
    [
        *((name, "vector") for name in agents.NAMES),
        # Rainbow's head and items are the same on images as on vectors.
        *((name, "image") for name in agents.NAMES if name != "rainbow"),
    ],
    indirect=True,
    ids="-".join,
)
def test_a_builder_acts_and_learns_on_vectors_and_small_images(parts):
    builder, environment, actor, learner, client = parts
    play(environment, actor, 60)
    for _ in range(5):
        learner.step()
        actor.update(wait=True)
    state = learner.save()
    assert int(state.steps) == 5
    assert learner._update.compiled._cache_size() == 1
    spec = specs.make_environment_spec(environment)
    ahead = builder.sample_spec(spec, builder.make_network(spec))
    described = jax.tree.map(
        lambda x: (x.shape, x.dtype), (tuple(ahead), tuple(learner.sample))
    )
    assert described[0] == described[1]
    play(environment, actor, 60)
    assert actor._policy._cache_size() == 1
    if builder.prioritized:
        # Random categorical losses are above 1, and so are their priorities.
        assert state.max_priority > 1 or builder.config.network.num_atoms is None
        sample = next(builder.make_dataset_iterator(client))
        assert len(set(sample.probabilities.tolist())) > 1


def test_a_prioritised_learner_needs_the_client():
    builder = agents.make_builder("rainbow", "vector")
    spec = specs.make_environment_spec(agents.catch())
    with pytest.raises(ValueError, match=r"replay_client: None .*reverb\.Client"):
        builder.make_learner(
            jax.random.PRNGKey(0), builder.make_network(spec), iter(()), None, spec
        )


def test_the_settings_are_those_of_the_paper():
    shared = {"batch_size": 32, "discount": 0.99, "adam_epsilon": 1.5e-4}
    shared |= {"max_replay_size": 1_000_000, "epsilon": 0.01, "max_abs_reward": 1.0}
    shared |= {"evaluation_epsilon": 0.001}
    online = {"learning_rate": 6.25e-5, "target_update_period": 8_000}
    online |= {"min_replay_size": 20_000, "epsilon_decay_steps": 250_000}
    online |= {"replay_ratio": 0.25}
    efficient = {"learning_rate": 1e-4, "n_step": 10, "min_replay_size": 1_600}
    efficient |= {"replay_ratio": 1.0}
    rainbow = {"prioritized": True, "shared_target_noise": True}
    head = {"dueling": True, "noisy": True, "num_atoms": 51, "v_max": 10.0}
    for config, expected, network in (
        (DQNConfig(), {**online, "n_step": 1, "double": False, "loss": "squared"}, {}),
        (RainbowConfig(), {**online, **rainbow, "n_step": 3}, head),
        (
            DERConfig(),
            efficient
            | rainbow
            | {"target_update_period": 2_000, "epsilon_decay_steps": 2_000},
            head,
        ),
        (
            DrQEpsConfig(),
            efficient
            | {"target_update_period": 1, "epsilon_decay_steps": 5_000}
            | {"double": True, "loss": "huber"}
            | {"crop_padding": 4, "intensity_scale": 0.05},
            {"dueling": True, "noisy": False, "num_atoms": None},
        ),
    ):
        found = dataclasses.asdict(config)
        assert {k: found[k] for k in expected | shared} == expected | shared
        assert {k: found["network"][k] for k in network} == network


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_file_has_its_agents_own_values(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    experiment = from_config_dict(module.get_config())
    assert path.stem.startswith(experiment.run.agent)
    default = type(experiment.agent)()
    # Written out for the reader, not changed.
    assert experiment.agent == default
    efficient = experiment.run.agent in ("der", "drq_eps")
    environment = experiment.run.environment
    assert environment.terminal_on_life_loss == efficient
    assert environment.sticky_action_probability == (0.0 if efficient else 0.25)
    assert environment.max_noop_starts == (30 if efficient else 0)
    if isinstance(experiment, OfflineRunSpec):
        assert experiment.run.num_iterations == 200
        assert experiment.run.updates_per_iteration == 62_500
        assert experiment.run.dataset.num_files == 0
        return
    steps = 100_000 if efficient and "50m" not in path.stem else 50_000_000
    assert experiment.run.max_agent_steps == steps


@pytest.mark.parametrize(
    ("config_class", "settings", "field"),
    [
        (R2D2Config, {"network": NetworkConfig(num_atoms=51)}, "num_atoms: 51"),
        (
            DQNConfig,
            {
                "network": NetworkConfig(phi="fixed"),
                "pruning": PruningConfig(sparsity=0.5),
            },
            "phi: 'fixed'",
        ),
    ],
)
def test_what_an_agent_does_not_do_with_a_network_is_refused(
    config_class, settings, field
):
    with pytest.raises(ValueError, match=rf"^network\.{field} is not accepted; "):
        config_class(**settings)


def test_rainbow_refuses_a_head_without_atoms():
    network = dataclasses.replace(RainbowConfig().network, num_atoms=None)
    with pytest.raises(ValueError, match=r"network\.num_atoms: None .* such as 51"):
        RainbowConfig(network=network)


def test_settings_cost_no_heavy_import_and_builders_come_from_the_same_package():
    code = (
        "import sys\n"
        "from acme_moe.agents import rainbow\n"
        "config = rainbow.RainbowConfig()\n"
        "heavy = {'acme', 'reverb', 'tensorflow', 'rlax'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert rainbow.RainbowBuilder(config).config is config\n"
        "try:\n"
        "    rainbow.RainbowBilder\n"
        "except AttributeError as error:\n"
        "    assert 'RainbowBilder' in str(error)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@dataclasses.dataclass(frozen=True)
class Scaled:
    """A loss of errors with an option."""

    factor: float = 1.0

    def __call__(self, errors):
        return self.factor * jnp.square(errors)


@dataclasses.dataclass(frozen=True)
class ScaledOfCategories:
    """A loss of categories with an option."""

    factor: float = 1.0

    def __call__(self, logits, targets, atoms):
        return self.factor * losses.two_hot(logits, targets, atoms)


@pytest.mark.parametrize(
    ("config_class", "builder_class", "loss"),
    [
        (DQNConfig, DQNBuilder, Scaled),
        (RainbowConfig, RainbowBuilder, ScaledOfCategories),
        (CQLConfig, CQLBuilder, Scaled),
        (CQLC51Config, CQLC51Builder, ScaledOfCategories),
    ],
)
def test_a_builder_passes_on_the_options_of_a_loss(config_class, builder_class, loss):
    atoms = 5 if loss is ScaledOfCategories else None
    settings = NetworkConfig(
        encoder="mlp", moe="none", mlp_widths=(4,), num_atoms=atoms
    )
    network = make_network(settings, tiny.NUM_ACTIONS)
    transitions = tiny.batch()
    params = network.init(jax.random.key(0), transitions.observation)

    def mean_loss(**options):
        config = config_class(
            network=settings, loss=f"{__name__}:{loss.__name__}", loss_options=options
        )
        objective = builder_class(config).make_objective(network)
        _, output = objective(
            params, params, jax.random.key(1), transitions, jnp.ones(4)
        )
        return float(output.losses.mean())

    # CQL's other loss has no such factor.
    once, twice, thrice = mean_loss(), mean_loss(factor=2.0), mean_loss(factor=3.0)
    assert once < twice
    assert thrice - twice == pytest.approx(twice - once, rel=1e-4)
