"""Updates are floor(ratio x steps past the warm-up), however the run was cut."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from acme_moe.agents.dqn import DQNConfig
from acme_moe.runs.state import UpdateSchedule

RATIOS = st.sampled_from([0.01, 0.1, 0.25, 0.29, 0.5, 1.0, 2.0, 3.7, 8.0])


@given(ratio=RATIOS, warm_up=st.integers(1, 50), steps=st.integers(0, 2000))
def test_updates_are_the_floor_of_ratio_times_steps(ratio, warm_up, steps):
    exact = DQNConfig(replay_ratio=ratio, min_replay_size=warm_up).exact_replay_ratio
    schedule = UpdateSchedule(exact, start=warm_up)
    # In hundredths, where every ratio above is whole, so that nothing is rounded.
    expected = round(ratio * 100) * steps // 100
    assert schedule.updates(warm_up + steps) == expected
    assert schedule.updates(warm_up) == 0


def test_decimal_ratios_do_not_lose_an_update_to_rounding():
    assert math.floor(0.29 * 100) == 28
    schedule = UpdateSchedule(DQNConfig(replay_ratio=0.29).exact_replay_ratio, 0)
    assert schedule.updates(100) == 29


@given(ratio=RATIOS, before=st.integers(0, 300), after=st.integers(0, 300))
def test_a_run_whose_replay_was_lost_fills_it_and_resumes(ratio, before, after):
    warm_up = 20
    schedule = UpdateSchedule(Fraction(str(ratio)), warm_up)
    cut = warm_up + before
    refilled = schedule.refilled(cut, warm_up)
    assert refilled.updates(cut) == schedule.updates(cut)
    assert refilled.updates(cut + warm_up) == schedule.updates(cut)
    assert refilled.updates(cut + warm_up + after) == schedule.updates(cut + after)
