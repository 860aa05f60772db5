"""The flat config: complete, strict, and clear about what it refuses."""

import copy
import dataclasses
import json
import math
import sys
import typing

import numpy as np
import pytest
from ml_collections import ConfigDict

from acme_moe import fields, files
from acme_moe.agents.drq_eps import DrQEpsConfig
from acme_moe.agents.rainbow import RainbowConfig
from acme_moe.environments import EnvironmentConfig
from acme_moe.options import Options
from acme_moe.runs import config as config_lib
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.studies.derived import run_spec
from tests.runs import tiny


def flat(**changes):
    config = config_lib.to_config_dict(tiny.spec()).to_dict()
    for path, value in changes.items():
        *parents, name = path.split("__")
        here = config
        for parent in parents:
            here = here[parent]
        here[name] = value
    return config


def test_the_flat_config_and_its_json_are_the_experiment(tmp_path):
    spec = tiny.spec()
    assert config_lib.from_config_dict(flat()) == spec
    path = tmp_path / "config.json"
    path.write_text(config_lib.config_json(spec))
    assert config_lib.read_config_json(path) == spec


def test_the_config_has_every_field():
    names = set(flat())
    for settings in (tiny.spec().run, tiny.spec().agent):
        assert {field.name for field in dataclasses.fields(settings)} <= names
    assert {
        "game",
        "seed",
        "max_agent_steps",
        "replay_ratio",
        "min_replay_size",
        "batch_size",
        "n_step",
        "evaluation_every",
        "evaluation_episodes",
    } <= names
    assert {"encoder", "tokenizer", "moe", "num_experts", "expert_width"} <= set(
        flat()["network"]
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gaem": 1}, r"^gaem: is not a field; did you mean game"),
        ({"network__experts": 1}, r"^network\.experts: .*did you mean num_experts"),
        ({"agent": "dqm"}, r"^agent: 'dqm' is not known; accepted: .*dqn"),
        ({"game": "Pongg"}, r"^game: 'Pongg' is not known.*Pong"),
        ({"replay_ratio": 0.0}, r"^replay_ratio: 0.0 is not accepted; more than 0"),
        ({"replay_ratio": "1"}, r"^replay_ratio: '1' is not accepted; float"),
        ({"batch_size": 0}, r"^batch_size: 0 is not accepted; at least 1"),
        ({"batch_size": True}, r"^batch_size: True is not accepted; int"),
        ({"seed": np.int64(3)}, r"^seed: 3 is not accepted; int, not numpy\.int64$"),
        ({"discount": 1.5}, r"^discount: 1.5 is not accepted; 0 to 1"),
        ({"loss": "l1"}, r"^loss: 'l1' is not known; accepted: huber, squared"),
        (
            {"acting__device": "gpu"},
            r"^acting\.device: 'gpu' is not known; accepted: auto",
        ),
        ({"network__encoder": "vgg"}, r"^network\.encoder: 'vgg' is not known"),
        ({"network__num_experts": 0}, r"^network\.num_experts: 0"),
        (
            {"environment__sticky_action_probability": 2.0},
            r"^environment\.sticky_action_probability: 2.0",
        ),
        ({"max_replay_size": 5}, r"^max_replay_size: 5 is not accepted; at least 100"),
        ({"n_step": 200}, r"^min_replay_size: 100 is not accepted; at least 200"),
    ],
)
def test_what_is_refused_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        config_lib.from_config_dict(flat(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"max_agent_steps": 100},
            r"^max_agent_steps: 100 is not accepted; at least 104, min_replay_size",
        ),
        (
            {"pruning__sparsity": 0.95},
            r"^pruning\.end: 40000000 is not accepted; at most \d+, where the run",
        ),
        # The first four updates are due after sixteen steps.
        (
            {"max_agent_steps": 110, "sgd_steps_per_call": 4},
            r"^max_agent_steps: 110 is not accepted; at least 116, .* 4 updates",
        ),
    ],
)
def test_a_run_that_is_too_short_is_loaded_and_not_started(changes, message):
    spec = config_lib.from_config_dict(flat(**changes))
    with pytest.raises(ValueError, match=message):
        spec.check_length()


