"""What a network is to do: tell classes apart, or predict a quantity; and how well that is measured.

Whatever is general asks the task: which metrics there are, which way each is better, in what unit
it is, and between which bounds. How a metric is computed stands in `metrics/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TaskName = Literal["classification", "regression"]
MetricName = Literal[
    "accuracy",
    "loss",
    "softmaxed_loss",
    "balanced_accuracy",
    "log_loss",
    "brier_score",
    "auroc",
    "average_precision",
    "macro_f1",
    "rmse",
    "mae",
    "r2",
    "pinball_loss",
]
Unit = Literal["fraction", "nats", "target", "none"]
"""fraction: of rows, told in points; target: the unit of what is predicted."""


@dataclass(frozen=True)
class Metric:
    """One number that says how good a network is on some rows."""

    name: MetricName
    title: str
    """As it stands in a sentence and on an axis."""
    unit: Unit
    higher_is_better: bool
    low: float | None = 0.0
    high: float | None = None
    """Between which it lies; None where there is no such bound."""
    is_always_measured: bool = False
    """Whether every evaluation measures it, on the whole stack; the others are measured at the end,
    and at every evaluation of networks whose `training.metrics` name them."""

    @property
    def is_fraction(self) -> bool:
        """Whether it is told in points, and lies between 0 and 1."""
        return self.unit == "fraction"

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: the metric times this is to be as high as can be."""
        return 1 if self.higher_is_better else -1


@dataclass(frozen=True)
class Task:
    """What there is to predict, with its metrics."""

    name: TaskName
    main: MetricName
    """By which networks are ranked and chosen where nothing else is said."""
    metrics: Mapping[str, Metric]
    """By name, the main one first."""

    @property
    def measured_on_request(self) -> tuple[MetricName, ...]:
        """The metrics that only the end, or a network that names them, has."""
        return tuple(m.name for m in self.metrics.values() if not m.is_always_measured)


def _by_name(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


CLASSIFICATION = Task(
    name="classification",
    main="accuracy",
    metrics=_by_name(
        Metric("accuracy", "accuracy", "fraction", True, 0, 1, is_always_measured=True),
        Metric("loss", "cross-entropy loss", "nats", False, is_always_measured=True),
        Metric(
            "softmaxed_loss", "cross-entropy after a second softmax", "nats", False,
            is_always_measured=True,
        ),
        Metric("balanced_accuracy", "balanced accuracy", "fraction", True, 0, 1),
        Metric("log_loss", "log loss", "nats", False),
        Metric("brier_score", "Brier score", "none", False, 0, 2),
        Metric("auroc", "AUROC", "fraction", True, 0, 1),
        Metric("average_precision", "average precision", "fraction", True, 0, 1),
        Metric("macro_f1", "macro F1", "fraction", True, 0, 1),
    ),
)  # fmt: skip
REGRESSION = Task(
    name="regression",
    main="rmse",
    metrics=_by_name(
        Metric("rmse", "RMSE", "target", False, is_always_measured=True),
        Metric("loss", "squared error of the standardised target", "none", False,
               is_always_measured=True),
        Metric("mae", "mean absolute error", "target", False, is_always_measured=True),
        Metric("r2", "R²", "none", True, None, 1, is_always_measured=True),
        Metric("pinball_loss", "pinball loss", "target", False, is_always_measured=True),
    ),
)  # fmt: skip
TASKS: dict[str, Task] = {task.name: task for task in (CLASSIFICATION, REGRESSION)}
METRICS: dict[str, Metric] = {**REGRESSION.metrics, **CLASSIFICATION.metrics}
"""Every metric by its name; "loss" is in both tasks, with the same direction."""
