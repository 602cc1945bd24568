"""Seeds for times to a target: the power against whole tests, and the number against its promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlplab.statistics.logrank import log_rank_test
from mlplab.statistics.logrank_power import Claim, power_of_log_rank, seeds_for_log_rank

EITHER = [[Claim(0.0, above=True)], [Claim(0.0, above=False)]]


def times(rng, mean, count, *, never_after=900.0):
    """Exponential times on a grid of evaluations; the slow ones never arrive."""
    found = 100 * np.ceil(rng.exponential(mean, count) / 100)
    return np.where(found > never_after, math.inf, found)


def hand(seed=0, count=12, slower=2.5):
    rng = np.random.default_rng(seed)
    return times(rng, 250 * slower, count), times(rng, 250, count)


def decided(first, second, draws):
    test = log_rank_test(first, second, draws=draws)
    return min(test.p_later, test.p_earlier) <= 0.025


@pytest.mark.parametrize("n", [8, 16, 30])
def test_power_is_the_share_of_whole_tests(n):
    first, second = hand()
    assert np.isinf(first).any()
    samples = np.random.default_rng(n).integers(0, len(first), size=(300, n))
    share = np.mean([decided(first[s], second[s], 1999) for s in samples])
    power = power_of_log_rank(first, second, n, EITHER)
    assert 0.1 < power < 1
    assert share == pytest.approx(power, abs=3 * math.sqrt(2 * 0.25 / 300))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_the_seeds_told_about_the_promised_share_decides(seed):
    first, second = hand(seed, slower=2.0)
    n = seeds_for_log_rank(first, second, EITHER, fewest=6)
    samples = np.random.default_rng(seed).integers(0, len(first), size=(300, n))
    share = np.mean([decided(first[s], second[s], 999) for s in samples])
    assert share == pytest.approx(0.8, abs=0.09)


def test_fresh_seeds_of_the_same_networks_decide_as_often():
    """The seeds at hand are many here, so that they are like those to come."""
    rng = np.random.default_rng(6)
    first, second = times(rng, 450, 4000), times(rng, 250, 4000)
    n = seeds_for_log_rank(first, second, EITHER, fewest=6)
    share = np.mean([decided(times(rng, 450, n), times(rng, 250, n), 999) for _ in range(300)])
    assert share == pytest.approx(0.8, abs=0.1)


def test_margins_are_heeded():
    second = np.arange(100.0, 900, 100)
    first = second + 50
    above = [[Claim(100.0, above=True)]]
    assert seeds_for_log_rank(first + 200, second, above, fewest=6) is not None
    assert power_of_log_rank(first, second, 200, above) == 0
    same = [[Claim(-200.0, above=True), Claim(200.0, above=False)]]
    assert seeds_for_log_rank(first, second, same, fewest=6) is not None
    assert power_of_log_rank(first + 300, second, 200, same) == 0


def test_exchanged_pairs_ask_for_more_seeds():
    first, second = hand(slower=4.0)
    told = [seeds_for_log_rank(first, second, EITHER, swapped=s, fewest=6) for s in (0, 0.2, 0.4)]
    assert told[0] < told[1] < told[2]
    assert seeds_for_log_rank(first, second, EITHER, swapped=0.5, fewest=6) is None


def test_what_no_number_decides():
    never = np.full(8, math.inf)
    assert seeds_for_log_rank(never, never, EITHER, fewest=6) is None
    first, second = np.array([100.0, 200]), np.array([200.0, 100])
    assert seeds_for_log_rank(first, second, EITHER, fewest=6) is None