@pytest.mark.parametrize("agent", [DrQEpsConfig(), RainbowConfig()])
def test_settings_of_another_agent_are_refused(agent):
    with pytest.raises(ValueError, match="agent: 'dqn' is not accepted; the one whose"):
        OnlineRunSpec(run=OnlineRunConfig(), agent=agent)


def test_a_game_is_written_as_the_suites_write_it():
    spec = config_lib.from_config_dict(flat(game="ms_pacman"))
    assert spec.run.game == "MsPacman"


def test_a_run_resumes_only_with_its_own_settings(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(flat()))
    longer = config_lib.from_config_dict(flat(max_agent_steps=500))
    config_lib.check_resumes(longer, tmp_path)
    other = config_lib.from_config_dict(flat(network__num_experts=4, seed=3))
    with pytest.raises(ValueError, match=r"network.num_experts: 2 there, 4 now; seed"):
        config_lib.check_resumes(other, tmp_path)


def test_a_file_s_config_may_be_a_dictionary_and_has_to_be_one(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def get_config(agent='dqn'):\n    return {'agent': agent}\n")
    assert config_lib.load_config(str(path)).agent == "dqn"
    assert config_lib.load_config(f"{path}:rainbow").agent == "rainbow"
    path.write_text("def get_config(agent):\n    return {'agent': agent}\n")
    with pytest.raises(ValueError, match=r"mine.py' is not accepted; .*py:ARGUMENT"):
        config_lib.load_config(str(path))
    path.write_text("def get_config():\n    return 3\n")
    with pytest.raises(ValueError, match=r"mine.py:dqn' is not accepted; .*mine.py,"):
        config_lib.load_config(f"{path}:dqn")
    with pytest.raises(ValueError, match="config: 3 is not accepted; fields and"):
        config_lib.load_config(str(path))
    path.write_text("config = {}\n")
    with pytest.raises(ValueError, match=r"a .py file with a function get_config"):
        config_lib.load_config(str(path))


def test_a_config_may_lie_in_a_folder_with_a_colon(tmp_path):
    folder = tmp_path / "2026-01-01T10:00"
    folder.mkdir()
    (folder / "config.json").write_text(config_lib.config_json(tiny.spec()))
    config = config_lib.load_config(str(folder / "config.json"))
    assert config_lib.from_config_dict(config) == tiny.spec()
    path = folder / "mine.py"
    path.write_text("def get_config(agent='dqn'):\n    return {'agent': agent}\n")
    assert config_lib.load_config(str(path)).agent == "dqn"
    assert config_lib.load_config(f"{path}:rainbow").agent == "rainbow"


def test_another_agent_or_environment_is_named_while_loading(tmp_path):
    settings = {"agent": "drq_eps", "environment.name": "minatar", "seed": 3}
    spec = config_lib.from_config_dict(config_lib.load_config("dqn_atari", settings))
    drq_eps = config_lib.preset("drq_eps_atari").agent
    assert (spec.agent.n_step, spec.agent.loss) == (drq_eps.n_step, drq_eps.loss)
    assert (spec.run.game, spec.run.environment.name) == ("Breakout", "minatar")
    assert spec.run.seed == 3

    with pytest.raises(ValueError, match=r"seed\.x: is not a field; seed has none"):
        config_lib.load_config("dqn_atari", {"seed.x": 1})

    config = config_lib.load_config("dqn_atari")
    config.agent = "drq_eps"
    with pytest.raises(ValueError, match=r"agent: 'drq_eps' was set in .* of 'dqn'"):
        config_lib.from_config_dict(config)
    path = tmp_path / "mine.py"
    path.write_text(
        "from acme_moe.runs.config import load_config\n"
        "def get_config():\n"
        "    config = load_config('dqn_atari')\n"
        "    config.environment.name = 'minatar'\n"
        "    return config\n"
    )
    with pytest.raises(
        ValueError, match=r'load_config\(..., {"environment.name": "minatar"}'
    ):
        config_lib.load_config(str(path))


def test_a_mapping_is_set_before_the_fields_below_it_and_left_as_it_was():
    settings = {"network.moe": "top1", "network": {"moe": "none", "num_experts": 2}}
    given_as = copy.deepcopy(settings)
    # A study's cost is that of its settings as they can be hashed.
    for given in (settings, Options(settings)):
        config = config_lib.load_config("dqn_atari", given)
        assert (config.network.moe, config.network.num_experts) == ("top1", 2)
        assert config.network.encoder == "impala", "what it does not name stays"
    assert settings == given_as


def test_a_mapping_chooses_as_dotted_paths_do():
    by_path = {"environment.name": "minatar", "network.encoder": "minatar_cnn"}
    mapping = {"environment": {"name": "minatar"}, "network.encoder": "minatar_cnn"}
    configs = [config_lib.load_config("dqn_atari", x) for x in (by_path, mapping)]
    assert configs[0] == configs[1]
    assert configs[0].game == "Breakout"


def test_a_section_may_be_a_config_of_its_own():
    network = ConfigDict({"moe": "top1"})
    config = config_lib.load_config("dqn_minatar", {"network": network})
    assert (config.network.moe, config.network.encoder) == ("top1", "minatar_cnn")


def test_options_are_one_value():
    settings = {"network": {"moe_options": {"a": 1}}, "loss_options": {"b": 2}}
    assert fields.merged(settings) == {
        "loss_options": {"b": 2},
        "network.moe_options": {"a": 1},
    }


def test_a_file_s_config_may_stand_beside_the_parts_that_it_names(tmp_path):
    (tmp_path / "beside_mine.py").write_text("EXPERTS = 3\n")
    (tmp_path / "mine_with_parts.py").write_text(
        "from __future__ import annotations\n"
        "import dataclasses\n"
        "from beside_mine import EXPERTS\n"
        "@dataclasses.dataclass(frozen=True)\n"
        "class Part:\n"
        "    width: int = 1\n"
        "def get_config():\n"
        "    return {'network': {'num_experts': EXPERTS}}\n"
    )
    config = config_lib.load_config(str(tmp_path / "mine_with_parts.py"))
    assert config.network.num_experts == 3


_OF_A_DATACLASS = """
from __future__ import annotations
import dataclasses
from typing import ClassVar
@dataclasses.dataclass(frozen=True)
class Seed:
    kind: ClassVar[str] = "mine"
    value: int = 3
def get_config():
    return {"seed": Seed().value}
"""


@pytest.mark.parametrize("name", ["mine", "types", "my.v2"])
def test_a_file_in_the_working_folder_may_have_any_name(tmp_path, monkeypatch, name):
    # Where the commands look for modules, too.
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / f"{name}.py"
    path.write_text(_OF_A_DATACLASS)
    assert config_lib.load_config(str(path)).seed == 3
    module = files.load_module(path)
    assert typing.get_type_hints(module.Seed)["value"] is int


@pytest.mark.parametrize("name", ["json", "optuna_of_mine", "wave"])
def test_a_file_takes_no_module_s_place(tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text("def get_config():\n    return {'seed': 3}\n")
    before = sys.modules.get(name)
    assert config_lib.load_config(str(path)).seed == 3
    assert sys.modules.get(name) is before
    assert str(tmp_path) not in sys.path
    path.write_text("raise RuntimeError('no')\n")
    with pytest.raises(RuntimeError, match="no"):
        config_lib.load_config(str(path))
    assert sys.modules.get(name) is before
    assert str(tmp_path) not in sys.path


@dataclasses.dataclass(frozen=True)
class Unchecked(EnvironmentConfig):
    """Settings of somebody else's environment, which check nothing themselves."""

    length: int = 5
    name: str = "mine"
    limit: float = math.inf
    either: int | str | None = None
    places: tuple[int, ...] | None = None


@pytest.mark.parametrize("value", ["abc", 7.5, True])
def test_values_are_checked_for_a_class_that_does_not(value):
    with pytest.raises(ValueError, match=rf"^environment\.length: {value!r} is not"):
        fields.from_fields(Unchecked, {"length": value}, "environment.")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        # What the command line gives of `=false`, which is true.
        ("bool | None", "false"),
        ("typing.Optional[bool]", "false"),
        (bool | None, "false"),
        (typing.Optional[bool], "false"),  # noqa: UP045
        (typing.Union[int, bool, None], "no"),  # noqa: UP007
        ("int | str | None", 0.5),
        ("int | str", True),
    ],
)
def test_a_union_of_plain_types_is_checked(kind, value):
    made = dataclasses.make_dataclass(
        "Made", [("may", kind, None)], namespace={"__module__": __name__}
    )
    with pytest.raises(ValueError, match=rf"^may: {value!r} is not accepted; "):
        fields.from_fields(made, {"may": value})
    good = True if "bool" in str(kind) else 3
    assert fields.from_fields(made, {"may": good}).may is good
    assert fields.from_fields(made, {"may": None}).may is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        # What the command line gives of `=a,b`, and of `=7`.
        ("tuple[int, ...]", ("a", "b")),
        ("tuple[int, ...]", 7),
        (tuple[int, ...], (7, None)),
        (typing.Tuple[int, ...], (0.5,)),  # noqa: UP006
        ("tuple[int, ...] | None", "7"),
        (tuple[int, ...] | None, (7, True)),
    ],
)
def test_a_tuple_of_a_plain_type_is_checked(kind, value):
    made = dataclasses.make_dataclass(
        "Made", [("widths", kind, ())], namespace={"__module__": __name__}
    )
    with pytest.raises(ValueError, match=r"^widths: ") as error:
        fields.from_fields(made, {"widths": value})
    assert f"{value!r} is not accepted; " in str(error.value)
    assert "tuple" in str(error.value).lower()
    for good in ((), (7,), (7, 8)):
        assert fields.from_fields(made, {"widths": list(good)}).widths == good


