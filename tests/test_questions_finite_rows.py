"""Rows are counted beside seeds where the records allow it; elsewhere what they leave open is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, t

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.finite_rows import (
    CountedRows,
    NotMeasured,
    RowsError,
    fraction_error,
    rows_part,
)
from mlplab.analysis.questions.values import metric_values, runs_by_network
from mlplab.declarations import metric as m
from mlplab.declarations.question import LevelQuestion
from mlplab.statistics.rows_and_seeds import jackknife_variance, over_rows_and_seeds
from simulated_questions import ACCURACY, pair, results, trend
from simulated_results import evaluation

TARGET = m.TARGETS["accuracy"](accuracy=0.5)


def seen(metric: m.Metric, question=None):
    """Two networks of nine seeds, evaluated on 600 rows."""
    asked = question or pair(metric=metric)
    finals = {"a": np.linspace(0.8, 0.84, 9), "b": np.linspace(0.7, 0.78, 9)}
    found, rng = results(finals, (asked,)), np.random.default_rng(0)
    runs = tuple(replace(run, evaluation=evaluation(0.8, rng)) for run in found.runs)
    return replace(found, runs=runs), asked


def said(metric: m.Metric, question=None) -> str:
    found, asked = seen(metric, question)
    (answered,) = answer(found, (asked,), {})
    return " ".join(text for text in answered.caveats if "test set" in text)


def about(metric: m.Metric, question=None):
    """What rows leave open where the values of the metric are those of the final accuracy."""
    found, _ = seen(ACCURACY)
    runs = runs_by_network(found)
    asked = question or pair(metric=metric)
    return rows_part(asked, metric_values(found, ACCURACY, "ab", runs), runs, found.study)


@pytest.mark.parametrize("clear", [0.1, 0.5, 0.9])
def test_the_bound_is_never_below_the_standard_error(clear):
    """Rows of two networks by three seeds, counted with chances that differ from row to row."""
    rng = np.random.default_rng(1)
    for rows in (20, 400):
        chances = rng.random((1, 2, rows)) < clear
        counted = (rng.random((3, 2, rows)) < np.where(chances, 0.95, 0.2)).astype(float)
        shares = counted.mean(axis=0)
        bound = fraction_error(counted.mean(axis=2), rows)
        assert (shares[0] - shares[1]).std() / np.sqrt(rows) <= bound
        assert shares[0].std() / np.sqrt(rows) <= fraction_error(counted[:, :1].mean(axis=2), rows)


@pytest.mark.parametrize("right", [0, 1])
def test_it_is_mcnemars_where_no_row_is_wrong_or_counted_twice(right):
    first, last = np.full(100, float(right)), np.full(100, float(right))
    first[:8], last[8:13] = 1 - right, 1 - right
    bound = fraction_error(np.array([[first.mean(), last.mean()]]), 100)
    assert bound == pytest.approx((first - last).std() / 10)


def test_groups_left_out_tell_what_the_interval_over_rows_does():
    left_out = np.random.default_rng(2).normal(size=(1, 20))
    interval = over_rows_and_seeds([0.3], left_out)
    expected = (interval.high - interval.low) / 2 / t.ppf(0.975, 19)
    assert jackknife_variance(left_out) ** 0.5 == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric",
    [ACCURACY, m.BestMetric(best="accuracy"), m.AreaMetric(area_under="accuracy"),
     m.AtStepMetric(at_step=100, value="accuracy"), m.GapMetric(train_test_gap="accuracy")],
)  # fmt: skip
def test_fractions_of_test_rows_are_counted(metric):
    assert "600 test rows beside the seeds" in said_of_rows(metric)
    assert isinstance(about(metric), CountedRows)
    assert about(metric).each_known == (metric == ACCURACY)


def said_of_rows(metric: m.Metric, question=None) -> str:
    found, asked = seen(metric, question)
    (answered,) = answer(found, (asked,), {})
    return " ".join(text for text in answered.caveats if "rows" in text)


def test_of_a_trend_the_verdict_is_about_seeds_alone():
    part = about(ACCURACY, trend(along=("a", "c", "b")))
    assert isinstance(part, RowsError)
    assert part.size == pytest.approx(fraction_error(np.array([[0.82, 0.74]]), 600))


def test_a_fraction_is_never_known_exactly():
    assert fraction_error(np.array([[1.0]]), 60) == pytest.approx(np.sqrt(2 / 62 / 60))


def test_the_rows_of_one_network_are_those_of_clopper_and_pearson():
    level = LevelQuestion(ask="?", level_of="a", than=0.5, metric=ACCURACY, expect="greater")
    low, high = about(ACCURACY, level).limits(0.82, 0.025)
    expected = binomtest(492, 600).proportion_ci(0.95, "exact")
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert "600 test rows beside the seeds" in said_of_rows(ACCURACY, level)


def level_of(values, rows: int, than: float, expect: str = "greater", **changes):
    """The answer of one network that gets these numbers of rows right."""
    rng = np.random.default_rng(0)
    asked = LevelQuestion(
        ask="?", level_of="a", than=than, metric=ACCURACY, expect=expect, **changes
    )
    found = results({"a": np.array(values) / rows, "b": [0.5] * len(values)}, (asked,))
    runs = tuple(replace(run, evaluation=evaluation(0.8, rng, rows)) for run in found.runs)
    return answer(replace(found, runs=runs), (asked,), {})[0]


def test_sixty_of_sixty_is_not_above_99_percent():
    found = level_of([60] * 8, 60, 0.99)
    assert found.finding.verdict == "inconclusive"
    assert 1 + found.finding.low - 0.01 == pytest.approx(0.025 ** (1 / 60))  # Clopper and Pearson
    assert "no number of seeds would decide, as 60 test rows leave it open" in found.sentence
    assert level_of([60] * 8, 60, 0.9).finding.verdict == "supported"
    assert level_of([6000] * 8, 6000, 0.99).finding.verdict == "supported"


def test_no_two_seeds_that_tie_are_certain():
    """0.9583 twice: eight seeds on 24 rows are 24 rows."""
    found = level_of([23] * 8, 24, 0.9583, "same", within=0.01)
    assert found.finding.verdict == "inconclusive"
    assert found.finding.high - found.finding.low > 0.1


def test_a_difference_of_one_row_decides_nothing():
    asked = pair("greater")
    finals = {"a": [1.0] * 8, "b": [59 / 60] * 8}
    found, rng = results(finals, (asked,)), np.random.default_rng(0)
    runs = tuple(
        replace(run, evaluation=replace(evaluation(0.8, rng, 60), right=None)) for run in found.runs
    )
    (answered,) = answer(replace(found, runs=runs), (asked,), {})
    assert answered.finding.verdict == "inconclusive"
    assert "as few rows as it can" in " ".join(answered.caveats)
    (alone,) = answer(found, (asked,), {})
    assert alone.finding.verdict == "supported"  # nothing is known of the rows


@pytest.mark.parametrize("expect", ["greater", "same"])
def test_p_values_and_intervals_agree_where_rows_count(expect):
    for hits in range(40, 61, 4):
        found = level_of(hits + np.arange(8) % 3, 64, 0.8, expect, within=0.15)
        decided = found.finding.verdict in ("supported", "refuted", "same")
        assert decided == (found.p_value <= 0.05), hits


def test_of_losses_it_is_said_to_be_unknown():
    told = said(m.FinalMetric(final="loss"))
    assert told.endswith("is not measured, as losses of single rows are not recorded.")


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (m.AreaMetric(area_under="loss"), "losses of single rows are not recorded"),
        (m.GapMetric(train_test_gap="loss"), "losses of single rows are not recorded"),
        (m.StepsToMetric(steps_to=TARGET), "a time to a target is no mean over rows"),
        (m.SecondsToMetric(seconds_to=TARGET), "a time to a target is no mean over rows"),
    ],
)
def test_what_the_records_do_not_tell_has_a_reason(metric, why):
    assert about(metric) == NotMeasured(why)


@pytest.mark.parametrize(
    "metric",
    [m.FinalMetric(final="accuracy", split="train"), m.DivergedMetric(share_of="diverged"),
     m.StepsToMetric(steps_to=TARGET, split="batch"), m.GradientMetric(gradient_size="last")],
)  # fmt: skip
def test_where_no_test_row_is_looked_at_nothing_is_said(metric):
    assert about(metric) is None
