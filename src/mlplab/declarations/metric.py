"""What a question measures of every run: one number, or a time that may never come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag, create_model

from mlplab.declarations.base import Count, Declaration
from mlplab.declarations.open_set_measures import MEASURES, OpenSetMeasure, measure_named
from mlplab.declarations.task import METRICS, MetricName
from mlplab.declarations.task import Metric as TaskMetric

Split = Literal["test", "validation", "batch", "train"]
CurveSplit = Literal["test", "validation", "batch"]
"""Splits that are measured all along; the whole training set is measured at the end alone."""


class FinalMetric(Declaration):
    """The value at the last step, of the weights that are kept."""

    final: MetricName
    """What is measured: any metric of the task, such as accuracy, loss, auroc, rmse or r2."""
    split: Split = "test"
    """The rows: the test or validation part, the last batch, or all training rows."""


class BestMetric(Declaration):
    """The best value of all evaluations: the highest accuracy, the lowest loss or RMSE."""

    best: MetricName
    """What is measured: any metric of the task, such as accuracy, loss, auroc, rmse or r2."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


class AtStepMetric(Declaration):
    """The value after so many steps."""

    at_step: Count
    """A step that is evaluated; a run that stopped early keeps its last value."""
    value: MetricName
    """What is measured: any metric of the task, such as accuracy, loss, auroc, rmse or r2."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


class AreaMetric(Declaration):
    """The mean height of a curve from the first evaluation to the last step, by trapezoids."""

    area_under: MetricName
    """What is measured: any metric of the task, such as accuracy, loss, auroc, rmse or r2."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


class GapMetric(Declaration):
    """How much better the end is on the whole training set than on the test part."""

    train_test_gap: MetricName
    """accuracy: that of training less that of test rows; loss: that of test less training rows;
    likewise whatever is better when it is high, or low."""


class GradientMetric(Declaration):
    """The size (root mean square) of the gradient of a layer's weights on the current batch."""

    gradient_size: Literal["first", "last"] | Count
    """The layer: first, last (the output), or its number from 1."""
    at_step: Count | None = None
    """None for the last step."""


class DivergedMetric(Declaration):
    """1 for a run that diverged and 0 for one that did not, so that means are shares."""

    share_of: Literal["diverged"]
    """What is counted: runs whose loss stopped being a finite number."""


class OpenSetMetric(Declaration):
    """A measure of the test on unknown classes, at the end of training.

    The networks of the question are those whose settings `open_set` takes.
    """

    open_set: str
    """A metric of the open-set table: auroc, oscr, recall_of_unknown, known_rejected,
    accuracy_on_known_before, 9_taken_for_4, 9_rejected and the others."""
    detector: str | None = None
    """One that `open_set` tests, as reports call it: class centre, class centre (running centres).
    What a network does before rejection needs none; the plainly trained network is meant then."""
    split: str | None = None
    """As reports call it: 0-4 known, 5-9 unknown; None where the network has only one."""

    @property
    def measure(self) -> OpenSetMeasure:
        """The measure of its name. Checks refuse a name of none, which is here the AUROC's."""
        return measure_named(self.open_set) or MEASURES["auroc"]


def member_with(*keys: str) -> Any:
    """A function that gives the key by which the member of a union is told."""

    def key_of(value: Any) -> str | None:
        if isinstance(value, dict):
            return next((key for key in keys if key in value), None)
        fields = type(value).model_fields if isinstance(value, Declaration) else ()
        return next((key for key in keys if key in fields), None)

    return key_of


class MetricTarget(Declaration):
    """Reached at the first evaluation that is at least as good."""

    @property
    def metric(self) -> TaskMetric:
        """What is to reach a value."""
        return METRICS[next(iter(type(self).model_fields))]

    @property
    def value(self) -> float:
        """That is to be reached, in the metric's own unit."""
        return float(getattr(self, self.metric.name))