@dataclasses.dataclass(frozen=True)
class Board:
    """Settings within settings, one of which has no default."""

    rows: int
    columns: int = 7


@dataclasses.dataclass(frozen=True)
class Boards:
    """Settings with others in them, as a dataclass may have them."""

    board: Board = Board(6)
    other: Board = dataclasses.field(default_factory=lambda: Board(3))
    free: Board | None = None


def test_settings_in_settings_may_have_any_kind_of_default():
    given = {"board": {"columns": 2}, "other": {"columns": 4}}
    made = fields.from_fields(Boards, given)
    assert made == Boards(Board(6, 2), Board(3, 4))
    assert fields.from_fields(Boards, fields.to_fields(Boards())) == Boards()


def test_settings_in_settings_without_a_default_are_asked_for():
    @dataclasses.dataclass(frozen=True)
    class Game:
        board: Board

    assert fields.from_fields(Game, {"board": {"rows": 3}}) == Game(Board(3))
    with pytest.raises(ValueError, match=r"^board\.rows: is missing; int"):
        fields.from_fields(Game, {"board": {"columns": 3}})
    with pytest.raises(ValueError, match=r"^board: is missing"):
        fields.from_fields(Game, {})


def test_a_field_that_is_none_may_have_any_type():
    whole = fields.to_fields(Unchecked())
    assert whole["places"] is None
    assert fields.from_fields(Unchecked, whole) == Unchecked()


def test_another_suite_comes_with_its_fields_that_are_none():
    settings = {"environment.name": "gymnasium", "network.encoder": "mlp"}
    spec = run_spec("dqn_atari", {**settings, "network.tokenizer": "per_samp"})
    assert spec.run.environment.max_episode_steps is None


def test_a_damaged_config_is_named(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"config\.json: is not JSON"):
        config_lib.read_config_json(path)
