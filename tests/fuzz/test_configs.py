"""A config is refused with the name of a field, or is what comes back from its JSON."""

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acme_moe.runs import config as config_lib
from acme_moe.runs import presets
from tests.fuzz import hostile

PRESETS = {
    name: config_lib.to_config_dict(config_lib.preset(name)).to_dict()
    for name in presets.PRESETS
}


def paths(fields, above=()):
    for name, value in fields.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def replace(config, path, value):
    *parents, name = path
    for parent in parents:
        config = config.get(parent)
        if not isinstance(config, dict):
            return
    config[name] = value


@st.composite
def configs(draw):
    """The config of a preset in which some fields have other values."""
    config = copy.deepcopy(PRESETS[draw(st.sampled_from(sorted(PRESETS)))])
    there = sorted(paths(config))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(there))
        if draw(st.integers(0, 9)) == 0:
            path = (*path[:-1], draw(st.text(max_size=5)))
        replace(config, path, draw(hostile.VALUES))
    return config


def names_a_field(message, config):
    named = message.partition(": ")[0]
    known = {".".join(path) for path in paths(config)}
    # Options of a part that another part has, and fields of a replaced mapping.
    above = {path.partition(".")[0] for path in known}
    return named in known or named.partition(".")[0] in above


def check(config, path):
    spec, refusal = hostile.attempt(config_lib.from_config_dict, config)
    if spec is None:
        assert names_a_field(refusal, config), refusal
        return
    text = config_lib.config_json(spec)
    # Other readers of JSON know no NaN.
    json.loads(text, parse_constant=pytest.fail)
    path.write_text(text)
    assert config_lib.read_config_json(path) == spec


@hostile.inputs(400, 8_000)
@given(config=configs())
def test_a_config_is_refused_by_a_fields_name_or_comes_back(tmp_path, config):
    check(config, tmp_path / "config.json")


@hostile.inputs(200, 4_000)
@given(
    preset=st.sampled_from(sorted(PRESETS)),
    damages=st.lists(hostile.damages(), min_size=1, max_size=3),
)
def test_a_damaged_config_json_is_refused_or_comes_back(tmp_path, preset, damages):
    path = tmp_path / "config.json"
    data = json.dumps(PRESETS[preset]).encode()
    for damage in damages:
        data = damage(data)
    check_file(path, data)


@hostile.inputs(150, 3_000)
@given(value=hostile.VALUES)
def test_any_other_json_is_refused_or_comes_back(tmp_path, value):
    check_file(tmp_path / "config.json", json.dumps(value).encode())


@hostile.inputs(50, 2_000)
@given(data=st.binary(max_size=50))
def test_any_bytes_are_refused_as_config(tmp_path, data):
    check_file(tmp_path / "config.json", data)


def check_file(path, data):
    path.write_bytes(data)
    spec, refusal = hostile.attempt(config_lib.read_config_json, path)
    if spec is None:
        # A field's name, which may be any text, or the file's.
        assert re.match(r".*?: ", refusal, re.DOTALL), refusal
        return
    path.write_text(config_lib.config_json(spec))
    assert config_lib.read_config_json(path) == spec
