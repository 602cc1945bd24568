"""The trivial baseline: what is reached by always saying the most frequent class, or the mean."""

from __future__ import annotations

import math

from mlplab.declarations.task import METRICS, REGRESSION
from mlplab.records.results import Results
from mlplab.words import number

NAMES = {
    "classification": "class frequencies of the training rows",
    "regression": "mean of the training rows",
}
"""What is predicted for every row, by task."""


def trivial_baseline(results: Results, metric: str) -> float | None:
    """A metric of the trivial prediction on the test rows; None where no record has it.

    Fitted on training rows: of classes their frequencies there, so that the most frequent one is
    predicted; of a quantity its mean.
    """
    for run in results.runs:
        if results.study.networks[run.network].roles is not None or run.evaluation is None:
            continue
        value = (run.evaluation.baseline or {}).get(metric, math.nan)
        return value if math.isfinite(value) else None
    return None


def in_words(results: Results, metric: str, split: str = "test") -> str:
    """A sentence for a caption; empty where there is nothing to tell."""
    value = trivial_baseline(results, metric) if split == "test" else None
    if value is None:
        return ""
    what = (
        "the mean of the training rows"
        if results.study.task is REGRESSION
        else "the most frequent class"
    )
    told = number(value, metric)
    return f"Always predicting {what} comes to a test {METRICS[metric].title} of {told}."
