"""What the pages refer to is there: links, anchors, files, names, settings."""

import ast
import importlib
import itertools
import re

import pytest

from acme_moe.runs.config import preset, to_config_dict
from acme_moe.runs.presets import PRESETS
from tests.programs import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# A file of this repository or of its package, as a page names it.
FILE = re.compile(r"`((?:[\w.]+/)+\w+\.(?:py|md))`")
FIELD = re.compile(r"`([\w.]+)`")


def prose(page):
    """The page without its blocks of code."""
    return FENCED.sub("", page.read_text())


def anchors(page):
    """The anchors that GitHub gives a page's headings."""
    seen = {}
    for title in re.findall(r"^#+ (.*)$", prose(page), re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        slug = re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
        number = seen.setdefault(slug, 0)
        seen[slug] += 1
        yield f"{slug}-{number}" if number else slug


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_relative_links_lead_somewhere(page):
    for link in LINK.findall(prose(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert ROOT in target.parents, f"{page.name} links out of the repository"
        if anchor:
            assert anchor in set(anchors(target)), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_that_are_named_exist(page):
    for name in FILE.findall(prose(page)):
        if name.startswith("labs/"):  # Of dopamine-rl.
            continue
        places = (ROOT / name, ROOT / "acme_moe" / name)
        assert any(place.exists() for place in places), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_names_that_examples_import_exist(page):
    for block in re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("acme_moe"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


def settings(config, prefix=""):
    """Every field of a config and its value, by its path."""
    for name, value in config.items():
        if hasattr(value, "items"):
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def documented():
    """Names and defaults in the tables of settings."""
    for line in (ROOT / "docs" / "settings.md").read_text().splitlines():
        if line.startswith("| `"):
            _, fields, defaults, *_ = line.split("|")
            # A comma in a value has no space behind it.
            values = [text.strip().strip("`") for text in defaults.split(", ")]
            yield from itertools.zip_longest(FIELD.findall(fields), values)


def test_settings_are_documented_with_their_defaults():
    first = ("dqn_atari", "rainbow_atari", "drq_eps_atari", "r2d2_atari", "cql_atari")
    actual = {}
    for name in sorted(PRESETS, key=lambda n: first.index(n) if n in first else 9):
        for field, value in settings(to_config_dict(preset(name)).to_dict()):
            actual.setdefault(field, value)
    for field, text in documented():
        value = actual.pop(field)
        if isinstance(value, str):
            assert text == value, field
        else:
            assert ast.literal_eval(text) == value, field
    assert not actual, "not documented"
