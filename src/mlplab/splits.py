"""The rows that networks learned from and were tested on, and other estimators on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.data.preparation import prepare
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.study import Study
from mlplab.metrics.regression import regression_metrics


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows, as a network is given them."""

    inputs: np.ndarray
    """(row, feature) float32, scaled as in training."""
    classes: np.ndarray
    """(row,) int64, an index into the class names; of a quantity all 0."""
    targets: np.ndarray | None = None
    """(row,) float32 of a quantity: mean 0 and standard deviation 1 on training rows."""

    @property
    def known(self) -> np.ndarray:
        """(row,) what is to be predicted: classes, or the standardised quantity."""
        return self.classes if self.targets is None else self.targets

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"Part({len(self)} rows × {self.inputs.shape[1]} features)"


@dataclass(frozen=True)
class Splits:
    """How a network's data were divided."""

    train: Part
    """Without the validation rows."""
    validation: Part
    """Without rows where the study keeps none apart."""
    test: Part
    class_names: tuple[str, ...]
    """Of a quantity its name."""
    target_mean: float = 0.0
    target_std: float = 1.0
    """Of a quantity: targets times this and plus the mean have its own unit."""

    def in_unit(self, standardised: np.ndarray) -> np.ndarray:
        """(row,) float64: a standardised quantity in its own unit."""
        return standardised.astype(np.float64) * self.target_std + self.target_mean


@dataclass(frozen=True)
class Baseline:
    """What another estimator did on the rows of a network."""

    name: str
    metrics: Mapping[str, float]
    """By split and metric, as in a summary: test_accuracy; of a quantity test_rmse and the others,
    in its own unit. NaN where there are no rows."""
    seconds: float
    """Of fitting."""
    estimator: Any
    """The fitted one; of a quantity it predicts standardised targets."""

    @property
    def train_accuracy(self) -> float:
        """On training rows, of a classifier."""
        return self.metrics["train_accuracy"]

    @property
    def validation_accuracy(self) -> float:
        """NaN where there are no validation rows."""
        return self.metrics["validation_accuracy"]

    @property
    def test_accuracy(self) -> float:
        """On test rows, of a classifier."""
        return self.metrics["test_accuracy"]


def splits_of(study: Study, network: str, seed: int | None = None) -> Splits:
    """Prepare the data of a network again, as it was given them.

    seed: of which repetition, where the data are split repeatedly; None for the first.

    Raises:
        BadInput: the data can no longer be read.
    """
    declared = study.networks[network]
    split = declared.data_of(declared.seeds[0] if seed is None else seed)
    data = prepare(split, study.folder, lambda line: None, declared.roles)

    def part(rows: np.ndarray) -> Part:
        targets = None if data.targets is None else data.targets[rows]
        return Part(data.inputs[rows], data.label_map[data.labels[rows]], targets)

    # Rows of no known class, which some open-set networks train on, are no row of a classifier.
    known = data.label_map[data.labels[data.train_rows]] >= 0
    return Splits(
        part(data.train_rows[known]),
        part(data.validation_rows),
        part(data.test_rows),
        data.class_names,
        data.preparation.target_mean,
        data.preparation.target_std,
    )


def baseline_on(splits: Splits, estimator: Any) -> Baseline:
    """Fit a copy of a scikit-learn estimator to the training rows, and measure it on each part.

    Raises:
        BadInput: it is no estimator with `fit` and `predict`.
    """
    from sklearn.base import clone

    is_quantity = splits.train.targets is not None

    if isinstance(estimator, type) or not all(
        hasattr(estimator, name) for name in ("fit", "predict", "get_params")
    ):
        raise BadInput(
            Problem(
                "estimator",
                expected="a scikit-learn regressor, for example LinearRegression()"
                if is_quantity
                else "a scikit-learn classifier, for example LogisticRegression()",
                received=repr(estimator),
            )
        )
    fitted = clone(estimator)
    began = time.perf_counter()
    fitted.fit(splits.train.inputs, splits.train.known)
    seconds = time.perf_counter() - began

    def measured(part: Part) -> dict[str, float]:
        if not len(part):
            return dict.fromkeys(("rmse", "mae", "r2") if is_quantity else ("accuracy",), np.nan)
        predicted = np.asarray(fitted.predict(part.inputs))
        if part.targets is None:
            return {"accuracy": float(np.mean(predicted == part.classes))}
        return regression_metrics(splits.in_unit(predicted.ravel()), splits.in_unit(part.targets))

    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    metrics = {
        f"{split}_{metric}": value
        for split, part in parts.items()
        for metric, value in measured(part).items()
    }
    return Baseline(type(estimator).__name__, metrics, seconds, fitted)
