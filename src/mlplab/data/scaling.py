"""Scaling of inputs, fitted on training rows only, so that no test row touches what is learned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.declarations.data import Scaling

if TYPE_CHECKING:
    from sklearn.preprocessing import QuantileTransformer

_BLOCK = 8192
"""Rows that are worked on in float64 at once, to keep memory near that of the result."""


@dataclass(frozen=True, eq=False)
class FittedScaling:
    """scaled = (value − shift) / divisor, in float64 for tables, in float32 for bytes; then, where
    asked for, drawn in smoothly or put through each column's quantiles."""

    shift: np.ndarray
    """(feature,) or () float64."""
    divisor: np.ndarray
    """(feature,) or () float64; infinite for a column that is constant on training rows, which
    makes it 0 everywhere."""
    drawn_in: np.ndarray | None = None
    """(feature,) bool: s becomes s / √(1 + (s/3)²), which never leaves ±3."""
    quantiles: np.ndarray | None = None
    """(quantile, feature) float64, ascending, whose ranks become those of a normal distribution;
    NaN for a feature that is left as it is."""

    def identity(self, inputs_digest: str) -> str:
        """Equal exactly if the scaled inputs are."""
        digest = hashlib.sha256(inputs_digest.encode())
        for part in (self.shift, self.divisor):
            digest.update(part.astype("<f8").tobytes())
        for more in (self.drawn_in, self.quantiles):
            if more is not None:
                digest.update(f"{more.shape}".encode() + more.astype("<f8").tobytes())
        return digest.hexdigest()

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Scale inputs (row, feature) to float32 (row, feature)."""
        if inputs.dtype == np.uint8 and self.divisor.ndim == 0:
            # The report's x / 255 in float32, to the bit.
            return np.divide(inputs, np.float32(self.divisor), dtype=np.float32)
        scaled = np.empty(inputs.shape, np.float32)
        for start in range(0, len(inputs), _BLOCK):
            block = inputs[start : start + _BLOCK].astype(np.float64)
            scaled[start : start + _BLOCK] = self._scaled(block)
        return scaled

    def _scaled(self, block: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (block - self.shift) / self.divisor
        if self.drawn_in is not None:
            smooth = scaled / np.sqrt(1 + (scaled / 3) ** 2)
            scaled = np.where(self.drawn_in, smooth, scaled)
        if self.quantiles is not None:
            its = ~np.isnan(self.quantiles[0])
            if its.any():
                scaled[:, its] = _by_quantiles(self.quantiles[:, its]).transform(block[:, its])
        return scaled


def _by_quantiles(quantiles: np.ndarray) -> QuantileTransformer:
    """scikit-learn's transformer with quantiles that were fitted before."""
    from sklearn.preprocessing import QuantileTransformer

    transformer = QuantileTransformer(
        n_quantiles=len(quantiles), output_distribution="normal", subsample=None
    )
    transformer.quantiles_ = quantiles
    transformer.references_ = np.linspace(0, 1, len(quantiles))
    transformer.n_quantiles_ = len(quantiles)
    transformer.n_features_in_ = quantiles.shape[1]
    return transformer


def default_scaling(dataset: Dataset) -> Scaling:
    """Unit where the largest possible value is known (images of bytes), standard for tables."""
    return "standard" if dataset.largest is None else "unit"


def fit_scaling(scaling: Scaling, dataset: Dataset, train_rows: np.ndarray) -> FittedScaling:
    """Find how a dataset is scaled, from its training rows.

    unit: divided by the largest value that an input can have, which is 255 for bytes and 16 for
    the digits; in a table, where none is known, each column's range on training rows becomes 0 to
    1, and images of other numbers share one range.
    others: see `fit_columns`.
    """
    if scaling == "none":
        return FittedScaling(np.array(0.0), np.array(1.0))
    if scaling == "unit" and dataset.largest is not None:
        return FittedScaling(np.array(0.0), np.array(dataset.largest))
    return fit_columns(
        scaling, dataset.inputs[train_rows], one_range=dataset.image_shape is not None
    )


def fit_columns(scaling: Scaling, rows: np.ndarray, *, one_range: bool = False) -> FittedScaling:
    """Find the scaling of columns from rows (row, feature), none of which is missing.

    unit, minmax: each column's range becomes 0 to 1; with `one_range` unit takes one for all.
    standard: every column has mean 0 and standard deviation 1 (of the population).
    robust: median 0, quartiles 1 apart (where they are equal, the range 2), drawn in to ±3, as
    RealMLP does (Holzmüller, Grinsztajn and Steinwart, NeurIPS 2024).
    quantile: each column's ranks become those of a normal distribution, by at most 1,000 quantiles.
    """
    low = rows.min(axis=0).astype(np.float64)
    high = rows.max(axis=0).astype(np.float64)
    if scaling in ("unit", "minmax"):
        if one_range and scaling == "unit":
            low, high = low.min(keepdims=True), high.max(keepdims=True)
        return FittedScaling(low, _or_infinite(high - low, low == high))
    if scaling == "robust":
        first, median, third = np.quantile(rows, (0.25, 0.5, 0.75), axis=0)
        between = np.where(third > first, third - first, (high - low) / 2)
        return FittedScaling(
            median, _or_infinite(between, low == high), np.ones(rows.shape[1], dtype=bool)
        )
    if scaling == "quantile":
        from sklearn.preprocessing import QuantileTransformer

        fitted = QuantileTransformer(
            n_quantiles=min(1000, len(rows)), output_distribution="normal", subsample=None
        ).fit(rows.astype(np.float64))
        quantiles = np.where(low == high, np.nan, fitted.quantiles_)
        return FittedScaling(low, np.full(rows.shape[1], np.inf), None, quantiles)
    mean, deviation = _moments(rows)
    return FittedScaling(mean, _or_infinite(deviation, low == high))


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation of each column, in float64, in two passes."""
    mean = rows.mean(axis=0, dtype=np.float64)
    squares = np.zeros_like(mean)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64) - mean
        squares += np.einsum("rf,rf->f", block, block)
    return mean, np.sqrt(squares / len(rows))


def _or_infinite(divisor: np.ndarray, constant: np.ndarray) -> np.ndarray:
    return np.where(constant | (divisor == 0), np.inf, divisor)
