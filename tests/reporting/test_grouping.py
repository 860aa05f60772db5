"""Runs that differ in anything are no repeats of one another."""

import json
import operator
from functools import reduce

import pytest

from acme_moe import agents
from acme_moe.distributed import config as distributed
from acme_moe.reporting import grouping
from acme_moe.reporting.collect import collect
from acme_moe.runs.config import from_config_dict, to_config_dict
from tests.reporting.folders import write_run

# Written out again, so that nothing is added to the code's list by itself.
OF_NO_MATTER = {
    "checkpoint_every_minutes",
    "checkpoints_kept",
    "environment_processes",
    "log_every_seconds",
    "loggers",
    "record",
    "dataset.num_files",
    "dataset.workers",
    "diagnostics.gradient_megabytes",
}


def config_of(agent):
    """Every field of an agent's runs, with its default."""
    config = to_config_dict(from_config_dict({"agent": agent})).to_dict()
    return json.loads(json.dumps(config))


def fields(config, prefix=""):
    for name, value in config.items():
        if isinstance(value, dict):
            yield from fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def every_field():
    """Each field of each settings dataclass, with the first agent that has it."""
    found = {}
    for agent in agents.AGENTS:
        for name in fields(config_of(agent)):
            found.setdefault(name, agent)
    return sorted(found.items())


FIELDS = [
    (name, agent) for name, agent in every_field() if name not in ("seed", "game")
]


def parent(config, name):
    *path, last = name.split(".")
    return reduce(operator.getitem, path, config), last


def another(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return {str: "another", list: [1, 2], type(None): 1}[type(value)]


def write_pair(workdir, agent, change):
    """Two runs of other seeds, the second with a config that was changed."""
    for seed, number in enumerate(("first", "second")):
        config = config_of(agent)
        if seed:
            change(config)
        config["seed"] = seed
        write_run(workdir / number, game="Pong", seed=seed, agent=agent)
        (workdir / number / "config.json").write_text(json.dumps(config))


def runs_of_lines(workdir):
    comparison = collect(workdir)["evaluation"]
    assert comparison.missing == ()
    return {
        line.label: line.num_runs(panel.games)
        for panel in comparison.panels
        for line in panel.lines
    }


@pytest.mark.parametrize(("name", "agent"), FIELDS, ids=[name for name, _ in FIELDS])
def test_runs_that_differ_in_one_field(tmp_path, name, agent):
    def change(config):
        section, last = parent(config, name)
        section[last] = another(section[last])

    write_pair(tmp_path, agent, change)
    lines = runs_of_lines(tmp_path)
    if name in OF_NO_MATTER:
        assert list(lines.values()) == [2]
        return
    assert list(lines.values()) == [1, 1]
    if name != "network.moe":
        # Nothing else is in the label.
        assert [label.count("=") for label in lines] == [1, 1]
        assert all(name.endswith(label.partition("=")[0]) for label in lines)


@pytest.mark.parametrize(("name", "agent"), FIELDS, ids=[name for name, _ in FIELDS])
def test_a_config_from_before_a_field_was_there_is_read(tmp_path, name, agent):
    def change(config):
        section, last = parent(config, name)
        del section[last]

    write_pair(tmp_path, agent, change)
    # What the field would have been nobody knows, unless it changes nothing by default.
    known = name in OF_NO_MATTER or name in grouping.ATARI_ADDED
    expected = [2] if known else [1, 1]
    assert list(runs_of_lines(tmp_path).values()) == expected


@pytest.mark.parametrize("name", list(fields(distributed.DistributedConfig().__dict__)))
def test_runs_of_many_processes_that_differ_in_one_field(tmp_path, name):
    write_pair(tmp_path, "dqn", lambda config: None)
    assert list(runs_of_lines(tmp_path).values()) == [2]
    same = distributed.DistributedConfig().__dict__
    changed = {**same, name: another(same[name])}
    for run, config in (("first", same), ("second", changed)):
        (tmp_path / run / "distributed.json").write_text(json.dumps(config))
    alike = name in ("quick_failures", "quick_seconds")
    assert list(runs_of_lines(tmp_path).values()) == ([2] if alike else [1, 1])
    (tmp_path / "second" / "distributed.json").unlink()
    assert list(runs_of_lines(tmp_path).values()) == [1, 1]


def test_short_names_of_settings_are_of_one_setting_each():
    names = [name for name, _ in every_field()]
    short = [n.removeprefix("network.").removeprefix("environment.") for n in names]
    assert len(set(short)) == len(names)


def test_a_dense_and_a_widened_baseline(tmp_path):
    network = {"moe": "none", "num_experts": 8, "encoder": "impala"}
    for widened in (False, True):
        for seed in (0, 1):
            write_run(
                tmp_path / f"{widened}{seed}",
                seed=seed,
                network={**network, "widen_dense": widened},
            )
    assert runs_of_lines(tmp_path) == {"widen_dense=false": 2, "widen_dense=true": 2}
    write_run(tmp_path / "soft", network={**network, "moe": "soft", "num_experts": 4})
    assert runs_of_lines(tmp_path) == {
        "Baseline, num_experts=8, widen_dense=false": 2,
        "Baseline, num_experts=8, widen_dense=true": 2,
        "Soft MoE, num_experts=4": 1,
    }


def test_a_baseline_has_the_usual_dense_layer(tmp_path):
    for i, (moe, dense) in enumerate(
        [("none", "gap"), ("none", "flatten"), ("soft", "flatten"), ("none", "my:Own")]
    ):
        write_run(tmp_path / str(i), network={"moe": moe, "dense": dense})
    assert set(runs_of_lines(tmp_path)) == {
        "GAP",
        "Baseline",
        "Soft MoE",
        'dense="my:Own"',
    }
    # Of a version without other layers, which is one more setting.
    write_run(tmp_path / "old", network={"moe": "none"})
    assert set(runs_of_lines(tmp_path)) == {
        "GAP",
        'Baseline, dense="flatten"',
        "Baseline",
        'Soft MoE, dense="flatten"',
        'dense="my:Own"',
    }


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ({"moe": "none"}, "dqn with dense"),
        ({"moe": "none", "dense": "flatten"}, "dqn with dense"),
        ({"moe": "none", "dense": "token_mean"}, "dqn with Mean over tokens"),
        ({"moe": "none", "dense": "my:Own"}, "dqn with my:Own"),
        ({"moe": "soft", "dense": "gap"}, "dqn with Soft MoE"),
    ],
)
def test_a_run_alone_is_named_by_its_layer(tmp_path, network, words):
    write_run(tmp_path / "run", network=network)
    assert list(runs_of_lines(tmp_path)) == [words]


