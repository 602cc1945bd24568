"""The evaluation of a run as it is recorded, of either task."""

from __future__ import annotations

from mlplab.metrics.classification import Evaluation
from mlplab.metrics.regression import RegressionEvaluation

AnyEvaluation = Evaluation | RegressionEvaluation


def evaluation_from_json(text: str) -> AnyEvaluation:
    """Read what `to_json` of either wrote."""
    if text.startswith('{"target_name"'):
        return RegressionEvaluation.from_json(text)
    return Evaluation.from_json(text)
