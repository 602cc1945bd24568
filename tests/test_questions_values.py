"""Metrics of single runs, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlplab.analysis.questions.values import (
    is_better_higher,
    metric_of_run,
    metric_values,
    runs_by_network,
)
from mlplab.declarations import metric as m
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.study import Study
from mlplab.records.results import Results
from simulated_questions import run
from simulated_results import ENVIRONMENT, network

STUDY = Study("s", {"a": network([3], "adam", 0.001, steps=400, seeds=2)})
RISING = run("a", 0, [0.5, 0.9, 0.8, 0.85])
DIVERGED = run("a", 0, [0.5, math.nan], diverged_at=150)
ACCURATE = m.TARGETS["accuracy"](accuracy=0.85)
FLOPS = 200 * Size((4, 3, 2), 256, 400).step_flops


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (m.FinalMetric(final="accuracy"), 0.85),
        (m.FinalMetric(final="loss"), -math.log(0.85)),
        (m.BestMetric(best="accuracy"), 0.9),
        (m.BestMetric(best="loss"), -math.log(0.9)),
        (m.AtStepMetric(at_step=300, value="accuracy"), 0.8),
        # Trapezoids of width 100 over 300 steps: (0.7 + 0.85 + 0.825) / 3.
        (m.AreaMetric(area_under="accuracy"), 2.375 / 3),
        (m.GapMetric(train_test_gap="accuracy"), 0.9 - 0.85),
        (m.StepsToMetric(steps_to=ACCURATE), 200),
        (m.SecondsToMetric(seconds_to=ACCURATE), 0.2),
        (m.FlopsToMetric(flops_to=ACCURATE), FLOPS),
        (m.StepsToMetric(steps_to=m.TARGETS["loss"](loss=0.2)), 200),
        (m.StepsToMetric(steps_to=m.TARGETS["accuracy"](accuracy=0.95)), math.inf),
        (m.DivergedMetric(share_of="diverged"), 0),
    ],
)
def test_metrics_of_a_run_that_rises_and_falls(metric, expected):
    assert metric_of_run(metric, RISING, STUDY) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (m.FinalMetric(final="accuracy"), -math.inf),
        (m.FinalMetric(final="loss"), math.inf),
        (m.StepsToMetric(steps_to=m.TARGETS["accuracy"](accuracy=0.5)), 100),
        (m.StepsToMetric(steps_to=m.TARGETS["accuracy"](accuracy=0.6)), math.inf),
        (m.DivergedMetric(share_of="diverged"), 1),
    ],
)
def test_a_diverged_run_is_the_worst_and_keeps_what_it_reached(metric, expected):
    assert metric_of_run(metric, DIVERGED, STUDY) == expected


def test_what_early_stopping_kept_is_the_end():
    """Validation loss is lowest at the second evaluation, whose weights are kept."""
    stopping = {"early_stopping": {"metric": "loss", "patience": 2}}
    study = Study("s", {"a": network([3], "adam", 0.001, steps=400, **stopping)})
    curves = {**RISING.curves, ("validation", "loss"): np.array([0.5, 0.1, 0.2, 0.3])}
    stopped = run("a", 0, [0.5, 0.9, 0.8, 0.85], curves=curves)
    assert metric_of_run(m.FinalMetric(final="accuracy"), stopped, study) == 0.9


def test_gradients_are_found_by_layer_and_step():
    curves = {
        ("batch", "gradient_size_layer_1"): np.array([1e-3, 2e-3, 3e-3, 4e-3]),
        ("batch", "gradient_size_layer_2"): np.array([5e-3, 6e-3, 7e-3, 8e-3]),
    }
    one = run("a", 0, [0.5, 0.9, 0.8, 0.85], curves=curves)
    assert metric_of_run(m.GradientMetric(gradient_size="first", at_step=200), one, STUDY) == 2e-3
    assert metric_of_run(m.GradientMetric(gradient_size="last"), one, STUDY) == 8e-3
    assert metric_of_run(m.GradientMetric(gradient_size=2, at_step=100), one, STUDY) == 5e-3


def test_seeds_are_paired_and_what_is_left_out_is_counted():
    study = Study("s", {n: network([3], "adam", 0.001, seeds=3) for n in "ab"})
    runs = (run("a", 0, [0.5]), run("a", 1, [0.6]), run("b", 1, [0.7]), run("b", 2, [0.8]))
    found = Results(study, runs, (), ENVIRONMENT)
    values = metric_values(
        found, m.FinalMetric(final="accuracy"), ("b", "a"), runs_by_network(found)
    )
    assert values.seeds == (1,)
    assert values.values.tolist() == [[0.7, 0.6]]
    assert values.unpaired == 2


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        (m.FinalMetric(final="accuracy"), True),
        (m.FinalMetric(final="loss"), False),
        (m.GapMetric(train_test_gap="accuracy"), False),
        (m.StepsToMetric(steps_to=ACCURATE), False),
        (m.DivergedMetric(share_of="diverged"), False),
    ],
)
def test_what_is_better(metric, higher):
    assert is_better_higher(metric) is higher
