"""The prediction band: its formula by hand, its coverage by simulation, and its silences."""

import numpy as np
import pytest

from mlplab.statistics.prediction_band import compare_with_published


def test_band_by_hand():
    # Runs 1, 2, 3 at each of two points: s = 1, n = 3, m = 2, so t_{2, 1-0.05/4} = 6.205347
    # and half the width is 6.205347·√(4/3) + 0.5 = 7.665319.
    runs = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    band = compare_with_published(runs, np.zeros(2), reading_error=0.5)
    np.testing.assert_allclose(band.high - 2, 7.665319, atol=1e-5)
    np.testing.assert_allclose(2 - band.low, 7.665319, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_runs_say_nothing(n):
    assert compare_with_published(np.zeros((n, 4)), np.zeros(4)) is None


@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("n", [3, 10])
def test_all_points_of_a_new_run_lie_within_at_the_stated_level(n, correlation):
    rng = np.random.default_rng([n, int(10 * correlation)])
    studies, steps = 1500, 20
    shared = rng.normal(size=(studies, n + 1, 1))
    own = rng.normal(size=(studies, n + 1, steps))
    runs = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    covered = 0
    for study in runs:
        comparison = compare_with_published(study[:n], study[n], reading_error=0.0)
        assert comparison is not None
        covered += comparison.within.all()
    standard_error = np.sqrt(0.05 * 0.95 / studies)
    assert covered / studies >= 0.95 - 3 * standard_error


def test_one_point_is_covered_at_just_its_level():
    rng = np.random.default_rng(8)
    runs, new = rng.normal(size=(4000, 5, 1)), rng.normal(size=(4000, 1))
    held = [
        compare_with_published(r, y, reading_error=0.0).within[0]
        for r, y in zip(runs, new, strict=True)
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / 4000))


def test_runs_that_all_agree_allow_only_the_reading_error():
    stuck = np.full((3, 4), 0.1135)
    comparison = compare_with_published(stuck, [0.1135, 0.1115, 0.1155, 0.1156])
    assert comparison is not None
    assert comparison.within.tolist() == [True, True, True, False]


def test_points_without_a_value_are_not_compared():
    runs = np.array([[1.0, 1.0, np.inf, 1.0], [1.1, np.nan, 1.0, 1.0], [0.9, 1.0, 1.0, 1.1]])
    comparison = compare_with_published(runs, [1.0, 1.0, 1.0, np.nan])
    assert comparison is not None
    assert comparison.compared.tolist() == [True, False, False, False]
    assert comparison.within.tolist() == [True, False, False, False]
    assert np.isnan(comparison.low[1])
    assert compare_with_published(runs, np.full(4, np.nan)) is None


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"share their steps, got \(3, 4\) and \(5,\)"):
        compare_with_published(np.zeros((3, 4)), np.zeros(5))
    with pytest.raises(ValueError, match="not negative"):
        compare_with_published(np.zeros((3, 2)), np.zeros(2), reading_error=-0.1)
