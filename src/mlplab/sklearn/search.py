"""A search over settings that trains all candidates on all folds together."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, ParameterSampler, check_cv
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, indexable

from mlplab.sklearn.estimators import MLP
from mlplab.sklearn.rows import PreparedRows
from mlplab.sklearn.training import Fit, train_together
from mlplab.trainer.recipe import TrainedNetwork

Params = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One setting on one fold, before it is trained."""

    params: int
    split: int
    estimator: Any
    fit: Fit


@dataclass(frozen=True, eq=False)
class _Measured:
    """What a candidate is worth on a fold."""

    candidate: _Candidate
    fit_time: float
    score_time: float
    scores: Mapping[str, Any]
    """Of "test" and perhaps "train" a score, or name → score; empty where training failed."""
    error_score: float = np.nan

    def score(self, part: str, name: str) -> float:
        if not self.scores:
            return self.error_score
        own = self.scores[part]
        return float(own[name] if isinstance(own, dict) else own)


def _delegated(name: str) -> Callable[[MLPSearchCV], bool]:
    def has(search: MLPSearchCV) -> bool:
        return hasattr(getattr(search, "best_estimator_", search.estimator), name)

    return has


class MLPSearchCV(MetaEstimatorMixin, BaseEstimator):
    """Choose settings of an mlplab estimator by cross-validation.

    As `GridSearchCV`, or with `n_iter` as `RandomizedSearchCV`; but the networks of all candidates,
    folds and seeds are trained together on all cores. What each of them is depends on no other.

    Args:
        estimator: an `MLPClassifier` or `MLPRegressor`.
        param_grid: name → values, or a list of such; with `n_iter` also distributions.
        n_iter: settings that are drawn; None for all of the grid.
        scoring: as in scikit-learn, one or several.
        cv: as in scikit-learn.
        refit: train the best on all rows; with several scorings the name of the one that decides,
            or a function of `cv_results_` that gives an index.
        error_score: the score of a candidate that diverged, or "raise".
        return_train_score: whether training rows are scored too.
        verbose: above 0, how far training is, is printed every two seconds.
        random_state: of the settings that are drawn.

    Attributes:
        cv_results_: as in scikit-learn; `mean_fit_time` are the seconds of training that fell to a
            candidate's networks.
        best_estimator_, best_params_, best_index_, best_score_: of the best.
        n_splits_, scorer_, multimetric_, refit_time_: as in scikit-learn.
    """

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        n_iter: int | None = None,
        scoring: Any = None,
        cv: Any = None,
        refit: bool | str | Callable[[dict[str, Any]], int] = True,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.n_iter = n_iter
        self.scoring = scoring
        self.cv = cv
        self.refit = refit
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> MLPSearchCV:
        """Try every candidate on every fold, and train the best on all rows.

        Raises:
            ValueError: rows, settings or folds that cannot be used.
        """
        if not isinstance(self.estimator, MLP):
            raise TypeError(
                "estimator: expected an MLPClassifier or MLPRegressor of mlplab, but received "
                f"{type(self.estimator).__name__}; these prepare rows by themselves, and for a "
                "pipeline there is GridSearchCV"
            )
        if y is None:
            raise ValueError("MLPSearchCV requires y to be passed, but the target y is None")
        X, y = indexable(X, y)
        self.scorer_ = check_scoring(self.estimator, scoring=self.scoring)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, groups))
        self.n_splits_ = len(splits)
        params = self._params()
        candidates = list(self._candidates(params, X, y, splits))
        networks = train_together([one.fit for one in candidates], self._teller(candidates))
        measured = [
            self._measure(one, own, X, y, splits[one.split])
            for one, own in zip(candidates, networks, strict=True)
        ]
        scored = next((one.scores["test"] for one in measured if one.scores), None)
        if scored is None:
            raise ValueError(
                f"all {len(measured)} fits diverged: expected a finite loss of some; "
                "try smaller learning rates"
            )
        self.multimetric_ = isinstance(scored, dict)
        names = list(scored) if isinstance(scored, dict) else ["score"]
        self.cv_results_ = _results(params, len(splits), measured, names, self._parts())
        if not self.multimetric_ or self.refit:
            self._choose(params, names, X, y)
        return self

    def _parts(self) -> tuple[str, ...]:
        return ("test", "train") if self.return_train_score else ("test",)

    def _teller(self, candidates: Sequence[_Candidate]) -> Callable[[int], None]:
        """Says how far training is, every two seconds at most, where `verbose` asks for it."""
        count = sum(len(one.fit.recipes) for one in candidates)
        started = told = time.perf_counter()

        def tell(trained: int) -> None:
            nonlocal told
            now = time.perf_counter()
            if self.verbose and (now - told >= 2 or trained == count):
                told = now
                print(f"{trained} of {count} networks trained, {now - started:.0f} s", flush=True)

        return tell

    def _params(self) -> list[Params]:
        if self.n_iter is None:
            return list(ParameterGrid(self.param_grid))
        return list(ParameterSampler(self.param_grid, self.n_iter, random_state=self.random_state))

    def _candidates(
        self, params: Sequence[Params], X: Any, y: Any, splits: Sequence[Any]
    ) -> Iterator[_Candidate]:
        for split, (train, _) in enumerate(splits):
            prepared: dict[Any, PreparedRows] = {}
            checked = None
            for number, own in enumerate(params):
                estimator = clone(self.estimator).set_params(**clone(own, safe=False))
                rows = _safe_indexing(X, train), _safe_indexing(y, train)
                if checked is None:
                    checked = estimator._check(*rows)
                    first = estimator
                else:
                    estimator._take_check(first)
                yield _Candidate(number, split, estimator, estimator._fit_on(checked, prepared))

    def _measure(
        self, one: _Candidate, networks: list[TrainedNetwork], X: Any, y: Any, split: Any
    ) -> _Measured:
        """Scores and seconds of a candidate on a fold."""
        seconds = sum(network.seconds for network in networks)
        started = time.perf_counter()
        try:
            one.estimator._keep(one.fit, networks)
        except ValueError as error:
            if self.error_score == "raise":
                raise
            warnings.warn(
                f"{error}; its score is {self.error_score}", FitFailedWarning, stacklevel=3
            )
            return _Measured(one, seconds, 0.0, {}, float(self.error_score))
        rows = {"test": split[1], "train": split[0]}
        scores = {
            part: self.scorer_(
                one.estimator, _safe_indexing(X, rows[part]), _safe_indexing(y, rows[part])
            )
            for part in self._parts()
        }
        return _Measured(one, seconds, time.perf_counter() - started, scores)

    def _choose(self, params: Sequence[Params], names: Sequence[str], X: Any, y: Any) -> None:
        if callable(self.refit):
            self.best_index_ = int(self.refit(self.cv_results_))
        else:
            if self.multimetric_ and self.refit not in names:
                raise ValueError(
                    f"refit: expected one of {names}, False or a function, "
                    f"as there are several scorings, but received {self.refit!r}"
                )
            name = self.refit if self.multimetric_ else "score"
            self.best_index_ = int(self.cv_results_[f"rank_test_{name}"].argmin())
            self.best_score_ = self.cv_results_[f"mean_test_{name}"][self.best_index_]
        self.best_params_ = params[self.best_index_]
        if self.refit:
            started = time.perf_counter()
            self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_)
            self.best_estimator_.fit(X, y)
            self.refit_time_ = time.perf_counter() - started

    @property
    def classes_(self) -> np.ndarray:
        """The classes of the best estimator."""
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """The features that it was fitted on."""
        return self.best_estimator_.n_features_in_

    def predict(self, X: Any) -> np.ndarray:
        """As the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @available_if(_delegated("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """As the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict_proba(X)

    def score(self, X: Any, y: Any) -> float:
        """The best estimator's score by `scoring`, of several by the one named in `refit`."""
        check_is_fitted(self, "best_estimator_")
        score = self.scorer_(self.best_estimator_, X, y)
        return score[self.refit] if isinstance(score, dict) else score

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags, tags.regressor_tags = own.classifier_tags, own.regressor_tags
        tags.target_tags, tags.input_tags = own.target_tags, own.input_tags
        return tags


