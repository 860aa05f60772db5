"""Phases, counts and files of a run, without any process."""

import json
import math

import pytest

from acme_moe.distributed import status as status_lib
from acme_moe.distributed.config import DistributedConfig
from acme_moe.distributed.coordinator import (
    EvaluationOrder,
    LearnerOrder,
    OnlineCoordinator,
    Phase,
)
from acme_moe.runs import config as config_lib
from acme_moe.runs import tracking
from acme_moe.runs.episodes import EpisodeResult
from acme_moe.runs.state import RunState
from tests.distributed.played import SPEC, Play, make, phase, status
from tests.programs import rows
from tests.runs import tiny


def test_a_run_goes_through_its_phases(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    assert coordinator.evaluation().episodes == 0
    play.go_to(210)
    assert coordinator.evaluation() == EvaluationOrder(episodes=1, position=210)
    for _ in range(2):  # A call whose answer was lost is made again.
        coordinator.evaluated(210, 40, [(-3.0, 70)])
    assert coordinator.evaluation().episodes == 0
    play.go_to(300)
    assert phase(coordinator) is Phase.EVALUATING
    assert play.act(0).over
    assert play.steps == 100
    assert coordinator.evaluation() == EvaluationOrder(episodes=1, position=300)
    coordinator.evaluated(300, 100, [(-1.0, 50)])
    assert play.learn() == LearnerOrder(
        updates=0, agent_steps=300, save=True, ended=False
    )
    coordinator.saved(None, final=False)  # One that was under way before.
    assert phase(coordinator) is Phase.SAVING
    for _ in range(2):  # Made again, too.
        coordinator.saved(None, final=True)
    assert play.learn().ended
    assert status(tmp_path) == "finished"
    assert status_lib.ended(tmp_path, "launch")
    assert not status_lib.ended(tmp_path, "another launch")
    scores = [
        (row["agent_steps"], row["learner_steps"], row["episode_return"])
        for row in rows(tmp_path / "scores.csv")
    ]
    assert scores == [("210", "40", "-3.0"), ("300", "100", "-1.0")]


@pytest.mark.parametrize(
    ("episodes", "final", "expected"),
    [(0, 3, (0, 3)), (2, 3, (2, 3)), (2, None, (2, 2))],
)
def test_the_last_evaluation_has_its_own_episodes(tmp_path, episodes, final, expected):
    settings = {"evaluation_episodes": episodes, "final_evaluation_episodes": final}
    coordinator = make(tmp_path, spec=tiny.spec(run=settings))
    play = Play(coordinator)
    play.go_to(210)
    order = coordinator.evaluation()
    assert order.episodes == expected[0]
    if order.episodes:
        played = [EpisodeResult(0.0, 9)] * order.episodes
        coordinator.evaluated(210, play.steps, played)
    play.go_to(300)
    assert phase(coordinator) is Phase.EVALUATING
    assert coordinator.evaluation() == EvaluationOrder(expected[1], position=300)


def test_without_any_evaluation_the_run_is_saved_at_once(tmp_path):
    spec = tiny.spec(run={"evaluation_episodes": 0})
    coordinator = make(tmp_path, spec=spec)
    Play(coordinator).go_to(300)
    assert phase(coordinator) is Phase.SAVING


def test_an_evaluation_of_other_parameters_than_the_last_does_not_end_the_run(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(299)
    play.act(play.act(0).agent_steps)
    assert phase(coordinator) is Phase.DRAINING
    coordinator.evaluated(300, 90, [(0.0, 10)])
    play.learn()
    assert phase(coordinator) is Phase.EVALUATING
    # The learner came back from a checkpoint: its updates are taken again first.
    play.steps = 60
    assert coordinator.learn(60, None).updates == 40
    assert phase(coordinator) is Phase.DRAINING


def test_a_run_that_comes_back_at_its_end_is_evaluated_after_its_last_updates():
    state = RunState(agent_steps=300, learner_steps=60, schedule_start=100)
    coordinator = OnlineCoordinator(SPEC, state, DistributedConfig(num_actors=2))
    assert coordinator.evaluation().episodes == 0
    assert coordinator.learn(60).updates == 40
    assert coordinator.learn(100).updates == 0
    assert coordinator.evaluation() == EvaluationOrder(episodes=1, position=300)


@pytest.mark.parametrize("held", [0, 60])
def test_replay_that_came_back_with_less_is_filled_before_learning_resumes(
    tmp_path, held
):
    coordinator = make(tmp_path, servers=2)
    for server in range(2):
        coordinator.replay_enters(server, 0, 0)
    play = Play(coordinator)
    play.go_to(160)
    assert play.steps == 30
    coordinator.replay_holds(1, held)
    coordinator.replay_enters(0, 0, 160)
    play.go_to(160 + 100 - held)
    assert play.steps == 30
    play.go_to(160 + 100 - held + 10)
    assert play.steps == 35


def come_back(coordinator, server, size, position):
    coordinator.enter(f"replay_{server}")
    coordinator.replay_enters(server, size, position)


@pytest.mark.parametrize(("came_back_with", "steps"), [(0, 100), (20, 60), (50, 0)])
def test_a_server_gets_its_share_of_the_warm_up_back_whatever_others_hold(
    tmp_path, came_back_with, steps
):
    coordinator = make(tmp_path, servers=2)
    for server in range(2):
        come_back(coordinator, server, 0, 0)
    play = Play(coordinator)
    play.go_to(160)
    assert play.steps == 30
    coordinator.replay_holds(0, 5_000)
    come_back(coordinator, 1, came_back_with, 160)
    # Half of all steps are written to it.
    play.go_to(160 + steps)
    assert play.steps == 30
    play.go_to(160 + steps + 10)
    assert play.steps == 35


def test_servers_that_come_back_one_after_the_other_are_filled_together(tmp_path):
    coordinator = make(tmp_path, servers=2)
    for server in range(2):
        come_back(coordinator, server, 0, 0)
    play = Play(coordinator)
    play.go_to(160)
    for server in range(2):
        coordinator.replay_holds(server, 80)
    for server in range(2):
        come_back(coordinator, server, 0, 160)
    play.go_to(270)
    assert play.steps == 35


def test_a_program_that_starts_again_counts_what_all_servers_hold(tmp_path):
    first = make(tmp_path, servers=2)
    for server in range(2):
        come_back(first, server, 0, 0)
    play = Play(first)
    play.go_to(160)
    first.keep()
    again = make(tmp_path, servers=2)
    again._starts.clear()
    # One actor was slower than the other: nothing is lost.
    for server, size in enumerate((30, 130)):
        come_back(again, server, size, 160)
    one, other = (c.coordinator.state for c in (again, first))
    assert one.schedule_start == other.schedule_start
    assert one.schedule_steps_before == other.schedule_steps_before


def test_replay_that_is_lost_in_the_warm_up_makes_it_longer(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    play = Play(coordinator)
    play.go_to(80)
    coordinator.replay_enters(0, 30, 80)
    play.go_to(150)
    assert play.steps == 0
    play.go_to(170)
    assert play.steps == 10


def test_a_refill_lasts_no_longer_than_the_run(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    play = Play(coordinator)
    play.go_to(250)
    assert play.steps == 75
    play.steps = 0  # The learner has no checkpoint to come back from.
    coordinator.replay_enters(0, 0, 250)
    play.go_to(290)
    assert play.steps == 0
    play.go_to(300)
    assert play.steps == 75
    assert phase(coordinator) is Phase.EVALUATING


def test_replay_that_is_empty_when_the_learner_falls_back_ends_the_run(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    play = Play(coordinator)
    play.go_to(300)
    assert coordinator.replay_holds(0, 300) == "evaluating"
    assert coordinator.replay_holds(0, 0) == "evaluating"
    assert coordinator.learn(50, None).updates == 50
    for _ in range(2):
        assert {coordinator.replay_holds(0, 0) for _ in range(40)} == {"draining"}
        coordinator.replay_holds(0, 4)  # Items that were still on their way.
    phases = [coordinator.replay_holds(0, 0) for _ in range(60)]
    assert (phases[10], phases[-1]) == ("draining", "ended")
    assert "no actor fills it again" in status(tmp_path)


def test_an_interrupted_run_whose_replay_is_lost_does_not_wait_for_it(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    Play(coordinator).go_to(200)
    # The learner has come back with less, and waits for a batch when the run ends.
    assert coordinator.learn(10, None).updates
    coordinator.interrupt()
    assert coordinator.replay_holds(0, 100) == "saving"
    phases = [coordinator.replay_holds(0, 0) for _ in range(60)]
    assert (phases[10], phases[-1]) == ("saving", "ended")
    assert "no actor fills it again" in status(tmp_path)


def test_a_save_that_takes_long_may_do_so_without_replay(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    Play(coordinator).go_to(200)
    coordinator.interrupt()
    assert coordinator.learn(10, None).save
    phases = {coordinator.replay_holds(0, 0) for _ in range(60)}
    assert phases == {"saving"}


def test_replay_that_came_back_whole_changes_nothing(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    play = Play(coordinator)
    play.go_to(160)
    coordinator.replay_enters(0, 100, 160)
    play.go_to(170)
    assert play.steps == 35


R2D2 = config_lib.preset("r2d2_atari")


def resumed_with_sequences(size, position):
    """The coordinator of R2D2, with a warm-up of 200,000, whose replay comes back."""
    state = RunState(agent_steps=position, schedule_start=200_000)
    coordinator = OnlineCoordinator(R2D2, state, DistributedConfig(num_actors=2))
    coordinator.replay_enters(0, size, position, restarted=False)
    return coordinator


def sequences(steps):
    """The sequences of an episode of so many steps, as `SequenceAdder` writes them."""
    return 1 + max(0, math.ceil((steps - 80) / 40))


@pytest.mark.parametrize("steps", [9, 80, 81, 100, 120, 500, 1_000, 3_000])
def test_sequences_of_episodes_of_any_length_are_not_taken_for_a_loss(steps):
    size = 40 * sequences(steps) * (200_000 // steps)
    state = resumed_with_sequences(size, 200_000 // steps * steps).state
    assert (state.schedule_start, state.schedule_steps_before) == (200_000, 0)


@pytest.mark.parametrize(("size", "refill"), [(0, 200_000), (60_000, 80_000)])
def test_sequences_that_are_lost_for_certain_are_filled_anew(size, refill):
    state = resumed_with_sequences(size, 202_000).state
    assert state.schedule_start == 202_000 + refill
    assert state.schedule_steps_before == 2_000


def test_an_interrupted_run_saves_and_ends(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(120)
    coordinator.interrupt()
    assert play.act(0).over
    assert coordinator.evaluation().episodes == 0
    assert play.learn().save
    coordinator.saved(None, final=True)
    assert phase(coordinator) is Phase.ENDED
    assert status(tmp_path) == "interrupted"


def test_what_is_reported_after_an_interrupt_is_ahead_of_no_checkpoint(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(120)
    taken = play.act(0).agent_steps
    coordinator.interrupt()
    saved = coordinator.state()
    assert play.act(taken, [EpisodeResult(1.0, 9)]).over
    coordinator.evaluated(120, 10, [EpisodeResult(2.0, 9)])
    coordinator.saved(None, final=True)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert taken
    assert summary["agent_steps"] == saved["agent_steps"] == 120
    assert summary["evaluated_at"] == saved["evaluated_at"]
    assert not (tmp_path / "scores.csv").exists()


def test_an_evaluation_that_ends_after_the_run_changes_nothing(tmp_path):
    coordinator = make(tmp_path)
    Play(coordinator).go_to(250)
    coordinator.interrupt()
    coordinator.saved(None, final=True)
    coordinator.evaluated(210, 40, [EpisodeResult(-3.0, 70)])
    assert status(tmp_path) == "interrupted"
    assert not (tmp_path / "scores.csv").exists()


def test_the_coordinator_sends_all_rows_to_services_and_ends_there_first(
    tmp_path, monkeypatch
):
    calls = []

    class Service:
        def __init__(self, run):
            pass

        def log(self, row):
            calls.append(row)

        def finish(self, status):
            calls.extend([status, coordinator.phase()])
            # Nobody is told of the end before, or it would be ended by force.
            assert coordinator.coordinator.phase is Phase.ENDED
            assert status_lib.read_status(tmp_path, "launch").phase != Phase.ENDED.value

    monkeypatch.setitem(tracking.SERVICES, "wandb", Service)
    coordinator = make(tmp_path, spec=tiny.spec(run={"loggers": "wandb"}))
    coordinator.keep()
    coordinator.act(0, 1, 120, [EpisodeResult(-3.0, 70)], None)
    coordinator.track("learner", {"agent_steps": 120, "loss": 0.5})
    coordinator.interrupt()
    coordinator.saved(None, final=True)
    coordinator.track("learner", {"agent_steps": 121, "loss": 0.5})
    training, learner, ended, told = calls
    assert training["training/episode_return"] == -3
    assert learner == {"agent_steps": 120, "learner/loss": 0.5}
    assert (ended, told) == ("interrupted", "saving")
    assert status_lib.read_status(tmp_path, "launch").phase == Phase.ENDED.value


def test_a_failed_run_ends_at_once_and_says_why(tmp_path):
    coordinator = make(tmp_path)
    coordinator.fail("learner: no memory")
    assert phase(coordinator) is Phase.ENDED
    assert status(tmp_path) == "failed: learner: no memory"
    assert (
        status_lib.read_status(tmp_path, "launch").outcome
        == "failed: learner: no memory"
    )


def test_an_interrupt_after_a_learner_died_while_saving_waits_for_nothing(
    tmp_path,
):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    play = Play(coordinator)
    play.go_to(300)
    coordinator.evaluated(300, 75, [EpisodeResult(1.0, 9)])
    assert play.learn().save
    # It comes back with less, and waits for a batch from a replay that is lost.
    assert coordinator.learn(10, None).updates
    coordinator.interrupt()
    phases = [coordinator.replay_holds(0, 0) for _ in range(60)]
    assert (phases[10], phases[-1]) == ("saving", "ended")


def test_a_replay_that_comes_back_empty_lets_an_interrupted_run_save(tmp_path):
    coordinator = make(tmp_path)
    coordinator.replay_enters(0, 0, 0)
    Play(coordinator).go_to(200)
    coordinator.interrupt()
    coordinator.replay_enters(0, 0, 200)
    assert phase(coordinator) is Phase.SAVING
    assert coordinator.learn(10, None).save
