"""A run names the machine that it was made on."""

import importlib.metadata

import pytest

from acme_moe.runs import platform_name as module

JAX = f"JAX {importlib.metadata.version('jax')}"


@pytest.mark.parametrize(
    ("cores", "lines", "expected"),
    [
        (
            {0, 3},
            "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7B13\n",
            f"{JAX}, 2 cores, AMD EPYC 7B13",
        ),
        # As on Arm.
        ({2}, "processor\t: 0\nFeatures\t: fp asimd\n", f"{JAX}, 1 core, here"),
        ({2}, None, f"{JAX}, 1 core, here"),
    ],
)
def test_it_is_jax_cores_and_the_processor(
    tmp_path, monkeypatch, cores, lines, expected
):
    path = tmp_path / "cpuinfo"
    if lines is not None:
        path.write_text(lines)
    monkeypatch.setattr(module, "_CPU_INFO", str(path))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "here")
    assert module.find_platform() == expected
