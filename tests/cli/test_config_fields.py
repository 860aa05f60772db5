"""Fields on a command line: what they set, and what is said of those that are wrong."""

import pytest

from acme_moe.cli import config_fields
from acme_moe.runs.choices import with_choices
from acme_moe.runs.config import config_json, from_config_dict, load_config


def fields(*arguments, config="dqn_atari"):
    flat = config_fields.set_fields(load_config(config), ["train", *arguments])
    return from_config_dict(flat)


def test_fields_are_set_by_their_paths():
    spec = fields(
        *("--config.game=Asterix", "--config.replay_ratio=1", "--config.seed", "4"),
        *("--config.network.moe=none", "--config.network.noisy"),
        *("--config.final_evaluation_episodes=7", "--config.record=2024"),
        *("--config.network.mlp_widths=(64,32)", "--config.checkpoint_replay=false"),
    )
    assert (spec.run.game, spec.run.seed, spec.run.record) == ("Asterix", 4, "2024")
    assert isinstance(spec.agent.replay_ratio, float)
    assert (spec.agent.network.moe, spec.agent.network.noisy) == ("none", True)
    assert spec.run.final_evaluation_episodes == 7
    assert spec.agent.network.mlp_widths == (64, 32)
    assert not spec.run.checkpoint_replay


def test_a_field_is_unset_or_switched_off():
    spec = fields(
        "--config.max_abs_reward=None",
        "--noconfig.network.dueling",
        config="r2d2_atari",
    )
    assert spec.agent.max_abs_reward is None
    assert not spec.agent.network.dueling


def test_a_tuple_is_given_at_once_or_by_its_elements():
    widths = "--config.network.mlp_widths"
    for given in ([f"{widths}=64,32"], [f"{widths}=64", widths, "32"]):
        assert fields(*given).agent.network.mlp_widths == (64, 32)


ENCODER = "--config.network.encoder=minatar_cnn"
NETWORK = "--config.network={'moe': 'top1', 'num_experts': 2}"


def test_a_mapping_is_set_before_the_fields_below_it():
    below = "--config.network.num_experts=3"
    for given in ([NETWORK, below], [below, NETWORK]):
        network = fields(*given).agent.network
        assert (network.moe, network.num_experts) == ("top1", 3)
        assert network.encoder == load_config("dqn_atari").network.encoder
    spec = fields("--config.environment={'name': 'minatar'}", ENCODER)
    assert (spec.run.environment.name, spec.run.game) == ("minatar", "Breakout")


def test_a_value_may_be_a_word_that_starts_with_a_minus():
    with pytest.raises(ValueError, match=r"^seed: -3 is not accepted; at least 0"):
        fields("--config.seed", "-3")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--config.agent", "Missing value for flag --config.agent"),
        ("--config.replay_ratio=abc", r"^replay_ratio: 'abc' is not accepted; float$"),
        ("--config.batch_size=1.5", r"^batch_size: 1\.5 is not accepted; int$"),
        ("--config.network.noisy=maybe", r"^network\.noisy: 'maybe' .*; bool$"),
        (
            "--config.final_evaluation_episodes=few",
            r"^final_evaluation_episodes: 'few' is not accepted; int \| None$",
        ),
        ("--config.replay_ratio=0", r"^replay_ratio: 0.0 is not accepted; more than 0"),
        ("--config.gaem=Pong", r"^gaem: is not a field; did you mean game.*accepted"),
        ("--config.netwrok.moe=soft", r"^netwrok: .*did you mean network"),
        ("--config.network.moes=soft", r"^network\.moes: is not a field; .*mean moe"),
        ("--config.game.name=Pong", r"^game\.name: .*no field below it"),
        ("--noconfig.game", r"^--noconfig\.game: is not a flag; --no is for boolean"),
        ("--config.network=soft", r"^network: 'soft' .*; fields and their values"),
        ("--config.network.mlp_widths=(4, 2", r"^network\.mlp_widths: '\(4, 2' is not"),
        ("--noconfig.game.name", r"^game\.name: .*no field below it"),
        ("--no_such_flag=3", r"^--no_such_flag: is not a flag; "),
        ("Pong", r"^'Pong' is not a flag"),
    ],
)
def test_what_is_wrong_is_named(argument, message):
    with pytest.raises(ValueError, match=message):
        fields(argument)


SCALED = "--config.network.moe=tests.outside_parts:Scaled"
OPTIONS = "--config.network.moe_options"


def test_a_part_from_outside_brings_its_options():
    spec = fields(f"{OPTIONS}.factor", "2", SCALED, f"{OPTIONS}.bias")
    network = spec.agent.network
    assert network.moe_options == {"factor": 2.0, "widths": (1,), "bias": True}
    assert isinstance(network.moe_options["factor"], float)


def test_an_option_without_a_default_can_be_set():
    part = "--config.network.tokenizer=tests.outside_parts:Required"
    given = fields(part, "--config.network.tokenizer_options.size=8")
    assert given.agent.network.tokenizer_options["size"] == 8
    with pytest.raises(ValueError, match=r"tokenizer_options\.size: is missing; int"):
        fields(part)


