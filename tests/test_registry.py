"""Parts by name and by import path, and what is said of those that are not there."""

import subprocess
import sys

import pytest

from acme_moe.registry import Registry


@pytest.fixture
def layers():
    return Registry("layer", {"dense": len, "json": "json:loads"})


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Modules outside the library, one of which fails when it is imported."""
    (tmp_path / "outside_good.py").write_text(
        "class Sub:\n    part = 3\ndef choose(x):\n    return x\n"
    )
    (tmp_path / "outside_broken.py").write_text("x = 1\nraise RuntimeError('no GPU')\n")
    (tmp_path / "outside_needs.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_parts_are_found_by_name_and_by_path(layers, package):
    import json

    assert layers.get("dense") is len
    assert layers.get("json") is json.loads
    assert layers.get("outside_good:Sub.part") == 3
    assert tuple(layers) == ("dense", "json")
    assert "dense" in layers
    assert "outside_good:choose" not in layers


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "dens",
            r"'dens' is not known; accepted: dense, json \(did you mean dense\?\)",
        ),
        (
            "my.part",
            "'my.part' is not known; accepted: dense, json, or the import path",
        ),
        ("no_such:part", "fails: ModuleNotFoundError: No module named 'no_such'; "),
        (
            "outside_good:chose",
            r"has no 'chose' \(did you mean choose\?\); accepted: d",
        ),
        (
            "outside_good:Sub.no",
            "'outside_good' has no 'Sub.no'; accepted: dense, json",
        ),
        ("outside_broken:x", r"RuntimeError: no GPU \(.*outside_broken.py, line 2\)"),
        ("outside_needs:x", "'outside_needs' fails: ModuleNotFoundError: .*_anywhere'"),
        ("outside_good:Sub.part.no", "'outside_good' has no 'Sub.part.no'"),
        ("outside_good:", "'outside_good' has no ''"),
        (":x", "importing '' fails: ValueError"),
    ],
)
def test_what_fails_is_named(name, message, layers, package):
    for look in (layers.get, layers.check):
        with pytest.raises(ValueError, match=rf"^layer: .*{message}"):
            look(name)


def test_a_check_of_a_registered_name_imports_nothing():
    code = (
        "import sys\n"
        "from acme_moe.registry import Registry\n"
        "Registry('a', {'b': 'haiku:Linear'}).check('b')\n"
        "assert not {'jax', 'haiku', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
