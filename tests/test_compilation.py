"""The folder of compiled programs."""

import os
import pwd

import pytest

from acme_moe import compilation


def test_the_folder_is_in_the_users_cache_and_keeps_small_programs(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    compilation.keep(environment)
    folder = environment[compilation.FOLDER]
    assert folder.startswith(str(tmp_path / "acme_moe" / "jax"))
    assert os.path.isdir(folder)
    assert environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"


@pytest.mark.parametrize(
    "own",
    [
        {"JAX_COMPILATION_CACHE_DIR": "mine"},
        {"JAX_COMPILATION_CACHE_DIR": ""},
        {"JAX_ENABLE_COMPILATION_CACHE": "false"},
    ],
)
def test_the_users_settings_of_jax_come_first(tmp_path, own):
    environment = {"XDG_CACHE_HOME": str(tmp_path), **own}
    before = dict(environment)
    compilation.keep(environment)
    assert environment == before
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "acme_moe").write_text("in the way")
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    compilation.keep(environment)
    assert compilation.FOLDER not in environment


def test_a_user_without_a_home_does_without(monkeypatch):
    """As one whose number no list of users has, in a container."""

    def lacks(_):
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lacks)
    environment = {}
    compilation.keep(environment)
    assert not environment


def test_processors_of_another_kind_have_another_folder(tmp_path, monkeypatch):
    folders = set()
    for machine in ("x86_64", "aarch64"):
        monkeypatch.setattr(compilation.platform, "machine", lambda m=machine: m)
        environment = {"XDG_CACHE_HOME": str(tmp_path)}
        compilation.keep(environment)
        folders.add(environment[compilation.FOLDER])
    assert len(folders) == 2


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    (tmp_path / "kind").mkdir()
    for age, name in enumerate(("new", "older", "oldest")):
        path = tmp_path / "kind" / name
        path.write_bytes(bytes(100))
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    compilation.drop_oldest(tmp_path, 200)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "new",
        "older",
    }


def test_files_of_others_stay(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(f"{path} is another user's")

    (tmp_path / "program").write_bytes(bytes(100))
    monkeypatch.setattr(compilation.Path, "unlink", refuse)
    compilation.drop_oldest(tmp_path, max_bytes=10)
    assert (tmp_path / "program").exists()
