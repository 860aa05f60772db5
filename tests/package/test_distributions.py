"""What the sdist and the wheel hold, against what the repository does."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from acme_moe.cli.main import INSTALL
from tests.programs import ROOT

# Of the repository's own keeping.
NOT_SHIPPED = {".ci/run", ".dockerignore", ".gitignore"}
# The pairs for whose sake two packages are installed without a resolver.
CONFLICTS = {("dm-acme", "dm-launchpad"), ("tensorflow-cpu", "numpy")}
OUTSIDE = [
    Requirement(word) for word in INSTALL[-1].split() if re.match(r"[\w-]+==", word)
]


@pytest.fixture(scope="module")
def tracked():
    """The paths of the repository's files."""
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked sdist does not say which files are its own")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {path for path in listed.split("\0") if path and (ROOT / path).exists()}


@pytest.fixture(scope="module")
def built(tracked, tmp_path_factory):
    """The folder of an sdist, and of the wheel that was built from it."""
    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "built"))
    for path in tracked:
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, source / path)
    # What must not go in: a run, and what an interpreter leaves.
    for path in ("runs/old/config.json", "acme_moe/__pycache__/x.cpython-310.pyc"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text("{}")
    done = subprocess.run(
        [*(sys.executable, "-m", "build", "--no-isolation"), "--outdir", out, source],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    assert path.name == "acme_moe-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as file:
        yield file


def test_the_sdist_is_the_repository(built, tracked):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as file:
        files = {member.name.partition("/")[2] for member in file if not member.isdir()}
    made = {name for name in files if name.startswith("acme_moe.egg-info/")}
    assert files - made - {"PKG-INFO", "setup.cfg"} == tracked - NOT_SHIPPED


def test_the_wheel_is_the_package_and_its_data(wheel, tracked):
    files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert files == {name for name in tracked if name.startswith("acme_moe/")}
    assert {"acme_moe/py.typed", "acme_moe/reporting/report.html.jinja"} <= files


def test_the_wheel_has_the_command_and_the_license(wheel):
    (entries,) = (n for n in wheel.namelist() if n.endswith("/entry_points.txt"))
    assert "acme-moe = acme_moe.cli.main:main" in wheel.read(entries).decode()
    (found,) = (n for n in wheel.namelist() if n.endswith("/LICENSE"))
    assert wheel.read(found) == (ROOT / "LICENSE").read_bytes()


@pytest.fixture(scope="module")
def requirements(wheel):
    """What the wheel asks for: requirements by extra, "" for none."""
    (name,) = (n for n in wheel.namelist() if n.endswith("/METADATA"))
    headers = email.message_from_bytes(wheel.read(name))
    assert headers["License-Expression"] == "Apache-2.0"
    found = {"": []}
    for extra in headers.get_all("Provides-Extra"):
        found[extra] = []
    for line in headers.get_all("Requires-Dist"):
        requirement = Requirement(line)
        extra = re.search(r'extra == "([\w-]+)"', str(requirement.marker))
        found[extra[1] if extra else ""].append(requirement)
    return found


def test_the_pure_parts_ask_for_no_agents_stack(requirements):
    names = {canonicalize_name(requirement.name) for requirement in requirements[""]}
    assert names == {"jax", "dm-haiku", "optax", "rlax", "numpy"}
    assert {"agents", "gpu", "dev", "gymnasium"} <= set(requirements)


def test_agents_has_what_the_packages_outside_of_it_need(requirements):
    agents = {canonicalize_name(r.name): r.specifier for r in requirements["agents"]}
    for package in OUTSIDE:
        assert canonicalize_name(package.name) not in agents
        for needed in map(Requirement, metadata.requires(package.name)):
            name = canonicalize_name(needed.name)
            conflict = (package.name, name) in CONFLICTS
            here = needed.marker is None or needed.marker.evaluate({"extra": ""})
            if conflict or not here:
                continue
            assert name in agents, f"{package} needs {needed}"
            for bound in needed.specifier:
                beyond = {"<": bound.version, "<=": f"{bound.version}.1"}
                if bound.operator in beyond:
                    version = Version(beyond[bound.operator])
                    assert not agents[name].contains(version, prereleases=True), needed


def test_the_pins_are_what_the_package_asks_for(requirements):
    """The environment of these tests is made from requirements.txt."""
    for requirement in [*requirements[""], *requirements["agents"], *OUTSIDE]:
        version = metadata.version(requirement.name)
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_everybody_says_the_same_of_how_to_install():
    project = (ROOT / "pyproject.toml").read_text()
    assert all(f'"{package}"' in project for package in OUTSIDE)
    page = (ROOT / "docs" / "install.md").read_text()
    assert INSTALL[-1] in page


def test_the_dockerfile_copies_what_is_there_and_sent():
    sent = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for name in line.split()[1:-1]:
                assert (ROOT / name).exists()
                assert any(Path(name).match(pattern) for pattern in sent), name
