"""What a coordinator makes of nodes that die, itself included."""

from acme_moe.distributed import status as status_lib
from acme_moe.distributed.status import Phase, RunStatus
from acme_moe.runs.episodes import EpisodeResult
from tests.distributed.played import Play, make, phase
from tests.programs import rows


def test_a_learner_that_dies_before_the_last_checkpoint_learns_again(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(300)
    coordinator.evaluated(300, 100, [(0.0, 10)])
    assert phase(coordinator) is Phase.SAVING
    play.steps = 60
    order = play.learn()
    assert play.steps == 100
    # What was evaluated is lost, so the new parameters are evaluated as well.
    assert not order.save
    assert phase(coordinator) is Phase.EVALUATING
    assert coordinator.evaluation() == (1, 300)
    coordinator.evaluated(300, 100, [(1.0, 10)])
    assert play.learn().save
    (row,) = rows(tmp_path / "scores.csv")
    assert (row["kind"], row["episode_return"]) == ("evaluation", "1.0")


def test_an_evaluation_of_lost_parameters_does_not_end_the_run(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(300)
    assert coordinator.evaluation().episodes
    # The learner dies, and has other parameters when it has learnt again.
    play.steps = 60
    play.learn()
    coordinator.evaluated(300, 100, [EpisodeResult(1.0, 9)])
    assert phase(coordinator) is Phase.EVALUATING
    assert coordinator.evaluation().episodes
    coordinator.evaluated(300, 100, [EpisodeResult(2.0, 9)])
    assert phase(coordinator) is Phase.SAVING
    assert coordinator.state()["evaluation_return_mean"] == 2.0


def test_a_report_that_is_sent_twice_counts_once(tmp_path):
    coordinator = make(tmp_path)
    taken = coordinator.act(0, 1, 0, [], None).agent_steps
    for _ in range(2):
        coordinator.act(0, 2, taken, [EpisodeResult(1.0, 9)], (0.1, 0))
    state = coordinator.state()
    assert (state["agent_steps"], state["training_episodes"]) == (taken, 1)
    # An actor that was started again counts its reports anew.
    coordinator.actor_enters(0)
    coordinator.act(0, 2, 1, [], None)
    assert coordinator.state()["agent_steps"] == taken + 1


def test_a_coordinator_that_died_knows_what_others_have_acted_on(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(290)
    coordinator.keep()
    play.go_to(300)
    assert play.act(0).over
    # From the state kept at 290, it would ask for steps that nobody would take.
    again = make(tmp_path)
    assert again.act(0, 1, 0, [], None).over
    again.interrupt()
    assert phase(make(tmp_path)) is Phase.SAVING


def test_actors_take_no_more_steps_than_the_run_has(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    play.go_to(299)
    assert play.act(0).agent_steps == 1
    coordinator.keep()
    again = make(tmp_path)
    # It does not know of the last grant, and gives it once more.
    assert again.act(1, 1, 0, [], None).agent_steps == 1
    again.act(0, 1, 1, [], None)
    again.act(1, 2, 1, [], None)
    assert again.state()["agent_steps"] == 300


def test_a_run_that_was_given_up_keeps_its_scores(tmp_path):
    coordinator = make(tmp_path)
    play = Play(coordinator)
    taken = play.act(0).agent_steps
    play.act(taken, [EpisodeResult(1.0, 9)])
    coordinator.keep()
    # As a node writes it that gives up before a coordinator has kept any status.
    given_up = RunStatus("launch", "ended", "failed: x", {}, {})
    status_lib.write_status(tmp_path, given_up)
    assert phase(make(tmp_path)) is Phase.ENDED
    assert len(rows(tmp_path / "scores.csv")) == 1


def test_a_status_that_a_crash_left_empty_is_none(tmp_path):
    make(tmp_path).keep()
    assert status_lib.read_status(tmp_path, "launch") is not None
    (tmp_path / "coordinator.json").write_text("")
    assert status_lib.read_status(tmp_path, "launch") is None


def test_a_coordinator_that_died_resumes_where_it_was(tmp_path):
    coordinator = make(tmp_path)
    coordinator.enter("actor_0")
    play = Play(coordinator)
    play.go_to(150)
    coordinator.keep()
    taken = play.act(0).agent_steps
    play.act(taken, [EpisodeResult(5.0, 9)])
    again = make(tmp_path)
    assert again.state()["agent_steps"] == 150
    assert again.state()["learner_steps"] == 25
    assert again.enter("actor_0") == {"position": 150, "started": 1}
    assert not rows(tmp_path / "scores.csv")
    # Another launch resumes from checkpoints alone, and there are none.
    assert make(tmp_path, token="other").state()["agent_steps"] == 0
