"""The usual methods of scikit-learn on the rows of a study of a table, after its training.

The most frequent class (or the mean), logistic (or ridge) regression and histogram gradient
boosting, with the library's defaults, are given the very inputs that the networks were given. They
learn from the training rows; validation rows, by which networks are stopped and chosen, serve none
of them.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from mlplab.metrics.regression import regression_metrics
from mlplab.records.analyses import read_findings, record_finding
from mlplab.records.database import reading, writing
from mlplab.records.lock import only_run
from mlplab.records.results import Results
from mlplab.records.usual_methods import KIND, UsualResult, to_json, wanted_fits
from mlplab.splits import Splits, splits_of


def fit_usual_methods(results: Results, announce: Callable[[str], None]) -> None:
    """Fit what is not kept yet, and keep it. Stopped at any moment, what was kept until then stays.

    Args:
        announce: is told what is being done, in words.

    Raises:
        BadInput: data that can no longer be read.
    """
    wanted = wanted_fits(results, version("scikit-learn"))
    if not wanted or results.folder is None:
        return
    with reading(results.folder) as connection:
        kept = read_findings(connection, (fit.content for fit in wanted))
    missing = [fit for fit in wanted if fit.content not in kept]
    if not missing:
        return
    announce("fitting the usual methods of scikit-learn on the same rows")
    with only_run(results.folder, lambda pid: None), writing(results.folder) as connection:
        for fit in missing:
            splits = splits_of(results.study, fit.network, fit.seed)
            found = list(_fitted(splits, fit.seed, only_random=not fit.is_first))
            record_finding(connection, KIND, fit.content, to_json(found))


def _fitted(splits: Splits, seed: int, *, only_random: bool) -> Iterator[UsualResult]:
    methods = _classifiers if splits.train.targets is None else _regressors
    for name, estimator, is_random in methods(len(splits.train), seed):
        if is_random or not only_random:
            yield _measured(name, estimator, is_random, splits, seed)


_STOPS_EARLY_ABOVE = 10_000
"""Rows, above which gradient boosting draws a part to stop by; below it draws nothing."""


def _classifiers(rows: int, seed: int) -> Iterator[tuple[str, Any, bool]]:
    """Name, estimator, and whether it draws random numbers."""
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    yield "most frequent class", DummyClassifier(strategy="prior"), False
    yield "logistic regression", LogisticRegression(max_iter=1000), False
    boosting = HistGradientBoostingClassifier(random_state=seed)
    yield "gradient boosting", boosting, rows > _STOPS_EARLY_ABOVE


def _regressors(rows: int, seed: int) -> Iterator[tuple[str, Any, bool]]:
    """Likewise, for a quantity."""
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge

    yield "mean", DummyRegressor(), False
    yield "ridge regression", Ridge(), False
    boosting = HistGradientBoostingRegressor(random_state=seed)
    yield "gradient boosting", boosting, rows > _STOPS_EARLY_ABOVE


def _measured(name: str, estimator: Any, is_random: bool, splits: Splits, seed: int) -> UsualResult:
    from sklearn.exceptions import ConvergenceWarning

    remark, began = "", time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            estimator.fit(splits.train.inputs, splits.train.known)
        if any(issubclass(warning.category, ConvergenceWarning) for warning in told):
            remark = "did not converge"
        metrics = _metrics(estimator, splits)
    except (ValueError, MemoryError) as error:
        # A library's limits on odd tables are no reason to lose a run.
        metrics, remark = {}, f"could not be fitted: {str(error).splitlines()[0]}"
    return UsualResult(name, seed, is_random, metrics, time.perf_counter() - began, remark)


def _metrics(estimator: Any, splits: Splits) -> dict[str, float]:
    if splits.train.targets is not None:
        return _errors(estimator, splits)
    metrics = {}
    for part, rows in (("test", splits.test), ("validation", splits.validation)):
        if len(rows):
            own = estimator.predict_proba(rows.inputs)
            probabilities = np.zeros((len(rows), len(splits.class_names)))
            probabilities[:, estimator.classes_] = own
            true = probabilities[np.arange(len(rows)), rows.classes]
            smallest = np.finfo(np.float32).tiny
            metrics[f"{part}_loss"] = float(-np.log(np.maximum(true, smallest)).mean())
            metrics[f"{part}_accuracy"] = float(
                (own.argmax(1) == _places(estimator, rows.classes)).mean()
            )
    return metrics


def _errors(estimator: Any, splits: Splits) -> dict[str, float]:
    """Of a quantity, in its own unit; the loss is the squared error of the standardised target."""
    metrics = {}
    for part, rows in (("test", splits.test), ("validation", splits.validation)):
        if len(rows):
            predicted = estimator.predict(rows.inputs).astype(np.float64).ravel()
            metrics[f"{part}_loss"] = float(((predicted - rows.known) ** 2).mean())
            found = regression_metrics(splits.in_unit(predicted), splits.in_unit(rows.known))
            metrics |= {f"{part}_{name}": value for name, value in found.items()}
    return metrics


def _places(estimator: Any, classes: np.ndarray) -> np.ndarray:
    """Where classes stand among those that an estimator knows, -1 for none."""
    places = np.full(max(int(estimator.classes_.max()), int(classes.max())) + 1, -1)
    places[estimator.classes_] = np.arange(len(estimator.classes_))
    return places[classes]
