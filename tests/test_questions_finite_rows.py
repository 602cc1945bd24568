"""What another test set would change is told beside the verdict about seeds, or said to be unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.finite_rows import (
    NotMeasured,
    grouped_error,
    rows_error,
    share_error,
)
from mlplab.analysis.questions.values import metric_values, runs_by_network
from mlplab.declarations import metric as m
from mlplab.declarations.question import LevelQuestion
from mlplab.openset.rows_and_seeds import over_rows_and_seeds
from simulated_questions import ACCURACY, pair, results
from simulated_results import evaluation

TARGET = m.AccuracyTarget(accuracy=0.5)


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


def about(metric: m.Metric):
    """The error where the values of the metric are those of the final accuracy."""
    found, _ = seen(ACCURACY)
    runs = runs_by_network(found)
    return rows_error(metric, metric_values(found, ACCURACY, "ab", runs), runs)


@pytest.mark.parametrize("clear", [0.1, 0.5, 0.9])
def test_the_bound_is_never_below_the_standard_error(clear):
    """Rows of two networks by three seeds, counted with chances that differ from row to row."""
    rng = np.random.default_rng(1)
    for rows in (20, 400):
        chances = rng.random((1, 2, rows)) < clear
        counted = (rng.random((3, 2, rows)) < np.where(chances, 0.95, 0.2)).astype(float)
        shares = counted.mean(axis=0)
        bound = share_error(counted.mean(axis=2), rows)
        assert (shares[0] - shares[1]).std() / np.sqrt(rows) <= bound
        assert shares[0].std() / np.sqrt(rows) <= share_error(counted[:, :1].mean(axis=2), rows)


@pytest.mark.parametrize("right", [0, 1])
def test_it_is_mcnemars_where_no_row_is_wrong_or_counted_twice(right):
    first, last = np.full(100, float(right)), np.full(100, float(right))
    first[:8], last[8:13] = 1 - right, 1 - right
    bound = share_error(np.array([[first.mean(), last.mean()]]), 100)
    assert bound == pytest.approx((first - last).std() / 10)


def test_groups_left_out_tell_what_the_interval_over_rows_does():
    left_out = np.random.default_rng(2).normal(size=(1, 20))
    interval = over_rows_and_seeds([0.3], left_out)
    expected = (interval.high - interval.low) / 2 / t.ppf(0.975, 19)
    assert grouped_error(left_out) == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric",
    [ACCURACY, m.BestMetric(best="accuracy"), m.AreaMetric(area_under="accuracy"),
     m.AtStepMetric(at_step=100, value="accuracy")],
)  # fmt: skip
def test_shares_of_test_rows_are_bounded(metric):
    assert (
        "Another test set of 600 rows would move the difference by a standard error of at most"
        in (said(metric))
    )


def test_of_a_gap_the_test_rows_alone_are_left_open():
    metric = m.GapMetric(train_test_gap="accuracy")
    found, _ = seen(metric)
    runs = runs_by_network(found)
    accuracy = np.array([[runs[n][s].evaluation.accuracy for n in "ab"] for s in range(9)])
    assert about(metric).size == share_error(accuracy, 600)


def test_of_one_network_it_is_the_mean_that_moves():
    level = LevelQuestion(ask="?", level_of="a", than=0.5, metric=ACCURACY, expect="greater")
    assert "would move the mean by a standard error of at most 1.57 points" in said(ACCURACY, level)


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
