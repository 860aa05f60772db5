"""Who may import whom: a room imports only rooms above it."""

import ast
from pathlib import Path

import pytest

import acme_moe

PACKAGE = Path(acme_moe.__file__).parent

# From the ground up; what every room may use stands first.
ANYWHERE = {
    "_compat",
    "checks",
    "disk",
    "loss_settings",
    "fields",
    "files",
    "folder_lock",
    "lazy",
    "options",
    "processes",
    "registry",
    "specs",
    "validation",
}
ROOMS = (
    "networks",
    "losses",
    "diagnostics",
    "learning",
    "replay",
    "environments",
    "agents",
    "offline",
    "runs",
    "distributed",
    "viewing",
    "studies",
    "reporting",
    "cli",
)
# Studies name presets and commands, and load no agent. Reporting reads run folders and
# the plans of studies, and knows games and scores, but no agents. Films are of runs in
# one process.
MAY = {
    "viewing": {"networks", "learning", "runs", "viewing"},
    "studies": {"environments", "runs", "studies"},
    "reporting": {"environments", "studies", "reporting"},
}
HEAVY = {"acme", "reverb", "launchpad", "tensorflow", "ale_py"}
# The one file of a pure room that is not pure, and is imported by its own name.
IMPURE = {PACKAGE / "learning" / "learner.py"}
PURE = ("networks", "losses", "diagnostics", "learning")


def imports(file):
    """Absolute names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(room):
    return sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", [r for r in ROOMS if (PACKAGE / r).exists()])
def test_rooms_import_only_rooms_above_them(room):
    allowed = MAY.get(room, set(ROOMS[: ROOMS.index(room) + 1]))
    for file in files(room):
        for name in imports(file):
            parts = name.split(".")
            if parts[0] == "acme_moe" and len(parts) > 1 and parts[1] in ROOMS:
                assert parts[1] in allowed, f"{file} imports {name}"


@pytest.mark.parametrize("room", [r for r in PURE if (PACKAGE / r).exists()])
def test_pure_rooms_need_neither_acme_nor_replay(room):
    for file in files(room):
        if file not in IMPURE:
            heavy = {name.partition(".")[0] for name in imports(file)} & HEAVY
            assert not heavy, f"{file} imports {heavy}"


def test_studies_and_reports_need_neither_acme_nor_an_emulator():
    for file in [*files("studies"), *files("reporting")]:
        heavy = {name.partition(".")[0] for name in imports(file)} & {*HEAVY, "haiku"}
        assert not heavy, f"{file} imports {heavy}"


def test_every_package_is_a_room():
    packages = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert packages <= set(ROOMS)


def test_files_stay_small():
    for file in PACKAGE.rglob("*.py"):
        length = len(file.read_text().splitlines())
        assert length <= 400, f"{file} has {length} lines"
