"""The checker of agents: silent on good ones, and each fault is found by its name."""

import re

import pytest

from acme_moe.cli import config_fields
from acme_moe.runs import check_agent
from acme_moe.runs import config as config_lib
from acme_moe.runs.check_session import on_catch
from tests.cli.test_check import command

SMALL = (
    "--config.network.encoder=mlp",
    "--config.network.tokenizer=per_samp",
    "--config.network.mlp_widths=(8,)",
    "--config.network.num_experts=2",
    "--config.network.expert_width=8",
    "--config.batch_size=4",
)
SHORT_MEMORY = (
    "--config.lstm_size=8",
    "--config.head_width=8",
    "--config.burn_in_length=2",
    "--config.trace_length=4",
    "--config.sequence_period=2",
)

NOT_LOOKED_AT = ("_evaluation", "_diagnostics", "_cost")
OF_ITS_OWN = "tests.learning.test_objectives:of_its_own"


def results(agent, *flags):
    def make_spec():
        defaults = config_lib.from_config_dict({"agent": agent})
        config = config_lib.to_config_dict(defaults)
        flags_ = ["check", *SMALL, *flags]
        return config_lib.from_config_dict(config_fields.set_fields(config, flags_))

    return {result.name: result for result in check_agent.check(agent, make_spec)}


@pytest.mark.parametrize(
    "agent",
    ["rainbow", "r2d2", "cql_c51", "tests.outside_agents:TWO_STEP"],
)
def test_nothing_is_wrong_with_what_is_right(agent):
    categorical = agent in ("rainbow", "cql_c51")
    atoms = ["--config.network.num_atoms=5"] * categorical
    found = results(agent, *atoms, *(SHORT_MEMORY if agent == "r2d2" else ()))
    assert not [x for x in found.values() if x.failed], found
    assert "cost" in found


@pytest.mark.parametrize(
    ("name", "check", "detail"),
    [
        ("UNDECORATED", "settings", "Undecorated is not decorated as a dataclass"),
        ("WITHOUT_DEFAULT", "settings", "a default, which bonus has not"),
        ("OF_A_RUN", "settings", "fields that a run has already: seed"),
        ("NO_ADDER", "builder", "it has no make_adder"),
        ("OTHER_NETWORK", "network", "other parameters than the settings'"),
        ("SILENT", "acting and items", "nothing in replay after 121 steps"),
        ("OUT_OF_RANGE", "acting and items", r"action: \d is not accepted; 0 to 2"),
        ("NOT_FINITE", "finite loss", "the gradient_norm is nan after 1 updates"),
        ("STILL", "parameters are trained", "an update changes none of them"),
        ("RECOMPILED", "compiled once", "4 programs more in updates 5 to 8"),
        ("COUNTING", "checkpoint", "the update after it is another"),
        ("FORGETFUL", "checkpoint", "what is restored is not what was saved"),
    ],
)
def test_what_is_wrong_is_found(name, check, detail, monkeypatch):
    # They find none of the faults above, and take half of the time.
    for other in NOT_LOOKED_AT:
        monkeypatch.setattr(check_agent, other, lambda session: "not looked at")
    found = results(f"tests.bad_agents:{name}")
    failed = {k: x for k, x in found.items() if x.failed}
    assert list(failed) == [check], failed
    assert re.search(detail, failed[check].detail), failed[check]


@pytest.mark.parametrize(
    ("moe", "name"),
    [("top1", "load_balancing_loss"), (OF_ITS_OWN, "auxiliary_loss")],
)
def test_an_objective_without_the_mixture_s_losses_is_found(moe, name, monkeypatch):
    for other in ("_compiled_once", "_checkpoint", *NOT_LOOKED_AT):
        monkeypatch.setattr(check_agent, other, lambda session: "not looked at")
    flags = [f"--config.network.moe={moe}"]
    flags += ["--config.network.importance_weight=1"] * (moe == "top1")
    found = results("tests.bad_agents:WITHOUT_MIXTURE_LOSSES", *flags)
    (failed,) = (x for x in found.values() if x.failed)
    assert failed.name == "mixture's losses"
    assert f"lack {name}, which learning.add_mixture_losses" in failed.detail
    assert results("dqn", *flags)["mixture's losses"].detail == name


def test_an_agent_of_a_run_with_many_environments_plays_in_one():
    config = config_lib.load_config("r2d2_atari", {"num_environments": 64})
    spec = on_catch(config_lib.from_config_dict(config))
    assert (spec.run.game, spec.run.num_environments) == ("Catch", 1)


def test_the_command_checks_an_agent():
    done = command("tests.bad_agents:WITHOUT_DEFAULT", *SMALL)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "tests.bad_agents:WITHOUT_DEFAULT, agent of a run",
        "FAILED  settings                   ValueError: agent: "
        "'tests.bad_agents:WITHOUT_DEFAULT' is not accepted; every field of "
        "WithoutDefault needs a default, which bonus has not",
        "failed: 1",
    ]
