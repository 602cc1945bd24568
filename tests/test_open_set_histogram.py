"""Histograms of scores: bins of equal width, or of equal ratio where scores crowd at zero."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.analysis.open_set.histogram import score_histogram


def test_scores_of_one_size_have_bins_of_equal_width():
    random = np.random.default_rng(0)
    found = score_histogram(random.normal(5, 1, 2000), random.normal(8, 1, 2000))
    assert not found.of_equal_ratios
    assert np.ptp(np.diff(found.edges)) == pytest.approx(0, abs=1e-9)
    assert sum(found.known) == pytest.approx(1, abs=1e-4)
    assert np.average(found.edges[:-1], weights=found.known) == pytest.approx(5, abs=0.2)


def test_scores_over_orders_of_magnitude_have_bins_of_equal_ratio():
    random = np.random.default_rng(0)
    known, unknown = 10.0 ** random.normal(-7, 1, 2000), 10.0 ** random.normal(-2, 0.5, 2000)
    known[:5] = 0  # counted in the lowest bin
    found = score_histogram(known, unknown)
    assert found.of_equal_ratios
    assert np.ptp(np.diff(np.log(found.edges))) == pytest.approx(0, abs=1e-9)
    assert sum(found.known) == pytest.approx(1, abs=1e-4)
    assert sum(found.unknown) == pytest.approx(1, abs=1e-4)
    # equal widths would show all known scores in the first of 48 bars
    assert max(found.known) < 0.3


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_scores_that_are_all_alike_fill_one_bin(value):
    found = score_histogram(np.full(10, value), np.full(10, value))
    assert (max(found.known), max(found.unknown)) == (1, 1)
    assert not found.of_equal_ratios


def test_crowded_scores_with_nothing_negative_but_zero_keep_finite_edges():
    found = score_histogram(np.zeros(100), np.r_[np.zeros(90), np.ones(10)])
    assert np.isfinite(found.edges).all()
    assert (np.diff(found.edges) > 0).all()
    assert sum(found.unknown) == pytest.approx(1, abs=1e-4)
