"""The checker of environments: silent on good ones, and faults are found by name."""

import re

import pytest

from acme_moe.runs import check_environment
from acme_moe.runs import config as config_lib
from tests.cli.test_check import command


def results(name, **settings):
    spec = config_lib.from_config_dict({"environment": {"name": name, **settings}})
    return {result.name: result for result in check_environment.check(spec)}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("atari", {"frame_stack": 3}),
        ("bsuite", {"catch_image": True}),
        ("minatar", {}),
        # Whose pictures need a package that tests do without.
        ("gymnasium", {}),
        ("tests.corridor:corridor", {"length": 6}),
        ("tests.corridor:OwnCorridor", {"length": 6}),
    ],
)
def test_nothing_is_wrong_with_what_is_right(name, settings):
    found = results(name, **settings)
    assert not [x for x in found.values() if x.failed], found
    assert "cost" in found


@pytest.mark.parametrize(
    ("name", "check", "detail"),
    [
        ("corridor:continuous", "it is played", "has the actions"),
        ("bad_environments:wide", "values are as specified", r"\(6,\).*\(5,\)"),
        ("bad_environments:not_finite", "values are as specified", "observation is"),
        ("bad_environments:discounted", "values are as specified", "1.5"),
        ("bad_environments:no_end", "episodes begin and end", "where an episode goes"),
        ("bad_environments:one_buffer", "observations are kept", "changes after it"),
        ("bad_environments:unseeded", "a seed is a game", "the same seed and actions"),
        ("bad_environments:unstacked", "stacked frames", "not zero but for its newest"),
        ("bad_environments:grey", "pictures", r"uint8 \[4, 4\], not uint8"),
    ],
)
def test_what_is_wrong_is_found(name, check, detail):
    failed = {k: x for k, x in results(f"tests.{name}").items() if x.failed}
    assert list(failed) == [check], failed
    assert re.search(detail, failed[check].detail), failed[check]


def test_the_command_checks_an_environment():
    done = command("--config.environment.length=6", "tests.corridor:corridor")
    assert done.returncode == 0, done.stderr
    assert "tests.corridor:corridor, environment of a run" in done.stdout
    assert "float32 [6]" in done.stdout
