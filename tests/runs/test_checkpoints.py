"""Checkpoints come back whole, and damage is found and named."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import reverb
from absl import logging

from acme_moe.runs import checkpoints as checkpoints_lib
from acme_moe.runs.checkpoint import (
    DamagedCheckpointError,
    OtherStateError,
    run_state,
)
from acme_moe.runs.checkpoints import Checkpoints, ReplayAwayError
from acme_moe.runs.state import RunState

STATE = {"params": {"w": np.arange(6.0).reshape(2, 3)}, "steps": np.int32(7)}
TEMPLATE = {"params": {"w": np.zeros((2, 3))}, "steps": np.int32(0)}


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", kept=2)


def damage_contents(path):
    data = bytearray((path / "state.npz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (path / "state.npz").write_bytes(data)


def damage_length(path):
    file = path / "state.npz"
    file.write_bytes(file.read_bytes()[:-10])


def damage_presence(path):
    (path / "state.json").unlink()


def damage_manifest(path):
    (path / "manifest.json").write_text('{"state.npz": [1')


def test_arrays_and_counts_come_back(checkpoints):
    checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    restored = checkpoints.latest()
    assert restored.counts == {"agent_steps": 10}
    assert restored.replay_path is None
    state = restored.load_state(TEMPLATE)
    np.testing.assert_array_equal(state["params"]["w"], STATE["params"]["w"])
    assert state["steps"] == 7


def test_dtypes_that_numpy_lacks_come_back(checkpoints):
    state = {"m": jnp.array([0.5, 3.0], jnp.bfloat16)}
    checkpoints.save(1, state, {}, [])
    restored = checkpoints.latest().load_state(state)
    assert restored["m"].dtype == jnp.bfloat16
    assert restored["m"].tolist() == [0.5, 3.0]


def test_the_newest_are_kept(checkpoints):
    for steps in (10, 30, 20, 30):
        checkpoints.save(steps, STATE, {"agent_steps": steps}, [])
    names = sorted(p.name for p in checkpoints.latest().path.parent.iterdir())
    assert names == ["000000000030", "000000000030_001"]
    assert checkpoints.latest().path.name == "000000000030_001"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_contents, "the contents of state.npz have changed"),
        (damage_length, "state.npz has"),
        (damage_presence, "state.json is missing"),
        (damage_manifest, "is damaged"),
    ],
)
def test_a_damaged_one_is_reported_and_the_one_before_it_used(
    checkpoints, damage, words, monkeypatch
):
    reported = []
    monkeypatch.setattr(
        logging, "error", lambda text, *args: reported.append(text % args)
    )
    checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    newest = checkpoints.save(20, STATE, {"agent_steps": 20}, [])
    damage(newest.path)
    assert checkpoints.latest().counts == {"agent_steps": 10}
    assert words in reported[0]
    assert "000000000020" in reported[0]


def test_a_damaged_one_does_not_push_out_what_is_saved_after_it(tmp_path):
    for kept in (1, 2):
        checkpoints = Checkpoints(tmp_path / str(kept), kept=kept)
        checkpoints.save(500, STATE, {"agent_steps": 500}, [])
        damage_length(checkpoints.save(1_000, STATE, {}, []).path)
        if kept == 1:  # The one before it is gone, so that it has to be made again.
            (tmp_path / "1" / "000000001000").rename(tmp_path / "damaged")
            checkpoints.save(500, STATE, {"agent_steps": 500}, [])
            (tmp_path / "damaged").rename(tmp_path / "1" / "000000001000")
        assert checkpoints.latest().counts == {"agent_steps": 500}
        checkpoints.save(950, STATE, {"agent_steps": 950}, [])
        assert checkpoints.latest().counts == {"agent_steps": 950}


def test_a_position_may_be_damaged_again(checkpoints):
    checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    for _ in range(2):
        damage_length(checkpoints.save(20, STATE, {"agent_steps": 20}, []).path)
        assert checkpoints.latest().counts == {"agent_steps": 10}


def test_nothing_is_written_while_a_server_is_away(checkpoints):
    server, client = serve(checkpoints)
    server.stop()
    with pytest.raises(ReplayAwayError):
        checkpoints.save(1, STATE, {}, [client])
    assert not list(checkpoints._directory.glob("0*"))


def test_parts_of_another_number_of_servers_are_not_taken(checkpoints):
    servers, clients = zip(
        *(serve(checkpoints, number=i) for i in range(2)), strict=True
    )
    clients[0].insert(np.float32(1), {"t": 1.0})
    checkpoints.save(1, {}, {}, clients)
    for server in servers:
        server.stop()
    restored = checkpoints.latest()
    assert restored.replay_path is None
    table = reverb.Table(
        "t",
        reverb.selectors.Uniform(),
        reverb.selectors.Fifo(),
        100,
        reverb.rate_limiters.MinSize(1),
    )
    checkpointer = checkpoints.reverb_checkpointer(restored)
    server = reverb.Server([table], port=None, checkpointer=checkpointer)
    client = reverb.Client(f"localhost:{server.port}")
    assert client.server_info()["t"].current_size == 0
    server.stop()


def test_one_that_is_dropped_while_it_is_looked_at_gives_way_to_the_newer(
    checkpoints, monkeypatch
):
    old = checkpoints.save(10, STATE, {}, [])
    read = checkpoints_lib.read_checkpoint

    def drop_then_read(path, **kwargs):
        if path == old.path:
            for steps in (20, 30):
                checkpoints.save(steps, STATE, {"agent_steps": steps}, [])
        return read(path, **kwargs)

    monkeypatch.setattr(checkpoints_lib, "read_checkpoint", drop_then_read)
    assert checkpoints.latest().counts == {"agent_steps": 30}


def test_nothing_starts_anew_over_damage(checkpoints):
    damage_length(checkpoints.save(10, STATE, {}, []).path)
    with pytest.raises(DamagedCheckpointError, match="no checkpoint of this run"):
        checkpoints.latest()


def test_an_interrupted_write_is_not_a_checkpoint(checkpoints, tmp_path):
    checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    unfinished = tmp_path / "checkpoints" / "000000000020.unfinished"
    unfinished.mkdir()
    (unfinished / "state.npz").write_bytes(b"half")
    again = Checkpoints(tmp_path / "checkpoints", kept=2)
    assert again.latest().counts == {"agent_steps": 10}
    assert not unfinished.exists()


def test_other_settings_are_told_by_the_array_that_differs(checkpoints):
    checkpoints.save(10, STATE, {}, [])
    restored = checkpoints.latest()
    with pytest.raises(ValueError, match=r"\['params'\]\['w'\] has shape \(2, 3\)"):
        restored.load_state({**TEMPLATE, "params": {"w": np.zeros((4, 3))}})
    with pytest.raises(ValueError, match=r"has no array \['bias'\]"):
        restored.load_state({**TEMPLATE, "bias": np.zeros(3)})


def serve(checkpoints, restored=None, number=0, num_servers=1):
    table = reverb.Table(
        "t",
        reverb.selectors.Uniform(),
        reverb.selectors.Fifo(),
        100,
        reverb.rate_limiters.MinSize(1),
    )
    checkpointer = checkpoints.reverb_checkpointer(restored, number, num_servers)
    server = reverb.Server([table], port=None, checkpointer=checkpointer)
    return server, reverb.Client(f"localhost:{server.port}")


def test_replay_contents_come_back(checkpoints):
    server, client = serve(checkpoints)
    for i in range(5):
        client.insert(np.float32(i), {"t": 1.0})
    checkpoints.save(10, STATE, {}, [client])
    # Inserted after the checkpoint, so not in it.
    client.insert(np.float32(99), {"t": 1.0})
    server.stop()
    server, client = serve(checkpoints, checkpoints.latest())
    assert client.server_info()["t"].current_size == 5
    values = {float(s[0].data[0]) for s in client.sample("t", 50)}
    server.stop()
    assert values <= set(range(5))


def test_several_servers_have_a_part_each(checkpoints):
    servers, clients = zip(
        *(serve(checkpoints, number=i) for i in range(2)), strict=True
    )
    for value, client in enumerate(clients):
        client.insert(np.float32(value), {"t": 1.0})
    saved = checkpoints.save(1, {}, {}, clients)
    assert saved.replay_path is None
    assert [part.name for part in saved.replay_paths] == ["0", "1"]
    for number, server in enumerate(servers):
        server.stop()
        again, client = serve(checkpoints, checkpoints.latest(), number, 2)
        (sample,) = next(iter(client.sample("t", 1)))
        assert sample.data[0] == number
        again.stop()


def test_a_server_that_is_away_is_told(checkpoints):
    server, client = serve(checkpoints)
    server.stop()
    with pytest.raises(ReplayAwayError):
        checkpoints.save(1, {}, {}, [client])
    assert checkpoints.latest() is None


def test_what_a_server_wrote_for_one_that_died_is_cleared_away(checkpoints):
    server, client = serve(checkpoints)
    client.insert(np.float32(7), {"t": 1.0})
    abandoned = Path(client.checkpoint())
    assert abandoned.exists()
    checkpoints.save(1, {}, {}, [client])
    assert not list(abandoned.parent.iterdir())
    server.stop()


def test_damaged_replay_is_damage(checkpoints):
    server, client = serve(checkpoints)
    client.insert(np.zeros(1000, np.float32), {"t": 1.0})
    newest = checkpoints.save(10, STATE, {}, [client])
    server.stop()
    manifest = json.loads((newest.path / "manifest.json").read_text())
    assert "replay/chunks.tfrecord" in manifest
    (newest.path / "replay" / "chunks.tfrecord").write_bytes(b"")
    with pytest.raises(DamagedCheckpointError, match=r"chunks\.tfrecord has 0 bytes"):
        checkpoints.latest()


def test_the_counts_of_a_newer_version_are_named(checkpoints):
    known = checkpoints.save(10, STATE, {"agent_steps": 10}, [])
    assert run_state(known) == RunState(agent_steps=10)
    assert run_state(None) == RunState()
    newer = checkpoints.save(20, STATE, {"agent_steps": 20, "naps": 1}, [])
    with pytest.raises(OtherStateError, match=r"000000000020: state\.json has naps, w"):
        run_state(newer)
