"""Aggregates against numbers worked out by hand."""

import itertools

import numpy as np
import pytest
import scipy.stats
from rliable import metrics

from acme_moe.reporting import statistics

# Two games, two runs: sorted 0, 1, 2, 9. Without the lowest and the highest quarter
# 1 and 2 are left.
SCORES = np.array([[0.0, 2.0], [1.0, 9.0]])


def test_aggregates_of_two_games_and_two_runs():
    values = statistics.aggregates({"a": SCORES}, reps=200)["a"]
    assert values["IQM"].value == pytest.approx(1.5)
    # The games' means are 0.5 and 5.5.
    assert values["Median"].value == pytest.approx(3.0)
    assert values["Mean"].value == pytest.approx(3.0)
    # Below 1 by 1, 0, 0, 0.
    assert values["Optimality gap"].value == pytest.approx(0.25)


def test_intervals_draw_runs_and_never_games():
    mean = statistics.aggregates({"a": SCORES}, reps=2_000)["a"]["Mean"]
    # Drawn anew a game's mean is its first run, its second, or between them.
    assert mean.low == pytest.approx((0 + 2) / 2)
    assert mean.high == pytest.approx((1 + 9) / 2)


@pytest.mark.parametrize(
    ("scores", "low"),
    [
        # All draws are 0 with probability 1/27: above 2.5 %, and below 5 %.
        ([0, 1, 1], 0),
        # With 0.4^5 = 1 %: above 0.5 %, and below 2.5 %; one is 1 with 7.7 %.
        ([0, 0, 1, 1, 1], 1 / 5),
    ],
)
def test_intervals_hold_95_percent_of_the_draws(scores, low):
    runs = np.array(scores, float)[:, None]
    interval = statistics.profiles({"a": runs}, np.array([0.5]), reps=4_000)["a"]
    np.testing.assert_allclose(interval.low, low)
    # The other way round, the same.
    interval = statistics.profiles({"a": 1 - runs}, np.array([0.5]), reps=4_000)["a"]
    np.testing.assert_allclose(interval.high, 1 - low)


def test_one_run_a_game_has_an_interval_without_width():
    values = statistics.aggregates({"a": SCORES[:1]}, reps=50)["a"]
    for value, low, high in values.values():
        assert low == value == high


def test_the_same_runs_give_the_same_interval_and_leave_numpys_state():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = statistics.aggregates({"a": SCORES}, reps=100)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    assert statistics.aggregates({"a": SCORES}, reps=100) == first


def test_iqm_at_each_point():
    over = np.stack([SCORES, 10 * SCORES, np.ones((2, 2))], axis=-1)
    interval = statistics.iqm_over(over, reps=100)
    np.testing.assert_allclose(interval.value, [1.5, 15, 1])
    assert interval.low[2] == interval.high[2] == 1
    assert (interval.low <= interval.high).all()


def test_profiles_are_shares_above_a_score():
    thresholds = np.array([-1.0, 0.0, 1.5, 9.0])
    interval = statistics.profiles({"a": SCORES}, thresholds, reps=100)["a"]
    np.testing.assert_allclose(interval.value, [1, 0.75, 0.5, 0])


def test_probability_of_improvement():
    x = np.array([[1.0, 0.0], [2.0, 0.0]])
    y = np.array([[0.0, 0.0], [1.0, 0.0]])
    # First game: of four pairs three are won and one is even; second: always even.
    value, low, high = statistics.improvement(x, y, reps=200)
    assert value == pytest.approx((3.5 / 4 + 0.5) / 2)
    assert low <= value <= high


def test_probability_of_improvement_is_rliables():
    draw = np.random.default_rng(0)
    for runs in (1, 2, 5):
        # Few values, so that some are even.
        x, y = draw.integers(0, 4, (2, runs, 6)).astype(float)
        value, _, _ = statistics.improvement(x, y, reps=2)
        assert value == pytest.approx(metrics.probability_of_improvement(x, y))


def test_the_permutation_test_counts_all_divisions_of_each_games_scores():
    draw = np.random.default_rng(1)
    # Few values, so that some are tied.
    x, y = draw.integers(0, 5, (2, 3, 2)).astype(float)

    def distance(x, y):
        return abs(statistics.improvement(x, y, reps=2).value - 0.5)

    def divisions(game):
        scores = np.concatenate([x, y])[:, game]
        for chosen in itertools.combinations(range(6), 3):
            rest = [i for i in range(6) if i not in chosen]
            yield scores[list(chosen)], scores[rest]

    distances = [
        distance(np.stack([a, c], axis=1), np.stack([b, d], axis=1))
        for (a, b), (c, d) in itertools.product(divisions(0), divisions(1))
    ]
    assert len(distances) == 20 * 20
    expected = np.mean(np.array(distances) >= distance(x, y) - 1e-9)
    assert 0 < expected < 1
    assert statistics.permutation_test(x, y) == pytest.approx(expected)


@pytest.mark.parametrize("runs", [(1, 1), (2, 5), (5, 4)])
def test_the_permutation_test_of_one_game_is_mann_and_whitneys(runs):
    draw = np.random.default_rng(2)
    x, y = (draw.normal(size=(number, 1)) for number in runs)
    expected = scipy.stats.mannwhitneyu(x[:, 0], y[:, 0], method="exact").pvalue
    assert statistics.permutation_test(x, y) == pytest.approx(expected)


def test_the_permutation_test_knows_a_line_that_wins_everywhere_and_one_that_ties():
    x = np.arange(10.0).reshape(2, 5)
    # One of six divisions of each game is as far to either side.
    assert statistics.permutation_test(x + 10, x) == pytest.approx(2 / 6**5)
    assert statistics.permutation_test(x, x) == pytest.approx(1)