def _results(
    params: Sequence[Params],
    splits: int,
    measured: Sequence[_Measured],
    names: Sequence[str],
    parts: Sequence[str],
) -> dict[str, Any]:
    """`cv_results_` as scikit-learn documents it."""

    def table(value: Callable[[_Measured], float]) -> np.ndarray:
        """(candidate, split)"""
        values = np.empty((len(params), splits))
        for one in measured:
            values[one.candidate.params, one.candidate.split] = value(one)
        return values

    results: dict[str, Any] = {}
    for name in ("fit_time", "score_time"):
        seconds = table(attrgetter(name))
        results[f"mean_{name}"], results[f"std_{name}"] = seconds.mean(1), seconds.std(1)
    for key in sorted({key for own in params for key in own}):
        column = np.ma.masked_all(len(params), dtype=object)
        for number, own in enumerate(params):
            if key in own:
                column[number] = own[key]
        results[f"param_{key}"] = column
    results["params"] = list(params)
    for part, scoring in product(parts, names):
        scores = table(methodcaller("score", part, scoring))
        name = f"{part}_{scoring}"
        results |= {f"split{split}_{name}": scores[:, split] for split in range(splits)}
        results[f"mean_{name}"], results[f"std_{name}"] = scores.mean(1), scores.std(1)
        if part == "test":
            mean = np.nan_to_num(results[f"mean_{name}"], nan=-np.inf)
            results[f"rank_{name}"] = rankdata(-mean, method="min").astype(np.int32)
    return results
