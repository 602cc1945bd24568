"""A run has several ends: each is named, has one implementation, and captions say which is meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlplab.analysis.questions.values import metric_of_run
from mlplab.declarations.figure import CurveFigure
from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.training import EarlyStopping
from mlplab.figures.curves import curve_figures
from mlplab.figures.ensemble import gather
from mlplab.records.kept import value_at_last_evaluation, value_at_restored_weights
from simulated_questions import results, run

CURVES = ([0.5, 0.7, 0.6], [0.5, 0.6, 0.8, 0.7, 0.65])
"""Of two seeds, the first of which stopped early; validation rows agree with test rows."""


def stopped_early():
    found = results({"a": [0.0, 0.0]})
    declared = found.study.networks["a"]
    stopping = EarlyStopping(metric="accuracy", patience=2)
    networks = {
        "a": declared.model_copy(
            update={"training": declared.training.model_copy(update={"early_stopping": stopping})}
        )
    }
    runs = []
    for seed, curve in enumerate(CURVES):
        one = run("a", seed, curve)
        one.curves["validation", "accuracy"] = np.array(curve)
        runs.append(one)
    return replace(found, study=replace(found.study, networks=networks), runs=tuple(runs))


def test_the_three_ends_are_what_they_are_called():
    found = stopped_early()
    training = found.study.networks["a"].training
    last = [value_at_last_evaluation(r, "test", "accuracy") for r in found.runs]
    kept = [value_at_restored_weights(r, "test", "accuracy", training) for r in found.runs]
    assert last == [0.6, 0.65]
    assert kept == [0.7, 0.8]
    ensemble = gather(found.runs, "test", "accuracy")
    assert ensemble.at_last_evaluation().mean == pytest.approx(0.625)
    still_training = ensemble.at_each_step
    assert (still_training.mean[-1], still_training.n[-1]) == (pytest.approx(0.65), 1)


def test_questions_and_tables_take_the_weights_that_are_kept():
    found = stopped_early()
    metric = FinalMetric(final="accuracy")
    assert [metric_of_run(metric, r, found.study) for r in found.runs] == [0.7, 0.8]
    assert found.summary()["test_accuracy"].tolist() == [0.7, 0.8]


def test_a_curve_says_which_end_is_meant():
    (figure,) = curve_figures(CurveFigure(title="Curve"), stopped_early(), "curve")
    told = " ".join((figure.caption, *figure.notes))
    assert "last evaluation it is 0.6250" in told
    assert "over those that still trained" in told
    assert "weights that are kept. a went back to the best" in told
