"""Agents of checkpoints at play, and the films of it."""

import dataclasses
import json
import re
import types
from unittest import mock

import cv2
import dm_env
import jax
import numpy as np
import pytest
from acme import specs
from PIL import Image

from acme_moe import agents
from acme_moe.disk import DiskError
from acme_moe.networks.token_grid import NoTokenGridError
from acme_moe.runs import config as config_lib
from acme_moe.runs import online, trained
from acme_moe.runs.assembly import make_environment
from acme_moe.runs.checkpoint import DamagedCheckpointError
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.viewing import drawing, film, play
from tests.programs import launch
from tests.runs import tiny
from tests.runs.stored import store

SIZE = (420, 800, 3)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The folder of a real run, short as it is."""
    workdir = tmp_path_factory.mktemp("run")
    spec = tiny.spec(run={"evaluation_episodes": 0, "max_agent_steps": 104})
    with online.OnlineRun(spec, workdir) as run:
        run.run()
        params = jax.device_get(run.learner.state.params)
    return workdir, params


def watch(*flags):
    return launch("watch.py", *flags)


def test_a_film_has_a_frame_a_step(played, tmp_path):
    workdir, _ = played
    out = tmp_path / "game.mp4"
    result = watch(f"--checkpoint={workdir}", f"--out={out}", "--max_steps=7")
    assert result.returncode == 0, result.stderr
    assert "7 agent steps of Pong" in result.stdout
    video = cv2.VideoCapture(str(out))
    assert video.get(cv2.CAP_PROP_FPS) == 15
    frames = 0
    while True:
        more, frame = video.read()
        if not more:
            break
        frames += 1
        assert frame.shape == SIZE
    assert frames == 7


def test_the_agent_of_the_checkpoint_plays(played):
    workdir, params = played
    spec, _ = trained.find_checkpoint(workdir)
    assert spec == config_lib.read_config_json(workdir / "config.json")
    decisions = list(play.play(trained.load(workdir), max_steps=5, seed=3))
    assert len(decisions) == 5
    network = agents.load_builder("dqn", spec.agent).make_network(
        specs.make_environment_spec(make_environment(spec, 0))
    )
    environment = make_environment(spec, 3, evaluation=True)
    apply = jax.jit(network.apply, static_argnums=3)
    timestep = environment.reset()
    for decision in decisions:
        np.testing.assert_array_equal(decision.screen, environment.render())
        output = apply(params, None, timestep.observation[None], True)
        np.testing.assert_allclose(decision.q_values, output.q_values[0], atol=1e-6)
        expected = output.moe.dispatch_weights[0].sum(-1).reshape(5, 5, 2)
        np.testing.assert_allclose(decision.dispatch, expected, atol=1e-5)
        # What a slot takes sums to one, and an expert has 13 of them.
        np.testing.assert_allclose(decision.dispatch.sum((0, 1)), 13, rtol=1e-4)
        timestep = environment.step(decision.action)
    again = list(play.play(trained.load(workdir), max_steps=5, seed=3))
    assert [m.action for m in again] == [m.action for m in decisions]


def test_one_checkpoint_of_a_run_will_do(played):
    workdir, _ = played
    (path,) = (workdir / "checkpoints").glob("0*")
    _, checkpoint = trained.find_checkpoint(path)
    assert checkpoint.path == path


def test_a_run_that_is_going_on_is_left_alone(played):
    workdir, _ = played
    unfinished = workdir / "checkpoints" / "000000000200.unfinished"
    unfinished.mkdir()
    trained.find_checkpoint(workdir)
    assert unfinished.is_dir()
    unfinished.rmdir()


def test_an_agent_with_a_memory_plays_too(tmp_path):
    config = agents.config_class("r2d2")(
        network=tiny.NETWORK, lstm_size=8, head_width=8
    )
    run = dataclasses.replace(tiny.spec().run, agent="r2d2", max_agent_steps=300_000)
    spec = OnlineRunSpec(run=run, agent=config)
    stored = store(spec, tmp_path)
    agent = trained.load(tmp_path)
    assert agent.checkpoint.path == stored.path
    decisions = list(play.play(agent, max_steps=4))
    assert len(decisions) == 4
    assert decisions[0].dispatch.shape == (5, 5, 2)
    assert drawing.draw(decisions[0]).shape == SIZE
    # The same screen is worth something else to who remembers another past.
    assert not np.array_equal(decisions[0].q_values, decisions[1].q_values)


def test_a_network_without_a_mixture_has_no_maps(tmp_path):
    network = dataclasses.replace(tiny.NETWORK, moe="none")
    short = tiny.atari(max_episode_steps=3)
    spec = tiny.spec(run={"environment": short}, agent={"network": network})
    store(spec, tmp_path)
    # Two whole games of three steps each.
    decisions = list(play.play(trained.load(tmp_path), episodes=2))
    assert [decision.dispatch for decision in decisions] == [None] * 6
    assert drawing.draw(decisions[0]).shape == SIZE


def test_the_command_films_as_many_games_as_it_is_told(tmp_path):
    network = dataclasses.replace(tiny.NETWORK, moe="none")
    short = tiny.atari(max_episode_steps=3)
    store(tiny.spec(run={"environment": short}, agent={"network": network}), tmp_path)
    flags = ("--episodes=2", "--max_steps=0", f"--out={tmp_path / 'game.gif'}")
    result = watch(f"--checkpoint={tmp_path}", *flags)
    assert "6 agent steps of Pong" in result.stdout, result.stderr


class Rewarding:
    """Three steps an episode, which give 3, 2 and 1."""

    action_names = ("left", "right")

    def reset(self):
        self._steps = [
            dm_env.transition(3.0, 1),
            dm_env.transition(2.0, 2),
            dm_env.termination(1.0, 3),
        ]
        return dm_env.restart(0)

    def step(self, action):
        assert action == 1
        return self._steps.pop(0)

    def render(self):
        return np.zeros((210, 160, 3), np.uint8)

    def close(self):
        pass


def test_the_return_is_that_of_the_game_so_far():
    choice = types.SimpleNamespace(action=1, q_values=np.zeros(2), routing=None)
    agent = mock.Mock(**{"choose.return_value": choice})
    agent.token_grid.side_effect = NoTokenGridError
    agent.make_environment = mock.Mock(return_value=Rewarding())
    shown = list(play.play(agent, episodes=2, seed=5))
    assert [decision.episode_return for decision in shown] == [0, 3, 5] * 2
    assert agent.reset.call_count == 2
    agent.make_environment.assert_called_once_with(5)


@pytest.mark.parametrize("tokenizer", ["own_moe.tokens:Rows", "per_feat"])
def test_tokens_that_are_places_have_maps_and_of_others_the_command_says_why(
    tokenizer, tmp_path
):
    network = dataclasses.replace(tiny.NETWORK, tokenizer=tokenizer)
    spec = tiny.spec(agent={"network": network})
    store(spec, tmp_path)
    (shown,) = play.play(trained.load(tmp_path), max_steps=1)
    places = tokenizer != "per_feat"
    assert (shown.dispatch is not None) == places
    if places:
        assert shown.dispatch.shape == (5, 1, 2)
        assert drawing.draw(shown).shape == SIZE
        return
    out = tmp_path / "game.gif"
    result = watch(f"--checkpoint={tmp_path}", f"--out={out}", "--max_steps=1")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == (
        "without maps of the routing: network.tokenizer: 'per_feat' has no "
        "grid(height, width) that says where its tokens are"
    )


def decision(moe, dispatch, actions=6, height=210):
    rng = np.random.default_rng(0)
    return play.Decision(
        screen=rng.integers(0, 256, (height, 160, 3), np.uint8),
        action=1,
        action_names=["NOOP"] * actions,
        q_values=rng.normal(size=actions).astype(np.float32),
        dispatch=dispatch,
        moe=moe,
        episode_return=0.0,
    )


@pytest.mark.parametrize("moe", ["soft", "top1"])
@pytest.mark.parametrize("experts", [1, 3, 8, 128])
def test_a_picture_has_room_for_any_number_of_experts(moe, experts):
    weights = np.random.default_rng(0).random((11, 11, experts)).astype(np.float32)
    for actions in (3, 18):
        assert drawing.draw(decision(moe, weights, actions)).shape == SIZE


def test_the_bar_of_an_action_is_as_high_as_its_value_and_that_of_the_chosen_differs():
    values = np.array([0.5, 0.0, 1.0, 0.25], np.float32)
    shown = dataclasses.replace(
        decision("none", None, actions=4), q_values=values, action=3
    )
    bars = drawing.draw(shown)[-80:-4, 320:]
    heights, colours = [], []
    for left in range(0, 480, 120):
        bar = bars[:, left + 60]
        drawn = (bar != drawing._BACKGROUND).any(axis=-1)
        heights.append(drawn.sum())
        colours.append(tuple(bar[-1]))
    np.testing.assert_allclose(heights, 2 + 76 * values, atol=3)
    assert colours[0] == colours[1] == colours[2] != colours[3]


def test_the_brightest_place_is_the_largest_weight():
    weights = np.full((11, 11, 1), 0.01, np.float32)
    weights[2, 7] = 1.0
    dark = dataclasses.replace(
        decision("soft", weights), screen=np.zeros((210, 160, 3), np.uint8)
    )
    panel = drawing.draw(dark)[20:310, 320:].astype(int).sum(-1)
    side = 286  # Of the only tile: the height that is left, less the gap.
    row, column = np.unravel_index(panel.argmax(), panel.shape)
    assert (row * 11 // side, (column - 4) * 11 // side) == (2, 7)


def test_an_expert_without_tokens_leaves_the_others_their_maps():
    weights = np.zeros((11, 11, 2), np.float32)
    weights[2, 7, 0] = 1.0
    panel = drawing.draw(decision("my_package:Mine", weights))[20:310, 320:].astype(int)
    yellow = panel[..., 0] - panel[..., 2] > 50
    assert yellow.any()
    assert not yellow[:, 240:].any()


def test_a_dropped_token_is_black():
    weights = np.zeros((11, 11, 2), np.float32)
    weights[..., 1] = 1.0
    weights[5, 5] = 0.0
    panel = drawing.draw(decision("top1", weights))[20:310, 324:]
    side = 286
    middle = int(5.5 * side / 11)
    assert panel[middle, middle].tolist() == [0, 0, 0]
    colours = np.unique(panel[:side, :side].reshape(-1, 3), axis=0)
    assert len(colours) == 2


@pytest.mark.parametrize("height", [210, 400])
def test_a_map_of_choices_and_its_key_are_shown_whole_on_any_screen(height):
    weights = np.zeros((11, 11, 2), np.float32)
    weights[..., 0] = 1.0
    weights[:, -1] = [0.0, 1.0]  # The last column has the other expert.
    panel = drawing.draw(decision("top1", weights, height=height))[:, 320:]
    first, last = panel[30, 10], panel[30 + 250, :]
    others = np.flatnonzero((last != first).any(-1) & (last.max(-1) == 240))
    assert len(others) > 20
    keys = panel[24, others[-1] + 10 :]
    assert (keys == first).all(-1).any()


@pytest.mark.parametrize(("name", "read"), [("a.gif", "gif"), ("a.mp4", "mp4")])
def test_a_film_holds_its_frames(name, read, tmp_path):
    path = tmp_path / name
    levels = [20, 90, 160, 230]
    frames = (np.full((32, 48, 3), (x, 0, 0), np.uint8) for x in levels)
    assert film.writer_for(path)(frames, path, 10.0) == 4
    reds = []
    if read == "gif":
        with Image.open(path) as image:
            assert (image.size, image.n_frames) == ((48, 32), 4)
            assert image.info["duration"] == 100
            for i in range(4):
                image.seek(i)
                reds.append(image.convert("RGB").getpixel((5, 5))[0])
    else:
        video = cv2.VideoCapture(str(path))
        while (result := video.read())[0]:
            reds.append(result[1][5, 5, 2])
    np.testing.assert_allclose(np.array(reds, int), levels, atol=8)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    frames = iter([np.zeros((16, 16, 3), np.uint8)])
    with pytest.raises(OSError, match="nowhere"):
        film.write_mp4(frames, tmp_path / "nowhere" / "a.mp4", 15.0)


@pytest.mark.parametrize(("size", "fps"), [(16, 1e6), (9_000, 15.0)])
def test_frames_that_there_is_no_codec_for_are_named(size, fps, tmp_path):
    frames, path = iter([np.zeros((16, size, 3), np.uint8)]), tmp_path / "a.mp4"
    path.write_bytes(b"an older film")
    with pytest.raises(DiskError, match=re.escape(f" {size} x 16 pixels and {fps:g} ")):
        film.write_mp4(frames, path, fps)
    assert path.read_bytes() == b"an older film"


def test_where_there_is_no_checkpoint_the_error_says_what_would_do(played, tmp_path):
    with pytest.raises(trained.NoCheckpointError, match="accepted: the folder"):
        trained.find_checkpoint(tmp_path / "missing")
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(trained.NoCheckpointError, match="no checkpoint yet"):
        trained.find_checkpoint(tmp_path)
    workdir, _ = played
    (path,) = (workdir / "checkpoints").glob("0*")
    stray = tmp_path / "stray"
    stray.mkdir()
    for file in ("manifest.json", "state.npz", "state.json"):
        (stray / file).write_bytes((path / file).read_bytes())
    with pytest.raises(DamagedCheckpointError, match="is missing"):
        trained.find_checkpoint(stray)  # Its replay is in the manifest.
    manifest = json.loads((stray / "manifest.json").read_text())
    kept = {name: manifest[name] for name in ("state.npz", "state.json")}
    (stray / "manifest.json").write_text(json.dumps(kept))
    with pytest.raises(trained.NoCheckpointError, match="is of no run"):
        trained.find_checkpoint(stray)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--out=a.avi", "--out: ending: '.avi' is not known; accepted: .gif, .mp4"),
        ("--out=/nowhere/a.gif", "--out: /nowhere is not a folder"),
        ("--seed=4294967296", "seed: '4294967296' is not accepted; an integer in the"),
    ],
)
def test_flags_are_checked_before_anything_is_loaded(flag, message):
    result = watch("--checkpoint=runs/none", "--out=a.gif", flag)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: {message}")
