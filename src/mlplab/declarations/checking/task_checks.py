"""What a study asks that its task does not have: another task's metric, objective or figure."""

from __future__ import annotations

from collections.abc import Iterator

from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.metric import (
    BestMetric,
    FinalMetric,
    GapMetric,
    OpenSetMetric,
    measure_of,
    target_of,
)
from mlplab.declarations.network import Network
from mlplab.declarations.objective import BY_NAME, OF_REGRESSION
from mlplab.declarations.problems import Problem, Where, quoted, shown
from mlplab.declarations.question import Question
from mlplab.declarations.study import Study
from mlplab.declarations.task import METRICS, REGRESSION, Task

_OF_CLASSES_ONLY = {
    "open_set": "unknown classes",
    "compare_with": "a published study of classes",
}


def task_problems(study: Study) -> Iterator[Problem]:
    """Everything that does not fit what the networks of a study are to do."""
    task = study.task
    others = [name for name, network in study.networks.items() if network.task is not task]
    if others:
        first = next(iter(study.networks))
        yield Problem(
            ("networks", others[0], "data"),
            f"a target to be predicted as that of {shown(first)}, by {task.name}",
            study.networks[others[0]].task.name,
            "make a study of its own of each task",
        )
        return
    if task is REGRESSION:
        for key, about in _OF_CLASSES_ONLY.items():
            if getattr(study, key):
                yield Problem((key,), "no such key, as a quantity is predicted", about, "remove it")
    for index, question in enumerate(study.questions):
        yield from _question_problems(task, study, question, ("questions", index, "metric"))
    yield from _figure_problems(task, study)
    if study.tune is not None:
        yield from _unfit(task, study.tune.metric, ("tune", "metric"))
    yield from _choice_problems(task, study.choice)


def _figure_problems(task: Task, study: Study) -> Iterator[Problem]:
    for index, figure in enumerate(study.figures):
        where = ("figures", index)
        if isinstance(figure, RocFigure) and task is REGRESSION:
            yield Problem(
                (*where, "kind"), "curves, as a quantity is predicted", '"roc"', "remove it"
            )
        if isinstance(figure, CurveFigure) and figure.metric in METRICS:
            names = study.networks if figure.networks is None else figure.networks
            yield from _unfit(task, figure.metric, (*where, "metric"))
            if set(figure.splits) - {"train"}:
                yield from _unmeasured(study, figure.metric, tuple(names), where)


def _choice_problems(task: Task, rule: ChoiceRule) -> Iterator[Problem]:
    if rule.metric is not None:
        yield from _unfit(task, rule.metric, ("choice", "metric"))
    decides = METRICS[rule.metric or task.main]
    if decides.is_fraction and rule.within_fraction is None and rule.within >= 1:
        yield Problem(
            ("choice", "within"),
            f"a difference in {decides.title}, so a number above 0 and below 1",
            shown(rule.within),
            f"{rule.within:g} points are {rule.within / 100:g}" if rule.within < 100 else None,
        )


def network_task_problems(network: Network) -> Iterator[Problem]:
    """What of one network does not fit its task; paths start at the network."""
    task, objective = network.task, network.objective.name
    if (objective in OF_REGRESSION) != (task is REGRESSION):
        fitting = [
            name
            for name in ("cross_entropy", *BY_NAME)
            if (name in OF_REGRESSION) == (task is REGRESSION)
        ]
        yield Problem(
            ("objective",),
            f"an objective of {task.name}: {quoted(fitting)}",
            shown(objective),
            "leave it out for the default",
        )
    if task is REGRESSION and network.outputs not in (None, 1):
        yield Problem(("outputs",), "one, the quantity", str(network.outputs), "leave outputs out")
    if task is REGRESSION and network.data.classes is not None:
        yield Problem(
            ("data", "classes"), "no classes, as a quantity is predicted", "some", "leave them out"
        )
    stopping = network.training.early_stopping
    if stopping is not None:
        yield from _unfit(task, stopping.metric, ("training", "early_stopping", "metric"))
    for index, metric in enumerate(network.training.metrics):
        yield from _unfit(task, metric, ("training", "metrics", index))


def _unfit(task: Task, metric: str, where: Where) -> Iterator[Problem]:
    if metric not in task.metrics:
        yield Problem(where, f"a metric of {task.name}: {quoted(task.metrics)}", shown(metric))


def _question_problems(
    task: Task, study: Study, question: Question, where: Where
) -> Iterator[Problem]:
    metric = question.metric
    if isinstance(metric, OpenSetMetric):
        return
    target = target_of(metric)
    asked = target.metric if target is not None else measure_of(metric)
    if asked is None:
        return
    key = next(k for k, v in metric if v == asked.name or v is target)
    yield from _unfit(task, asked.name, (*where, key))
    at_end = isinstance(metric, FinalMetric | GapMetric) and getattr(metric, "split", "") != "batch"
    if not at_end or isinstance(metric, BestMetric):
        yield from _unmeasured(study, asked.name, question.networks, where)


def _unmeasured(
    study: Study, metric: str, names: tuple[str, ...], where: Where
) -> Iterator[Problem]:
    """A metric along training that only the end has."""
    if METRICS[metric].is_always_measured or metric not in study.task.metrics:
        return
    without = [
        name
        for name in names
        if name in study.networks and metric not in study.networks[name].training.metrics
    ]
    if without:
        yield Problem(
            where,
            f'"metrics": ["{metric}"] in training, which measures it at every evaluation',
            f"{quoted(without, limit=4)} without it",
            f'add "metrics": ["{metric}"] to training',
        )
