"""Updates are floor(ratio x steps past the warm-up), however the run was cut."""

import math

from hypothesis import given
from hypothesis import strategies as st

from acme_moe.agents.dqn import DQNConfig
from acme_moe.runs.run_config import OnlineRunConfig
from acme_moe.runs.spec import OnlineRunSpec
from acme_moe.runs.state import RunState

RATIOS = st.sampled_from([0.01, 0.1, 0.25, 0.29, 0.5, 1.0, 2.0, 3.7, 8.0])


def make(ratio, warm_up):
    """A run, and its state before the first step."""
    agent = DQNConfig(replay_ratio=ratio, min_replay_size=warm_up)
    spec = OnlineRunSpec(run=OnlineRunConfig(), agent=agent)
    state = RunState()
    spec.begin(state)
    return spec, state


def due(spec, state, agent_steps):
    state.agent_steps = agent_steps
    return spec.updates_due(state)


@given(ratio=RATIOS, warm_up=st.integers(1, 50), steps=st.integers(0, 2000))
def test_updates_are_the_floor_of_ratio_times_steps(ratio, warm_up, steps):
    spec, state = make(ratio, warm_up)
    assert due(spec, state, warm_up) == 0
    # In hundredths, where every ratio above is whole, so that nothing is rounded.
    assert due(spec, state, warm_up + steps) == round(ratio * 100) * steps // 100


def test_decimal_ratios_do_not_lose_an_update_to_rounding():
    assert math.floor(0.29 * 100) == 28
    spec, state = make(0.29, warm_up=1)
    assert due(spec, state, 101) == 29


@given(ratio=RATIOS, before=st.integers(0, 300), after=st.integers(0, 300))
def test_a_run_whose_replay_was_lost_fills_it_and_resumes(ratio, before, after):
    warm_up = 20
    cut = warm_up + before
    spec, state = make(ratio, warm_up)
    uncut = [due(spec, state, cut), due(spec, state, cut + after)]
    state.agent_steps = cut
    spec.begin(state, replay_lost=True)
    assert due(spec, state, cut + warm_up - 1) == 0
    assert due(spec, state, cut + warm_up) == uncut[0]
    assert due(spec, state, cut + warm_up + after) == uncut[1]
