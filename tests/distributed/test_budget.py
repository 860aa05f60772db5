"""The replay ratio holds for any order in which actors and the learner move."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe.agents.dqn import DQNConfig
from acme_moe.distributed.budget import Pacing, StepBudget
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.runs.state import RunState

RATIOS = (0.01, 0.25, 0.29, 1.0, 8.0)


class Program:
    """A budget, and the updates beside it."""

    def __init__(self, agent, actors=1, environments=1, length=700):
        run = OnlineRunConfig(max_agent_steps=length * environments)
        # A run may not be shorter than its warm-up, but a budget is.
        object.__setattr__(run, "max_agent_steps", length)
        self.spec = object.__new__(OnlineRunSpec)
        object.__setattr__(self.spec, "run", run)
        object.__setattr__(self.spec, "agent", agent)
        self.state = RunState()
        self.spec.begin(self.state)
        self.pacing = Pacing.of(agent, actors, environments)
        budget = StepBudget(self.spec, self.state, self.pacing)
        self.enter, self.take, self.grant = budget.enter, budget.take, budget.grant

    @property
    def complete(self):
        return self.spec.position(self.state) >= self.spec.length

    def updates_due(self):
        return self.spec.updates_due(self.state)


def play(program, actors, *, rng, speed=1.0, calls=1, after=lambda: None):
    """Lets actors and the learner move at random until nobody may any more.

    `speed` is how often the actors move when the learner does once.
    """
    held = dict.fromkeys(range(actors), 0)
    waiting = set()
    while len(waiting) < actors + 1:
        if rng.random() < speed / (1 + speed):
            who = rng.randrange(actors)
            moved = held[who] > 0
            program.take(who, held[who])
            held[who] = program.grant(who)
            moved = moved or held[who] > 0
        else:
            who = "learner"
            due = program.updates_due()
            program.state.learner_steps += min(
                due, calls * program.spec.agent.sgd_steps_per_call
            )
            moved = due > 0
        waiting = set() if moved else waiting | {who}
        after()


@given(
    ratio=st.sampled_from(RATIOS),
    actors=st.integers(1, 5),
    environments=st.sampled_from([1, 4]),
    sgd_steps=st.sampled_from([1, 8]),
    warm_up=st.sampled_from([1, 20, 300]),
    speed=st.sampled_from([0.1, 1.0, 10.0]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_a_run_comes_to_its_end_with_every_update_taken(
    ratio, actors, environments, sgd_steps, warm_up, speed, seed
):
    agent = DQNConfig(
        replay_ratio=ratio, min_replay_size=warm_up, sgd_steps_per_call=sgd_steps
    )
    program = Program(agent, actors, environments, length=700)
    pacing = Pacing.of(agent, actors, environments)
    exact = agent.exact_replay_ratio

    def within():
        ahead = program.state.agent_steps - program.state.schedule_start
        assert program.state.learner_steps <= max(0, exact * ahead)
        assert ahead <= program.state.learner_steps / exact + 1 + pacing.max_lead

    play(program, actors, rng=random.Random(seed), speed=speed, after=within)
    assert program.complete
    assert program.state.agent_steps == 700
    whole = exact * (700 - warm_up) // sgd_steps * sgd_steps
    assert program.state.learner_steps == whole


@pytest.mark.parametrize("ratio", [0.25, 1.0, 8.0])
@pytest.mark.parametrize("speed", [0.05, 20.0])
def test_the_ratio_is_within_two_percent_while_it_runs(ratio, speed):
    agent = DQNConfig(replay_ratio=ratio)
    program = Program(agent, actors=4, length=60_000)

    def within():
        ahead = program.state.agent_steps - agent.min_replay_size
        if ahead > agent.min_replay_size:
            assert abs(program.state.learner_steps / (ratio * ahead) - 1) < 0.02

    play(program, 4, rng=random.Random(0), speed=speed, calls=40, after=within)
    assert program.complete


def test_steps_past_the_end_do_not_count():
    """An actor takes them whose grant was forgotten by a coordinator that died."""
    program = Program(DQNConfig(min_replay_size=10), length=50)
    for actor in range(2):
        program.take(actor, 30)
    assert program.state.agent_steps == 50
    program.state.agent_steps = 60  # Of a run that was made shorter.
    program.take(0, 30)
    assert program.state.agent_steps == 60


def test_what_a_dead_actor_was_given_others_may_take():
    program = Program(DQNConfig(min_replay_size=100), actors=2, length=50)
    given_ = held = 0
    while grant := program.grant(1):
        program.take(1, grant)
        given_ += grant
        # Actor 0 holds a grant and never reports.
        held = held or program.grant(0)
    assert given_ < 50
    program.enter(0)
    while grant := program.grant(1):
        program.take(1, grant)
    assert program.complete


def test_a_run_that_was_made_shorter_keeps_the_steps_that_it_has():
    program = Program(DQNConfig(min_replay_size=20), length=100)
    program.state.agent_steps = 150
    program.take(0, 0)
    assert program.state.agent_steps == 150
    assert not program.grant(0)


def test_a_learner_that_lost_updates_takes_them_again_and_actors_wait():
    agent = DQNConfig(replay_ratio=1.0, min_replay_size=100)
    program = Program(agent, length=5_000)
    rng = random.Random(0)
    while program.state.agent_steps < 1_000:
        program.take(0, program.grant(0))
        program.state.learner_steps += program.updates_due()
    program.state.learner_steps = 300
    assert program.grant(0) == 0
    assert program.updates_due() == program.state.agent_steps - 100 - 300
    play(program, 1, rng=rng)
    assert program.state.learner_steps == 4_900


def test_replay_that_lost_its_contents_is_filled_before_learning_resumes():
    agent = DQNConfig(replay_ratio=1.0, min_replay_size=100)
    program = Program(agent, length=1_000)
    while program.state.agent_steps < 400:
        program.take(0, program.grant(0))
        program.state.learner_steps += program.updates_due()
    lost_at, learned = program.state.agent_steps, program.state.learner_steps
    program.spec.refill(program.state, 60)
    assert program.state.schedule_start == lost_at + 60
    assert program.state.schedule_steps_before == lost_at - 100
    while program.state.agent_steps < lost_at + 60 and program.grant(0):
        assert program.updates_due() == 0
        program.take(0, min(program.grant(0), lost_at + 60 - program.state.agent_steps))
    play(program, 1, rng=random.Random(0))
    # All steps but the warm-up's and those that filled replay anew.
    assert learned <= program.state.learner_steps == 1_000 - 100 - 60
