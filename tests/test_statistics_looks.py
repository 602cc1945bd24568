"""Looks at more and more seeds: levels that add up, sizes that do not move, false verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.sequential_simulation import Asked, false_verdicts, in_rounds
from scipy import special

from mlplab.declarations.seeds_needed import fraction_of_level
from mlplab.statistics.looks import chance_to_decide, look_sizes


def test_all_looks_together_have_the_level_and_no_more():
    fractions = [fraction_of_level(look) for look in range(1, 10_001)]

    assert fractions[:3] == pytest.approx([1 / 4, 3 / 20, 1 / 10])
    assert sum(fractions) == pytest.approx(1 - 3 / 10_003)


def test_sizes_grow_by_the_root_of_two_and_do_not_depend_on_the_most():
    sizes = look_sizes(10, 200)

    assert sizes == (10, 14, 20, 28, 40, 57, 80, 113, 160, 200)
    assert look_sizes(10, 57) == sizes[:6]
    assert look_sizes(10, 50)[:5] == sizes[:5]
    assert look_sizes(2, 5) == (2, 3, 4, 5)
    assert look_sizes(10, 10) == (10,)


def test_the_chance_to_decide_is_that_of_simulated_means():
    # With nothing known of the mean beforehand, it is normal about the one seen; z of 40 seeds then
    # comes from 10 seen ones and 30 drawn ones.
    now, later, level, p = 10, 40, 0.01, 0.2
    rng = np.random.default_rng(0)
    seen = special.ndtri(1 - p / 2) / np.sqrt(now)
    means = rng.normal(seen, 1 / np.sqrt(now), 200_000)
    drawn = rng.normal(means, 1 / np.sqrt(later - now))
    z = (now * seen + (later - now) * drawn) / np.sqrt(later)
    simulated = (z > special.ndtri(1 - level / 2)).mean()

    assert chance_to_decide([p, 0.9], now, later, level) == pytest.approx(simulated, abs=0.005)


def test_no_more_seeds_decide_nothing():
    assert chance_to_decide([0.01], 10, 10, 0.05) == 0
    assert chance_to_decide([], 10, 20, 0.05) == 0
    assert chance_to_decide([1.0], 10, 20, 0.05) < 0.05


@pytest.mark.parametrize("kind", ["pair, no difference", "trend", "times to a target"])
def test_looking_often_gives_no_more_false_verdicts(kind):
    wrong, unspent = false_verdicts(kind, "seeds differ", 0.05, repeats=150, most=20)

    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5
    assert wrong < unspent, "the whole level at every look would be dearer"


def test_large_effects_need_few_seeds_and_none_at_all_few_more():
    large, decided = in_rounds(Asked(4.0), 0.05, most=40, repeats=50)
    nothing, wrong = in_rounds(Asked(0.0), 0.05, most=40, repeats=50)

    assert large.mean() == 10
    assert decided.all()
    assert nothing.mean() < 25, "most are given up as not worth it"
    assert wrong.mean() <= 0.15
