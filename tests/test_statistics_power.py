"""Power and seeds: published values, and simulation where the standard deviation is known."""

import numpy as np
import pytest

from mlplab.statistics.intervals import t_interval
from mlplab.statistics.power import (
    power_of_equivalence,
    power_of_paired_t,
    seeds_for_difference,
    seeds_for_equivalence,
    upper_limit_of_std,
)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_published_numbers_of_pairs(effect, seeds):
    """Cohen's small, medium and large effects, two-sided 5%, 80% power: as G*Power gives them."""
    assert seeds_for_difference(effect, 1.0) == seeds
    assert seeds_for_difference(-effect, 1.0) == seeds


@pytest.mark.parametrize(("effect", "n"), [(1.0, 6), (0.5, 20), (0.0, 10)])
def test_power_of_t_is_what_simulation_gives(effect, n):
    samples = np.random.default_rng(n).normal(effect, 1.0, size=(n, 20_000))
    share = (t_interval(samples).low > 0).mean()
    power = float(power_of_paired_t(effect, 1.0, n))
    assert share == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / 20_000))


@pytest.mark.parametrize(("effect", "n"), [(0.0, 12), (0.3, 20)])
def test_power_of_equivalence_is_what_simulation_gives(effect, n):
    samples = np.random.default_rng(n).normal(effect, 1.0, size=(n, 20_000))
    at = t_interval(samples)
    share = ((at.low > -0.9) & (at.high < 0.9)).mean()
    power = power_of_equivalence(effect, 1.0, n, 0.9)
    assert share == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / 20_000) + 0.001)


def test_seeds_are_the_fewest_that_suffice():
    n = seeds_for_difference(0.004, 0.005, alpha=0.05 / 7, power=0.8, fewest=9)
    assert power_of_paired_t(0.004, 0.005, n, alpha=0.05 / 7) >= 0.8
    assert power_of_paired_t(0.004, 0.005, n - 1, alpha=0.05 / 7) < 0.8
    m = seeds_for_equivalence(0.001, 0.003, 0.003)
    assert power_of_equivalence(0.001, 0.003, m, 0.003) >= 0.8
    assert power_of_equivalence(0.001, 0.003, m - 1, 0.003) < 0.8


def test_seeds_that_no_number_supplies():
    assert seeds_for_difference(0.0, 1.0) is None
    assert seeds_for_difference(1e-6, 1.0) is None
    assert seeds_for_difference(1.0, float("nan")) is None
    assert seeds_for_equivalence(0.5, 1.0, 0.4) is None
    assert seeds_for_difference(1.0, 0.0, fewest=6) == 6
    assert power_of_paired_t(1.0, 1.0, 1) == 0.0


def test_upper_limit_of_the_deviation():
    # n = 5: χ²_{4, 0.2} = 1.6488, √(4/1.6488) = 1.5576.
    assert upper_limit_of_std(2.0, 5) == pytest.approx(2 * 1.5576, abs=2e-4)
    samples = np.random.default_rng(2).normal(size=(4, 20_000))
    limits = upper_limit_of_std(1.0, 4) * samples.std(axis=0, ddof=1)
    assert (limits > 1).mean() == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 20_000))
    with pytest.raises(ValueError, match="at least two"):
        upper_limit_of_std(1.0, 1)
