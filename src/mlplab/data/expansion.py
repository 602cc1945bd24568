"""Columns of a table as features: categories one-hot, missing numbers filled in and indicated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.data.columns import Column


@dataclass(frozen=True, eq=False)
class Expansion:
    """How the numbers of a table, some of them missing, become features, all of them there.

    The features of each part of a column stand together: a number, then whether it was missing
    where that occurs in training; or one for each category that occurs in training, a missing one
    too. A category that does not occur there has none of them.
    """

    fill: np.ndarray
    """(part,) float64: the median of a number on training rows, which a missing one becomes."""
    indicated: np.ndarray
    """(part,) bool: whether there is a feature for a missing number."""
    categories: tuple[np.ndarray | None, ...]
    """(part,): the numbers of the categories that have a feature, NaN for a missing one; None for
    a part that is a number."""

    @property
    def is_needed(self) -> bool:
        """Whether features differ from parts."""
        return bool(self.indicated.any()) or any(c is not None for c in self.categories)

    @property
    def scaled(self) -> np.ndarray:
        """(feature,) bool: numbers, which are scaled; the others are 0 or 1."""
        flags: list[bool] = []
        for part, categories in enumerate(self.categories):
            if categories is None:
                flags += [True, False] if self.indicated[part] else [True]
            else:
                flags += [False] * len(categories)
        return np.array(flags, dtype=bool)

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Features (row, feature) float64 of parts (row, part) float64."""
        missing = np.isnan(inputs)
        features: list[np.ndarray] = []
        for part, categories in enumerate(self.categories):
            its = inputs[:, part]
            if categories is None:
                features.append(np.where(missing[:, part], self.fill[part], its))
                if self.indicated[part]:
                    features.append(missing[:, part].astype(np.float64))
            else:
                for category in categories:
                    same = missing[:, part] if np.isnan(category) else its == category
                    features.append(same.astype(np.float64))
        return np.column_stack(features) if features else np.empty((len(inputs), 0))

    def identity(self, inputs_digest: str) -> str:
        """Equal exactly if the features are."""
        digest = hashlib.sha256(inputs_digest.encode())
        for array in (self.fill, self.indicated, *self.categories):
            digest.update(b"number" if array is None else array.astype("<f8").tobytes() + b"|")
        return digest.hexdigest()


def fit_expansion(columns: Sequence[Column], rows: np.ndarray) -> Expansion:
    """Find medians and categories from training rows (row, part), NaN where a value is missing."""
    categorical = np.array([c.kind == "category" for c in columns for _ in c.parts], dtype=bool)
    missing = np.isnan(rows)
    whole = ~missing.any(axis=0)
    fill = np.zeros(rows.shape[1])
    fill[whole] = np.median(rows[:, whole], axis=0)
    categories: list[np.ndarray | None] = [None] * rows.shape[1]
    for part in np.flatnonzero(categorical | ~whole).tolist():
        held = rows[~missing[:, part], part]
        if categorical[part]:
            seen = np.unique(held[held >= 0])
            categories[part] = seen if whole[part] else np.append(seen, np.nan)
            fill[part] = 0.0
        elif len(held):
            fill[part] = np.median(held)
    indicated = ~whole & ~categorical
    return Expansion(fill, indicated, tuple(categories))