@pytest.fixture
def stored(tmp_path):
    """Stores the config of a run, and returns its path."""

    def store(spec):
        path = tmp_path / "config.json"
        path.write_text(config_json(spec))
        return str(path)

    return store


def test_options_go_with_their_part(stored):
    before = fields(SCALED, f"{OPTIONS}.factor=2", f"{OPTIONS}.widths=(3,4)")
    path = stored(before)
    assert fields(config=path) == before
    after = fields(f"{OPTIONS}.bias=true", config=path).agent.network.moe_options
    assert after == {"factor": 2.0, "widths": (3, 4), "bias": True}
    assert fields("--config.network.moe=top1", config=path).agent.network == (
        fields("--config.network.moe=top1").agent.network
    )


def test_a_loss_brings_its_options_too(stored):
    power = "--config.loss=tests.outside_parts:Power"
    spec = fields(power, "--config.loss_options.exponent=3")
    assert spec.agent.loss_options == {"exponent": 3.0, "factor": 1.0}
    path = stored(spec)
    after = fields("--config.loss_options.factor=2", config=path).agent
    assert after.loss_options == {"exponent": 3.0, "factor": 2.0}
    other = fields("--config.agent=drq_eps", config=path).agent
    assert other.loss_options == spec.agent.loss_options
    assert fields("--config.loss=huber", config=path).agent.loss_options == {}


POWER = "--config.agent=tests.outside_agents:POWER"
EXPONENT = "--config.loss_options.exponent"


def test_another_agents_loss_comes_with_its_own_options(stored):
    of_power = {"exponent": 2.0, "factor": 1.0}
    assert fields(POWER).agent.loss_options == of_power
    changed = stored(fields(POWER, f"{EXPONENT}=5"))
    for options in ([], ["--config.loss=huber"]):
        agent = fields("--config.agent=dqn", *options, config=changed).agent
        assert agent.loss in ("squared", "huber")
        assert agent.loss_options == {}
    doubled = fields(POWER, "--config.loss_options.factor=2", config=changed).agent
    assert doubled.loss_options == {"exponent": 5.0, "factor": 2.0}


def test_a_loss_that_is_kept_comes_with_all_of_its_options(stored):
    huber = stored(fields("--config.loss=huber"))
    assert fields(POWER, config=huber).agent.loss_options == {}
    # The value of its own agent's default loss, which means nothing to this one.
    cubic = "--config.loss=tests.outside_parts:Cubic"
    kept = stored(fields(POWER, cubic, "--config.loss_options.factor=1"))
    agent = fields("--config.agent=drq_eps", config=kept).agent
    assert agent.loss_options == {"factor": 1.0}


def test_options_that_another_agent_cannot_have_are_named(stored):
    changed = stored(fields(POWER, f"{EXPONENT}=5"))
    with pytest.raises(ValueError, match=r"^loss_options: is not a field of tests"):
        fields("--config.agent=tests.outside_agents:TWO_STEP", config=changed)


def test_fields_of_ones_own_agent_are_no_options_of_a_loss(stored):
    other = "--config.agent=tests.outside_agents:OTHER_LOSSES"
    huber = stored(fields("--config.loss=huber"))
    for agent in (
        fields(other, "--config.loss=huber").agent,
        fields(other, config=huber).agent,
    ):
        assert (agent.loss, agent.loss_options) == ("huber", (1, 2))


def test_a_config_of_few_fields_has_its_agents_options(tmp_path):
    path = tmp_path / "mine.py"
    config = {"agent": "tests.outside_agents:POWER", "network": {"num_experts": 4}}
    path.write_text(f"def get_config():\n    return {config}")
    spec = from_config_dict(load_config(str(path), {"seed": 3}))
    assert spec.agent.loss_options == {"exponent": 2.0, "factor": 1.0}
    assert spec.agent.network.num_experts == 4


@pytest.mark.parametrize("agent", ["rainbow", "cql_c51"])
@pytest.mark.parametrize("suite", ["atari", "minatar"])
def test_every_field_of_a_config_of_few_fields_can_be_set(tmp_path, agent, suite):
    path = tmp_path / "mine.py"
    config = {
        "agent": agent,
        "environment": {"name": suite},
        "network": {"encoder": "nature_cnn"},
    }
    path.write_text(f"def get_config():\n    return {config}")
    spec = fields(
        *("--config.seed=3", "--config.game=seaquest", "--config.n_step=5"),
        *("--config.network.num_atoms=21", "--config.diagnostics.every=7"),
        config=str(path),
    )
    config["network"]["num_atoms"] = 21
    others = {"seed": 3, "game": "Seaquest", "n_step": 5, "diagnostics": {"every": 7}}
    assert spec == from_config_dict({**config, **others})


@pytest.mark.parametrize("field", ["environment", "network"])
@pytest.mark.parametrize("value", ["minatar", None])
def test_fields_that_are_no_mapping_are_refused(tmp_path, field, value):
    path = tmp_path / "mine.py"
    path.write_text(f"def get_config():\n    return {{{field!r}: {value!r}}}")
    with pytest.raises(ValueError, match=rf"^{field}: {value!r} is not accepted; fiel"):
        fields(config=str(path))


