"""Page's trend test against his own table, SciPy, and enumeration."""

from itertools import combinations_with_replacement, permutations, product
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.declarations.seeds_needed import seeds_of_trend
from mlplab.statistics.page import page_test


def critical_value(conditions, n, alpha):
    """The smallest L with P(L or larger) ≤ alpha, by tables that reach it; infinite for none."""
    reached = {}
    rows = [sum(j * r for j, r in enumerate(p, 1)) for p in permutations(range(1, conditions + 1))]
    orders = dict(zip(rows, permutations(range(1, conditions + 1)), strict=True))
    for sums in combinations_with_replacement(sorted(orders), n):
        if sum(sums) not in reached:
            reached[sum(sums)] = page_test([orders[s] for s in sums]).p_increasing
    return min((total for total, p in reached.items() if p <= alpha * (1 + 1e-12)), default=np.inf)


@pytest.mark.parametrize(
    ("conditions", "n", "at_5_percent", "at_1_percent", "at_01_percent"),
    [
        (3, 2, 28, np.inf, np.inf),
        (3, 3, 41, 42, np.inf),
        (3, 4, 54, 55, 56),
        (3, 10, 128, 131, 134),
        (4, 2, 58, 60, np.inf),
        (4, 3, 84, 87, 89),
        (4, 4, 111, 114, 117),
    ],
)
def test_critical_values_of_page_1963(conditions, n, at_5_percent, at_1_percent, at_01_percent):
    """Page (1963), table 2: the exact critical values of L."""
    assert critical_value(conditions, n, 0.05) == at_5_percent
    assert critical_value(conditions, n, 0.01) == at_1_percent
    assert critical_value(conditions, n, 0.001) == at_01_percent


@pytest.mark.parametrize(("n", "k"), [(3, 3), (10, 4), (5, 7)])
def test_without_ties_agrees_with_scipy(n, k):
    x = np.random.default_rng([n, k]).normal(size=(n, k)) + 0.2 * np.arange(k)
    ours = page_test(x)
    theirs = stats.page_trend_test(x, method="exact")
    assert ours.statistic == theirs.statistic
    assert ours.p_increasing == pytest.approx(theirs.pvalue, rel=1e-9)
    falling = stats.page_trend_test(x[:, ::-1], method="exact")
    assert ours.p_decreasing == pytest.approx(falling.pvalue, rel=1e-9)


def test_published_example_with_ties():
    # The tutoring example of SciPy's documentation, with ties: L = 133.5. With ties SciPy's
    # exact p takes no account of them; ours is enumerated below for a smaller table.
    table = [
        [3, 4, 3], [2, 2, 4], [3, 3, 5], [1, 3, 2], [2, 3, 2],
        [2, 4, 5], [1, 2, 4], [3, 4, 4], [2, 4, 5], [1, 3, 4],
    ]  # fmt: skip
    ours = page_test(table)
    assert ours.statistic == 133.5
    assert ours.p_increasing < 0.00182
    assert ours.n == 10


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_with_ties_the_p_value_is_the_share_of_all_orders(table):
    ranks = [stats.rankdata(row) for row in table]
    observed = sum(float(np.dot([1, 2, 3], r)) for r in ranks)
    sums = [
        sum(np.dot([1, 2, 3], row) for row in choice)
        for choice in product(*(list(permutations(r)) for r in ranks))
    ]
    ours = page_test(table)
    assert ours.p_increasing == pytest.approx(np.mean([s >= observed - 1e-9 for s in sums]))
    assert ours.p_decreasing == pytest.approx(np.mean([s <= observed + 1e-9 for s in sums]))


def test_runs_that_never_arrive_rank_last():
    # Times to a target in networks of growing depth; the deepest never arrives.
    times = np.array([[100.0, 200.0, np.inf]] * 4)
    ours = page_test(times)
    assert ours.average_ranks.tolist() == [1, 2, 3]
    assert ours.p_increasing == pytest.approx(6.0**-4)
    assert ours.p_decreasing == pytest.approx(1.0)


def test_all_tied_says_nothing():
    ours = page_test(np.ones((5, 4)))
    assert ours.p_increasing == pytest.approx(1.0)
    assert ours.p_decreasing == pytest.approx(1.0)


def test_blocks_with_missing_values_are_left_out():
    x = np.array([[1.0, 2.0, 3.0], [np.nan, 2.0, 3.0], [1.0, 3.0, 2.0]])
    assert page_test(x).n == 2
    assert page_test(x).p_increasing == page_test(x[[0, 2]]).p_increasing
    assert page_test(np.full((2, 3), np.nan)).p_increasing == 1.0


@pytest.mark.parametrize(("alpha", "k", "n"), [(0.025, 3, 3), (0.025, 4, 2), (0.025, 2, 6)])
def test_seeds_needed(alpha, k, n):
    assert seeds_of_trend(2 * alpha, k) == n
    assert factorial(k) ** -float(n) <= alpha < factorial(k) ** -float(n - 1)


def test_many_conditions_are_sampled():
    x = np.random.default_rng(9).normal(size=(6, 14)) + 0.12 * np.arange(14)
    ours = page_test(x, draws=20_000)
    theirs = stats.page_trend_test(x, method="asymptotic")
    assert ours.p_increasing == pytest.approx(theirs.pvalue, abs=0.004)
    assert page_test(x, draws=20_000) is not ours
    assert page_test(x, draws=20_000).p_increasing == ours.p_increasing


def test_bad_shapes_are_named():
    with pytest.raises(ValueError, match="condition ≥ 2"):
        page_test(np.ones((3, 1)))
