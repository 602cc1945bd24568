"""The rules of the verdicts, case by case, and what they must obey whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.statistics.verdict_rules import (
    decide_comparison,
    decide_direction,
    decide_that_they_differ,
    seeds_for_comparison,
)


def verdict(expect, low, high, **more):
    return decide_comparison(expect, low=low, high=high, seeds=10, fewest_seeds=6, **more)


@pytest.mark.parametrize(
    ("low", "high", "margin", "within", "expected"),
    [
        (0.006, 0.010, 0.005, None, "supported"),
        (0.004, 0.010, 0.005, None, "inconclusive"),
        (-0.001, 0.004, 0.005, None, "refuted"),
        (-0.001, 0.004, 0.005, 0.005, "same"),
        (-0.001, 0.004, 0.005, 0.003, "refuted"),
        (0.001, 0.002, 0.0, 0.003, "supported"),  # δ comes before w
        (-0.001, 0.002, 0.0, 0.003, "same"),
        (-0.004, 0.002, 0.0, 0.003, "inconclusive"),
        (-0.004, -0.002, 0.0, None, "refuted"),
        (0.0, 0.0, 0.0, None, "inconclusive"),  # nothing differs at all
        (0.0, 0.0, 0.0, 0.003, "same"),
        (0.005, 0.010, 0.005, None, "inconclusive"),  # on the margin is not beyond it
        (0.9712 - 0.9662, 0.010, 0.005, None, "inconclusive"),  # nor but for rounding
        (-0.001, 0.005, 0.005, None, "inconclusive"),
        (-np.inf, np.inf, 0.0, 1.0, "inconclusive"),
        (np.nan, np.nan, 0.0, 1.0, "inconclusive"),
    ],
)
def test_greater_and_its_mirror(low, high, margin, within, expected):
    assert verdict("greater", low, high, by_at_least=margin, within=within) == expected
    assert verdict("less", -high, -low, by_at_least=margin, within=within) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.002, 0.002, "same"),
        (-0.004, 0.002, "inconclusive"),
        (0.003, 0.004, "inconclusive"),
        (0.0031, 0.004, "refuted"),
        (-0.004, -0.0031, "refuted"),
        (-0.003, 0.001, "inconclusive"),
        (-0.004, 0.004, "inconclusive"),
        (-np.inf, np.inf, "inconclusive"),
    ],
)
def test_same(low, high, expected):
    assert verdict("same", low, high, within=0.003) == expected


numbers = st.floats(-1, 1)


@given(numbers, numbers, st.floats(0, 0.5), st.none() | st.floats(0.001, 0.5))
@settings(deadline=None)
def test_a_verdict_never_contradicts_its_interval(a, b, margin, within):
    low, high = min(a, b), max(a, b)
    got = verdict("greater", low, high, by_at_least=margin, within=within)
    if got == "supported":
        assert low > margin
    if got == "refuted":
        assert high < margin
    if got == "same":
        assert -within < low <= high < within
    assert got != "undecidable"


@pytest.mark.parametrize("expect", ["greater", "less", "same"])
def test_too_few_seeds_decide_nothing(expect):
    decision = decide_comparison(
        expect, low=-np.inf, high=np.inf, within=0.1, seeds=5, fewest_seeds=9
    )
    assert decision == "undecidable"


def test_the_seeds_that_would_probably_decide():
    common = {"std": 0.006, "fewest": 6}
    # Effect half the std: 34 pairs (Cohen's medium effect).
    assert seeds_for_comparison("greater", effect=0.003, **common) == 34
    # The same distance from the margin, below it: as many to refute.
    assert seeds_for_comparison("greater", effect=0.003, by_at_least=0.006, **common) == 34
    assert seeds_for_comparison("less", effect=-0.003, **common) == 34
    assert seeds_for_comparison("greater", effect=0.0, **common) is None


def test_same_can_be_decided_either_way():
    common = {"within": 0.003, "std": 0.004, "fewest": 6}
    assert seeds_for_comparison("same", effect=0.001, **common) > 10
    # 0.002 beyond the margin, half the standard deviation.
    assert seeds_for_comparison("same", effect=0.005, **common) == 34
    assert seeds_for_comparison("same", effect=0.003, **common) is None


@pytest.mark.parametrize(
    ("expect", "p_up", "p_down", "expected"),
    [
        ("increasing", 0.02, 0.99, "supported"),
        ("increasing", 0.025, 0.99, "supported"),
        ("increasing", 0.03, 0.98, "inconclusive"),
        ("increasing", 0.99, 0.01, "refuted"),
        ("decreasing", 0.99, 0.01, "supported"),
        ("decreasing", 0.01, 0.99, "refuted"),
        ("greater", 0.01, 1.0, "supported"),
        ("less", 0.01, 1.0, "refuted"),
        ("increasing", 1.0, 1.0, "inconclusive"),
    ],
)
def test_directions(expect, p_up, p_down, expected):
    decision = decide_direction(expect, p_up=p_up, p_down=p_down, seeds=5, fewest_seeds=3)
    assert decision == expected
    few = decide_direction(expect, p_up=p_up, p_down=p_down, seeds=2, fewest_seeds=3)
    assert few == "undecidable"


def test_which_of_many():
    assert decide_that_they_differ(p_value=0.05, seeds=5, fewest_seeds=3) == "supported"
    assert decide_that_they_differ(p_value=0.06, seeds=5, fewest_seeds=3) == "inconclusive"
    assert decide_that_they_differ(p_value=0.01, seeds=2, fewest_seeds=3) == "undecidable"


def test_senseless_margins_are_refused():
    with pytest.raises(ValueError, match="needs 'within'"):
        verdict("same", -1.0, 1.0)
    with pytest.raises(ValueError, match="positive"):
        verdict("same", -1.0, 1.0, within=0.0)
    with pytest.raises(ValueError, match="negative"):
        verdict("greater", -1.0, 1.0, by_at_least=-0.1)
