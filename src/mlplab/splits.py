"""The rows that networks learned from and were tested on, and other classifiers on the same rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.data.preparation import prepare
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.study import Study


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows, as a network is given them."""

    inputs: np.ndarray
    """(row, feature) float32, scaled as in training."""
    classes: np.ndarray
    """(row,) int64, an index into the class names."""

    def __len__(self) -> int:
        return len(self.classes)

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


@dataclass(frozen=True)
class Baseline:
    """What another classifier did on the rows of a network."""

    name: str
    train_accuracy: float
    validation_accuracy: float
    """NaN where there are no validation rows."""
    test_accuracy: float
    seconds: float
    """Of fitting."""
    estimator: Any
    """The fitted classifier."""


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
        return Part(data.inputs[rows], data.label_map[data.labels[rows]])

    # Rows of no known class, which some open-set networks train on, are no row of a classifier.
    known = data.label_map[data.labels[data.train_rows]] >= 0
    return Splits(
        part(data.train_rows[known]),
        part(data.validation_rows),
        part(data.test_rows),
        data.class_names,
    )


def baseline_on(splits: Splits, estimator: Any) -> Baseline:
    """Fit a copy of a scikit-learn classifier to the training rows, and measure it on each part.

    Raises:
        BadInput: it is no classifier with `fit` and `predict`.
    """
    from sklearn.base import clone

    if isinstance(estimator, type) or not all(
        hasattr(estimator, name) for name in ("fit", "predict", "get_params")
    ):
        raise BadInput(
            Problem(
                "estimator",
                expected="a scikit-learn classifier, for example LogisticRegression()",
                received=repr(estimator),
            )
        )
    fitted = clone(estimator)
    began = time.perf_counter()
    fitted.fit(splits.train.inputs, splits.train.classes)
    seconds = time.perf_counter() - began

    def accuracy(part: Part) -> float:
        return float(np.mean(fitted.predict(part.inputs) == part.classes)) if len(part) else np.nan

    return Baseline(
        type(estimator).__name__,
        accuracy(splits.train),
        accuracy(splits.validation),
        accuracy(splits.test),
        seconds,
        fitted,
    )