def test_what_a_config_is_made_of_is_left_as_it_was():
    before = {"agent": "dqn", "network": {"moe": "soft"}, "environment": {}}
    with_choices(before, {"network.moe": "tests.outside_parts:Scaled"})
    assert before == {"agent": "dqn", "network": {"moe": "soft"}, "environment": {}}


@pytest.mark.parametrize("field", ["loss", "network.moe"])
def test_a_part_that_is_no_text_is_refused(field):
    with pytest.raises(ValueError, match=rf"^{field}: 3 is not accepted"):
        from_config_dict(load_config("dqn_atari", {field: 3}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [SCALED, f"{OPTIONS}.facter=2"],
            r"^network\.moe_options\.facter: .*mean factor",
        ),
        (
            [SCALED, f"{OPTIONS}.factor=x"],
            r"^network\.moe_options\.factor: 'x' .*; float",
        ),
        ([f"{OPTIONS}.factor=2"], r"^network\.moe_options\.factor: is not a field"),
        (
            ["--config.network.moe=no.such:One"],
            r"^network\.moe: .* named 'no'; accepted",
        ),
        (
            ["--config.loss=tests.outside_parts:no"],
            r"^loss: .*has no 'no'; accepted: hu",
        ),
        (
            ["--config.loss=tests.outside_parts:Power"],
            r"^loss_options\.exponent: is missing; float",
        ),
        (
            ["--config.loss=tests.outside_parts:Rounded"],
            r"^loss_options\.direction: <Direction.UP: 1> is not accepted; None, or",
        ),
        (["--config.loss_options.a=1"], r"^loss_options\.a: is not a field"),
        (["--config.agent=tests.outside_agents:no"], r"^agent: .* has no 'no'"),
        (
            ["--config.agent=tests.outside_agents:VALUE"],
            r"^agent: .*an acme_moe\.agents\.Agent, and it is 3",
        ),
        (
            ["--config.agent=tests.outside_agents:BAD"],
            r"^agent: .*not a subclass of Age",
        ),
        (
            ["--config.agent=tests.bad_agents:WITHOUT_DEFAULT"],
            r"^agent: .*needs a default, which bonus has not",
        ),
    ],
)
def test_what_is_wrong_with_a_part_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        fields(*arguments)


def test_an_agent_from_outside_has_its_own_fields_and_defaults():
    own = "--config.agent=tests.outside_agents:TWO_STEP"
    spec = fields(own, "--config.bonus=2", "--config.network.num_experts=4")
    assert (spec.agent.n_step, spec.agent.bonus) == (2, 2.0)
    assert spec.agent.network.num_experts == 4
    # The demo's own values stay, those of DQN that it leaves alone do not.
    spec = fields(own, config="dqn_demo")
    assert (spec.agent.n_step, spec.agent.learning_rate) == (3, 3e-4)
    assert (spec.agent.adam_epsilon, spec.agent.bonus) == (0.01, 0.0)
    assert spec.agent.network.encoder == "nature_cnn"
    assert spec.run.agent == "tests.outside_agents:TWO_STEP"


def test_another_agent_has_its_own_fields_and_defaults():
    assert fields("--config.agent=rainbow") == fields(config="rainbow_atari")
    own = fields("--config.agent=der", config="rainbow_atari").agent
    assert own == fields(config="der_atari").agent
    # What the preset sets stays, what it leaves to its agent does not.
    spec = fields("--config.agent=rainbow", config="dqn_minatar")
    assert spec.agent.learning_rate == 2.5e-4
    assert (spec.agent.n_step, spec.agent.network.num_atoms) == (3, 51)
    assert spec.agent.network.encoder == "minatar_cnn"
    spec = fields("--config.agent=behavior_cloning", config="cql_atari")
    assert (spec.agent.td_weight, spec.agent.conservative_weight) == (0.0, 1.0)


def test_another_agent_takes_over_what_a_part_of_a_config_says(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from ml_collections import ConfigDict\n\n"
        "def get_config():\n"
        "    return ConfigDict({'max_agent_steps': 30000, 'learning_rate': 0.5,\n"
        "                       'network': {'num_experts': 4}})\n"
    )
    spec = fields("--config.agent=rainbow", config=str(path))
    expected = fields(
        *("--config.max_agent_steps=30000", "--config.learning_rate=0.5"),
        "--config.network.num_experts=4",
        config="rainbow_atari",
    )
    assert spec == expected


@pytest.mark.parametrize(
    ("agent", "config", "message"),
    [
        ("cql", "dqn_atari", r"^agent: 'cql' .*of dqn, which acts; start from a pres"),
        ("dqn", "cql_atari", r"^agent: 'dqn' .*of cql, which learns from fixed data"),
        ("rainbow", "btr_atari", r"^munchausen: is not a field of rainbow; accepted: "),
        ("ranbow", "dqn_atari", r"^agent: 'ranbow' is not known; .*mean rainbow"),
    ],
)
def test_an_agent_that_the_config_does_not_fit_is_named(agent, config, message):
    with pytest.raises(ValueError, match=message):
        fields(f"--config.agent={agent}", config=config)