def _target(metric: TaskMetric) -> type[MetricTarget]:
    side = "at least" if metric.higher_is_better else "at most"
    kind = Annotated[float, Field(gt=0 if metric.low == 0 else None, le=metric.high)]
    words = (
        "A fraction of rows: 0.95 is 95%."
        if metric.name == "accuracy"
        else (
            "In the unit of what is predicted."
            if metric.unit == "target"
            else "In nats."
            if metric.unit == "nats"
            else "A number as the metric has them."
        )
    )
    return create_model(
        f"{metric.name.title().replace('_', '')}Target",
        __base__=MetricTarget,
        __doc__=f"Reached at the first evaluation with {side} this {metric.title}.",
        **{metric.name: (kind, Field(description=words))},  # type: ignore[call-overload]
    )


TARGETS: dict[str, type[MetricTarget]] = {name: _target(one) for name, one in METRICS.items()}
"""By the metric that is to reach a value."""

if TYPE_CHECKING:
    Target = MetricTarget
else:
    Target = Annotated[
        Union[tuple(Annotated[one, Tag(name)] for name, one in TARGETS.items())],  # noqa: UP007
        Discriminator(member_with(*TARGETS)),
    ]


class StepsToMetric(Declaration):
    """Steps until a target is reached; a run that never gets there ranks last."""

    steps_to: Target
    """What is to be reached: {"accuracy": 0.95}, {"loss": 0.1}, or another metric of the task."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


class SecondsToMetric(Declaration):
    """Seconds of training until a target is reached; a run that never gets there ranks last."""

    seconds_to: Target
    """What is to be reached: {"accuracy": 0.95}, {"loss": 0.1}, or another metric of the task."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


class FlopsToMetric(Declaration):
    """FLOPs of training until a target is reached; a run that never gets there ranks last."""

    flops_to: Target
    """What is to be reached: {"accuracy": 0.95}, {"loss": 0.1}, or another metric of the task."""
    split: CurveSplit = "test"
    """The rows: the test or validation part, or the current batch, after its update."""


TargetMetric = StepsToMetric | SecondsToMetric | FlopsToMetric

# at_step stands last: it belongs to gradient_size too.
Metric = Annotated[
    Annotated[FinalMetric, Tag("final")]
    | Annotated[BestMetric, Tag("best")]
    | Annotated[StepsToMetric, Tag("steps_to")]
    | Annotated[SecondsToMetric, Tag("seconds_to")]
    | Annotated[FlopsToMetric, Tag("flops_to")]
    | Annotated[AreaMetric, Tag("area_under")]
    | Annotated[GapMetric, Tag("train_test_gap")]
    | Annotated[GradientMetric, Tag("gradient_size")]
    | Annotated[DivergedMetric, Tag("share_of")]
    | Annotated[OpenSetMetric, Tag("open_set")]
    | Annotated[AtStepMetric, Tag("at_step")],
    Discriminator(
        member_with(
            "final", "best", "steps_to", "seconds_to", "flops_to", "area_under",
            "train_test_gap", "gradient_size", "share_of", "open_set", "at_step",
        )
    ),
]  # fmt: skip


def target_of(metric: Metric) -> MetricTarget | None:
    """What a run is to reach, None where the metric is a value and no time."""
    match metric:
        case StepsToMetric():
            return metric.steps_to
        case SecondsToMetric():
            return metric.seconds_to
        case FlopsToMetric():
            return metric.flops_to
    return None


def measure_of(metric: Metric) -> TaskMetric | None:
    """The metric of the task that a value is of, None for times, gradients and fates."""
    match metric:
        case FinalMetric():
            return METRICS[metric.final]
        case BestMetric():
            return METRICS[metric.best]
        case AtStepMetric():
            return METRICS[metric.value]
        case AreaMetric():
            return METRICS[metric.area_under]
        case GapMetric():
            return METRICS[metric.train_test_gap]
    return None


def is_share(metric: Metric) -> bool:
    """Whether it is a share of rows or of runs, whose differences are told in points."""
    if isinstance(metric, OpenSetMetric):
        return metric.measure.is_share
    measure = measure_of(metric)
    return isinstance(metric, DivergedMetric) or (measure is not None and measure.is_fraction)


def is_bounded(metric: Metric) -> bool:
    """Whether it lies between 0 and 1 (a difference of two: between -1 and 1)."""
    if isinstance(metric, OpenSetMetric):
        return metric.measure.is_bounded
    return is_share(metric)
