"""A model written as ONNX, and held against its own answers by onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mlplab.data.columns import Column, words_of
from mlplab.declarations.problems import refuse
from mlplab.model.model import Model
from mlplab.model.onnx_graph import graph_of, input_name
from mlplab.records.atomic import replacing, writable

_ROWS_AT_ONCE = 10_000
_INSTALL = "pip install 'mlplab[onnx]'"
_NO_CATEGORY = "a category that no table has"


def export_onnx(model: Model, path: Path, rows: Any) -> float:
    """Write a model as ONNX, run it by onnxruntime, and hold it against the model's own answers.

    Args:
        rows: what `Model.predict` takes, for the comparison.

    Returns:
        The largest difference of a probability (of regression, of a value in units of the target's
        standard deviation); it also stands in the file, as `largest_difference`.

    Raises:
        BadInput: onnx or onnxruntime is not installed, the model has a part that ONNX lacks, or
            the file cannot be written.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError:
        refuse(
            "--onnx",
            expected="onnx and onnxruntime",
            received="a Python without them",
            hint=_INSTALL,
        )
    made = graph_of(model)
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    difference = _largest_difference(model, session, rows)
    facts = {"largest_difference": f"{difference:.3g}", "mlplab": json.dumps(dict(model.facts))}
    onnx.helper.set_model_props(made, facts)
    with writable(path), replacing(path) as temporary:
        temporary.write_bytes(made.SerializeToString())
    return difference


def feeds(model: Model, rows: Any) -> dict[str, np.ndarray]:
    """What an onnxruntime session of the exported model is fed for rows as `Model.predict` takes.

    Args:
        rows: a frame with the columns of the table, or numbers (row, feature).
    """
    preparation = model.preparation
    if preparation.columns is None:
        inputs = np.asarray(rows).reshape(len(rows), -1)
        return {"inputs": inputs.astype(np.float32 if preparation.of_bytes else np.float64)}
    if hasattr(rows, "columns"):
        from mlplab.data.sources.frames import cells_of

        named = {str(name).strip(): rows[name] for name in rows.columns}
        return {
            input_name(column): _of_cells(column, cells_of(named[column.name]))
            for column in preparation.columns
        }
    fed, place = {}, 0
    for column in preparation.columns:
        parts = np.asarray(rows, np.float64)[:, place : place + len(column.parts)]
        fed[input_name(column)] = _of_numbers(column, parts)
        place += len(column.parts)
    return fed


def _of_cells(column: Column, cells: Any) -> np.ndarray:
    if column.categories or column.kind == "category":
        return np.array(words_of(cells), dtype=object)[:, None]
    return _of_numbers(column, column.encode(cells)[0])


def _of_numbers(column: Column, parts: np.ndarray) -> np.ndarray:
    """An input from the numbers (row, part) that the column's cells became."""
    if column.categories or column.kind == "category":
        words = (*column.categories, _NO_CATEGORY)  # the last for -1
        return np.array(["" if c != c else words[int(c)] for c in parts[:, 0]], object)[:, None]
    # Of a time without a day there is its angle alone; else days come first.
    if column.kind == "date" and len(column.parts) == 2:
        return np.asarray((np.arctan2(parts[:, :1], parts[:, 1:]) / (2 * np.pi)) % 1)
    return parts[:, :1]


def _largest_difference(model: Model, session: Any, rows: Any) -> float:
    largest = 0.0
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        fed = feeds(model, part)
        if model.is_regression:
            (values,) = session.run(["value"], fed)
            own = model.predict(part)
            gap = np.abs(values[:, 0] - own) / model.preparation.target_std
        else:
            (probabilities,) = session.run(["probabilities"], fed)
            gap = np.abs(probabilities - model.predict_proba(part))
        largest = max(largest, float(gap.max()))
    return largest
