"""How a page turns a drawing, or the fields of a table, into a network's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlplab.data.columns import Column
from mlplab.data.dataset import Dataset
from mlplab.data.expansion import Expansion
from mlplab.data.fitted import Preparation
from mlplab.declarations.data import Data, KnownData
from mlplab.report.try_it.reduced import packed

MOST_FIELDS = 60
"""Columns of a table for which a page has a field each."""
MOST_CATEGORIES = 500
_SHOWN_RANGE = (0.01, 0.99)
"""Quantiles of a column between which the page shows how the answer moves."""


def scaling_of(preparation: Preparation) -> Mapping[str, Any] | None:
    """What is done to each feature; None of a set of images whose quantiles would fill the page."""
    fitted = preparation.scaling
    if fitted.quantiles is not None and preparation.columns is None:
        return None
    record: dict[str, Any] = {
        "shift": packed(np.atleast_1d(fitted.shift).astype(np.float64)),
        "divisor": packed(np.atleast_1d(fitted.divisor).astype(np.float64)),
    }
    if fitted.drawn_in is not None:
        record["drawn_in"] = np.atleast_1d(fitted.drawn_in).astype(int).tolist()
    if fitted.quantiles is not None:
        record["quantiles"] = packed(np.ascontiguousarray(fitted.quantiles.T))
    return record


def image_of(declaration: Data, dataset: Dataset, rows: np.ndarray) -> Mapping[str, Any] | None:
    """How a drawing becomes an image of the set; None of a set that has no images of bytes.

    rows: of the training images.
    """
    if dataset.image_shape is None or dataset.inputs.dtype != np.uint8:
        return None
    known = declaration.name if isinstance(declaration, KnownData) else ""
    height, width = dataset.image_shape
    images = dataset.inputs[rows[:2000]].reshape(-1, height, width)
    edge = np.concatenate([images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel()])
    largest = dataset.largest or 255.0
    return {
        "height": height,
        "width": width,
        "largest": largest,
        "preparation": known if known in ("mnist", "digits") else "plain",
        "bright": bool(np.median(edge) > largest / 2),
    }


def fields_of(
    preparation: Preparation, dataset: Dataset, rows: np.ndarray
) -> list[Mapping[str, Any]] | None:
    """A field for each column of a table; None where a page has no room for them.

    What a field begins with is the middle of its column on training rows, of nobody's row.
    """
    columns = preparation.columns
    if columns is None or len(columns) > MOST_FIELDS:
        return None
    if any(len(column.categories) > MOST_CATEGORIES for column in columns):
        return None
    fields, part = [], 0
    for column in columns:
        parts = slice(part, part + len(column.parts))
        fields.append(_field(column, preparation.expansion, part, dataset.inputs[rows][:, parts]))
        part = parts.stop
    return fields


def _field(
    column: Column, expansion: Expansion | None, first: int, values: np.ndarray
) -> Mapping[str, Any]:
    """A column as its field: kind, range, what it begins with, and how it becomes features."""
    field: dict[str, Any] = {"name": column.name, "kind": column.kind, "parts": []}
    for part in range(first, first + len(column.parts)):
        categories = None if expansion is None else expansion.categories[part]
        field["parts"].append(
            {
                "fill": 0.0 if expansion is None else float(expansion.fill[part]),
                "indicated": expansion is not None and bool(expansion.indicated[part]),
                "categories": None
                if categories is None
                else [None if np.isnan(c) else int(c) for c in categories],
            }
        )
    held = values[~np.isnan(values[:, 0]), 0]
    field["missing"] = len(held) < len(values)
    if column.categories:
        numbers, counts = np.unique(held[held >= 0], return_counts=True)
        field["options"] = list(column.categories)
        field["begin"] = int(numbers[counts.argmax()]) if len(numbers) else None
    elif len(held):
        low, begin, high = np.quantile(held, [_SHOWN_RANGE[0], 0.5, _SHOWN_RANGE[1]])
        if low == high:
            low, high = held.min(), held.max()
        whole = bool((held == np.rint(held)).all())
        field |= {"low": float(low), "high": float(high), "whole": whole}
        field["begin"] = float(np.rint(begin)) if whole else float(f"{begin:.4g}")
    else:
        field |= {"low": 0.0, "high": 1.0, "whole": False, "begin": None}
    if column.kind == "date":
        field["has_day"], field["has_time"] = len(column.parts) >= 5, len(column.parts) in (2, 7)
    return field