def write_offline(folder, game, seed, path):
    write_run(folder, game=game, seed=seed, agent="cql", dataset={"path": path})


def test_sets_of_other_games_and_of_a_seeds_own_run_are_one_setting(tmp_path):
    for game in ("Pong", "Breakout"):
        for seed in (0, 1):
            path = f"gs://sets/dqn/{game}/{seed + 1}/replay_logs"
            write_offline(tmp_path / f"{game}{seed}", game, seed, path)
    assert list(runs_of_lines(tmp_path).values()) == [2]
    # Of a seed that another run of the set belongs to.
    write_offline(tmp_path / "x", "Pong", 2, "gs://sets/dqn/Pong/1/replay_logs")
    assert sorted(runs_of_lines(tmp_path).values()) == [1, 2]


def test_sets_of_other_places_are_others(tmp_path):
    write_offline(tmp_path / "a", "Pong", 0, "data/expert/pong")
    write_offline(tmp_path / "b", "Pong", 1, "data/random/pong")
    assert list(runs_of_lines(tmp_path)) == [
        'dataset.path="data/expert/GAME"',
        'dataset.path="data/random/GAME"',
    ]


def test_options_may_hold_lists_of_lists(tmp_path):
    for seed in (0, 1):
        write_run(
            tmp_path / str(seed),
            seed=seed,
            network={"moe": "none", "encoder_options": {"sizes": [[1, 2], [3, 4]]}},
        )
    (panel,) = collect(tmp_path)["evaluation"].panels
    assert len(panel.lines) == 1
