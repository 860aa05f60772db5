"""The replay ratio holds for any order in which actors and the learner move."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acme_moe.agents.dqn import DQNConfig
from acme_moe.experiments.distributed.ledger import Ledger, Pace
from acme_moe.experiments.schedule import UpdateSchedule

RATIOS = (0.01, 0.25, 0.29, 1.0, 8.0)


def make(agent, actors=1, environments=1, length=700, start=None):
    start = agent.min_replay_size if start is None else start
    return Ledger(
        UpdateSchedule(agent.exact_replay_ratio, start),
        Pace.of(agent, actors, environments),
        agent_steps=0,
        learner_steps=0,
        max_agent_steps=length,
        steps_per_call=agent.sgd_steps_per_call,
    )


def play(ledger, actors, *, rng, speed=1.0, calls=1, after=lambda: None):
    """Lets actors and the learner move at random until nobody may any more.

    `speed` is how often the actors move when the learner does once.
    """
    held = dict.fromkeys(range(actors), 0)
    waiting = set()
    while len(waiting) < actors + 1:
        if rng.random() < speed / (1 + speed):
            who = rng.randrange(actors)
            moved = held[who] > 0
            ledger.take(who, held[who])
            held[who] = ledger.lease(who)
            moved = moved or held[who] > 0
        else:
            who = "learner"
            due = ledger.updates_due()
            ledger.learner_steps += min(due, calls * ledger._steps_per_call)
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
    ledger = make(agent, actors, environments, length=700)
    pace = Pace.of(agent, actors, environments)
    exact = agent.exact_replay_ratio

    def within():
        ahead = ledger.agent_steps - ledger.schedule.start
        assert ledger.learner_steps <= max(0, exact * ahead)
        assert ahead <= ledger.learner_steps / exact + 1 + pace.room

    play(ledger, actors, rng=random.Random(seed), speed=speed, after=within)
    assert ledger.complete
    assert ledger.agent_steps == 700
    whole = exact * (700 - warm_up) // sgd_steps * sgd_steps
    assert ledger.learner_steps == whole


@pytest.mark.parametrize("ratio", [0.25, 1.0, 8.0])
@pytest.mark.parametrize("speed", [0.05, 20.0])
def test_the_ratio_is_within_two_percent_while_it_runs(ratio, speed):
    agent = DQNConfig(replay_ratio=ratio)
    ledger = make(agent, actors=4, length=60_000)

    def within():
        ahead = ledger.agent_steps - agent.min_replay_size
        if ahead > agent.min_replay_size:
            assert abs(ledger.learner_steps / (ratio * ahead) - 1) < 0.02

    play(ledger, 4, rng=random.Random(0), speed=speed, calls=40, after=within)
    assert ledger.complete


def test_what_a_dead_actor_was_given_others_may_take():
    ledger = make(DQNConfig(min_replay_size=100), actors=2, length=50)
    given_ = 0
    while lease := ledger.lease(1):
        ledger.take(1, lease)
        given_ += lease
        # Actor 0 holds a lease and never reports.
        ledger._leases.setdefault(0, 0) or ledger.lease(0)
    assert given_ < 50
    ledger.enter(0)
    while lease := ledger.lease(1):
        ledger.take(1, lease)
    assert ledger.complete


def test_a_learner_that_lost_updates_takes_them_again_and_actors_wait():
    agent = DQNConfig(replay_ratio=1.0, min_replay_size=100)
    ledger = make(agent, length=5_000)
    rng = random.Random(0)
    while ledger.agent_steps < 1_000:
        ledger.take(0, ledger.lease(0))
        ledger.learner_steps += ledger.updates_due()
    ledger.learner_steps = 300
    assert ledger.lease(0) == 0
    assert ledger.updates_due() == ledger.agent_steps - 100 - 300
    play(ledger, 1, rng=rng)
    assert ledger.learner_steps == 4_900


def test_replay_that_lost_its_contents_is_filled_before_learning_goes_on():
    agent = DQNConfig(replay_ratio=1.0, min_replay_size=100)
    ledger = make(agent, length=1_000)
    while ledger.agent_steps < 400:
        ledger.take(0, ledger.lease(0))
        ledger.learner_steps += ledger.updates_due()
    lost_at, learned = ledger.agent_steps, ledger.learner_steps
    ledger.refill(60)
    assert ledger.schedule == UpdateSchedule(Fraction(1), lost_at + 60, lost_at - 100)
    while ledger.agent_steps < lost_at + 60 and ledger.lease(0):
        assert ledger.updates_due() == 0
        ledger.take(0, min(ledger.lease(0), lost_at + 60 - ledger.agent_steps))
    play(ledger, 1, rng=random.Random(0))
    # All steps but the warm-up's and those that filled replay anew.
    assert learned <= ledger.learner_steps == 1_000 - 100 - 60
