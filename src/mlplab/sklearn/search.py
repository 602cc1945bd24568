"""A search over settings that trains all candidates on all folds together."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> MLPSearchCV:
        """Try every candidate on every fold, and train the best on all rows.

        Raises:
            ValueError: rows, settings or folds that cannot be used.
        """
        X, y = indexable(X, y)
        scorer = check_scoring(self.estimator, scoring=self.scoring)
        self.multimetric_ = not callable(self.scoring) and not (
            self.scoring is None or isinstance(self.scoring, str)
        )
        self.scorer_ = scorer
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, groups))
        self.n_splits_ = len(splits)
        params = self._params()
        candidates = list(self._candidates(params, X, y, splits))
        networks = train_together([one.fit for one in candidates])
        measured = [
            self._measure(one, own, X, y, splits[one.split])
            for one, own in zip(candidates, networks, strict=True)
        ]
        self.cv_results_ = _results(params, len(splits), measured)
        if not self.multimetric_ or self.refit:
            self._choose(params, X, y)
        return self

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
    ) -> dict[str, Any]:
        """Scores and seconds of a candidate on a fold."""
        found: dict[str, Any] = {"params": one.params, "split": one.split}
        found["fit_time"] = sum(network.seconds for network in networks)
        started = time.perf_counter()
        try:
            one.estimator._keep(one.fit, networks)
        except ValueError as error:
            if self.error_score == "raise":
                raise
            warnings.warn(
                f"{error}; its score is {self.error_score}", FitFailedWarning, stacklevel=3
            )
            scores = {"test": None, "train": None}
        else:
            scores = {
                name: self.scorer_(one.estimator, _safe_indexing(X, rows), _safe_indexing(y, rows))
                for name, rows in (("test", split[1]), ("train", split[0]))
                if name == "test" or self.return_train_score
            }
        found["score_time"] = time.perf_counter() - started
        for part, score in scores.items():
            if part == "train" and not self.return_train_score:
                continue
            if score is None:
                names = self.scorer_._scorers if self.multimetric_ else ["score"]
                score = {name: float(self.error_score) for name in names}
            by_name = score if isinstance(score, dict) else {"score": score}
            found |= {f"{part}_{name}": float(value) for name, value in by_name.items()}
        return found

    def _choose(self, params: Sequence[Params], X: Any, y: Any) -> None:
        if callable(self.refit):
            self.best_index_ = int(self.refit(self.cv_results_))
        else:
            if self.multimetric_ and self.refit not in self.scorer_._scorers:
                raise ValueError(
                    f"refit: expected one of {list(self.scorer_._scorers)}, False or a function, "
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
    params: Sequence[Params], splits: int, measured: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """`cv_results_` as scikit-learn documents it."""
    results: dict[str, Any] = {}
    table: dict[str, np.ndarray] = defaultdict(lambda: np.full((len(params), splits), np.nan))
    for one in measured:
        for name, value in one.items():
            if name not in ("params", "split"):
                table[name][one["params"], one["split"]] = value
    for name in ("fit_time", "score_time"):
        results[f"mean_{name}"], results[f"std_{name}"] = table[name].mean(1), table[name].std(1)
    for key in sorted({key for own in params for key in own}):
        column = np.ma.masked_all(len(params), dtype=object)
        for number, own in enumerate(params):
            if key in own:
                column[number] = own[key]
        results[f"param_{key}"] = column
    results["params"] = list(params)
    for name, scores in table.items():
        if name.endswith("_time"):
            continue
        results |= {f"split{split}_{name}": scores[:, split] for split in range(splits)}
        results[f"mean_{name}"], results[f"std_{name}"] = scores.mean(1), scores.std(1)
        if name.startswith("test_"):
            mean = np.nan_to_num(results[f"mean_{name}"], nan=-np.inf)
            results[f"rank_{name}"] = rankdata(-mean, method="min").astype(np.int32)
    return results
