"""Intervals over seeds and test rows: held to Student's, to DeLong's, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from mlplab.openset.auroc import auroc
from mlplab.openset.intervals import auroc_interval
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.rows_and_seeds import GROUPS, groups_of_rows, over_rows_and_seeds


def left_out(known: np.ndarray, unknown: np.ndarray) -> list[float]:
    k, u = groups_of_rows(len(known)), groups_of_rows(len(unknown))
    return [auroc(known[k != g], unknown[u != g]) for g in range(GROUPS)]


def test_groups_are_of_one_size_and_always_the_same():
    groups = groups_of_rows(1003)
    assert set(np.bincount(groups)) == {50, 51}
    np.testing.assert_array_equal(groups, groups_of_rows(1003))
    assert (np.diff(groups) < 0).any()  # rows next to one another are in different groups


def test_without_groups_it_is_students_interval():
    values = np.array([0.91, 0.93, 0.92, 0.95])
    got, student = over_rows_and_seeds(values, np.zeros((4, 0))), t_interval(values)
    assert (got.mean, got.low, got.high) == pytest.approx(
        (float(student.mean), float(student.low), float(student.high))
    )


def test_of_a_mean_the_jackknife_is_the_standard_error_of_groups():
    """For a mean of equal groups the delete-a-group variance is that of the group means."""
    rows = np.random.default_rng(0).normal(size=400)
    groups = groups_of_rows(400)
    without = [[rows[groups != g].mean() for g in range(GROUPS)]]
    means = np.array([rows[groups == g].mean() for g in range(GROUPS)])
    student = t_interval(means)
    got = over_rows_and_seeds([rows.mean()], without)
    assert (got.low, got.high) == pytest.approx((float(student.low), float(student.high)))


def test_of_one_seed_it_is_about_delongs():
    draw = np.random.default_rng(1)
    widths = []
    for _ in range(30):
        known, unknown = draw.normal(size=2000), draw.normal(1.5, 1, size=1500)
        got = over_rows_and_seeds([auroc(known, unknown)], [left_out(known, unknown)])
        delong = auroc_interval(known, unknown)
        widths.append((got.high - got.low) / (delong.high - delong.low))
    assert np.mean(widths) == pytest.approx(1.0, abs=0.12)


def test_it_covers_what_seeds_alone_do_not():
    """Seeds share their rows: scores are a row's own part and a part of row and seed."""
    draw = np.random.default_rng(2)
    seeds, rows, times = 5, 150, 150
    # AUROC of N(0, 2) against N(1.5, 2): Φ(1.5 / √4)
    truth = 0.7733726
    covered, covered_by_seeds = 0, 0
    for _ in range(times):
        own_known, own_unknown = draw.normal(size=rows), draw.normal(size=rows)
        known = own_known + draw.normal(size=(seeds, rows))
        unknown = 1.5 + own_unknown + draw.normal(size=(seeds, rows))
        each = [auroc(k, u) for k, u in zip(known, unknown, strict=True)]
        without = [left_out(k, u) for k, u in zip(known, unknown, strict=True)]
        both, alone = over_rows_and_seeds(each, without), t_interval(each)
        covered += both.low <= truth <= both.high
        covered_by_seeds += alone.low <= truth <= alone.high
    assert covered / times > 0.92
    assert covered_by_seeds / times < 0.90


@pytest.mark.parametrize("value", [0.0, 1.0, 0.75])
def test_where_all_seeds_and_groups_agree_it_is_wilsons_of_the_rows_of_one_seed(value):
    """Eight seeds on the same 60 rows are 60 rows, and all of them right is no certainty."""
    for groups in (0, 20):
        got = over_rows_and_seeds(np.full(8, value), np.full((8, groups), value), rows=60)
        exact = binomtest(round(60 * value), 60).proportion_ci(method="wilson")
        assert (got.low, got.high) == pytest.approx((exact.low, exact.high))


def test_of_a_fraction_it_keeps_between_0_and_1_and_elsewhere_is_as_it_was():
    values, without = [0.97, 0.99], np.array([[0.97] * 19 + [0.96], [0.99] * 19 + [0.985]])
    wald, got = (over_rows_and_seeds(values, without, rows=n) for n in (None, 200))
    assert wald.high > 1 > got.high > 0.98 > got.low
    inner = [over_rows_and_seeds([0.6, 0.61], without - 0.37, rows=n) for n in (None, 200)]
    assert (inner[0].low, inner[0].high) == (inner[1].low, inner[1].high)


def test_near_the_border_it_covers_where_walds_form_does_not():
    """One network, 60 rows, each right with probability 0.98."""
    draw, truth, times = np.random.default_rng(5), 0.98, 400
    covered = np.zeros(2)
    for _ in range(times):
        right = draw.random(60) < truth
        without = [[right[groups_of_rows(60) != g].mean() for g in range(GROUPS)]]
        for kind, rows in enumerate((None, 60)):
            got = over_rows_and_seeds([right.mean()], without, rows=rows)
            covered[kind] += got.low <= truth <= got.high
    plug_in, wilsons = covered / times
    assert plug_in < 0.80
    assert wilsons > 0.92


def test_seeds_of_different_groups_are_judged_over_seeds_alone():
    values, without = [0.5, 0.6], [np.full(20, 0.5), np.full(19, 0.6)]
    got, student = over_rows_and_seeds(values, without), t_interval(values)
    assert (got.low, got.high) == pytest.approx((float(student.low), float(student.high)))
    assert over_rows_and_seeds([], []).n == 0


def test_fewer_rows_than_groups_are_refused():
    with pytest.raises(ValueError, match="groups of rows are 2 to 7"):
        groups_of_rows(7)
