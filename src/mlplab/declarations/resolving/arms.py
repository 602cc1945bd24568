"""Which trained networks a question is about, and by which detector each is looked at.

A question names networks of the study file. Where its metric is a measure on unknown classes, what
is trained are their open-set forms, and which of them is meant depends on split and detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.open_set_networks import OpenSetForm, forms_of
from mlplab.declarations.study import Study


@dataclass(frozen=True)
class Arm:
    """One side of a question."""

    network: str
    """The network that is trained."""
    form: OpenSetForm | None = None
    """What it is trained and tested for, where unknown classes are asked about."""
    detector: str | None = None
    """By its label; None where none is needed."""


def arms_of(question: Question, study: Study) -> tuple[Arm, ...]:
    """The sides of a question, in its order.

    Raises KeyError where the study has no such network or form; see `can_be_asked`.
    """
    metric = question.metric
    if not isinstance(metric, OpenSetMetric):
        for name in question.networks:
            study.networks[name]
        return tuple(Arm(name) for name in question.networks)
    forms, arms = forms_of(study), []
    for name, detector in zip(question.networks, question.tested_with, strict=True):
        form = form_for(forms_tested(forms, name, metric.split), detector)
        if form is None or form.network not in study.networks:
            raise KeyError(name)
        arms.append(Arm(form.network, form, detector))
    return tuple(arms)


def can_be_asked(question: Question, study: Study) -> bool:
    """Whether the study has all that a question is about."""
    try:
        arms_of(question, study)
    except KeyError:
        return False
    return True


def forms_tested(
    forms: Iterable[OpenSetForm], network: str, split: str | None = None
) -> list[OpenSetForm]:
    """Those of a network of the study file that are trained for all its steps, on one split or all.

    split: its title; None for all.
    """
    return [
        form
        for form in forms
        if form.template == network
        and form.steps is None
        and (split is None or form.split.title == split)
    ]


def form_for(forms: Iterable[OpenSetForm], detector: str | None) -> OpenSetForm | None:
    """The first form on which a detector is tested; the first plainly trained one for None."""
    for form in forms:
        labels = [one.label for one in form.detectors]
        if form.method is None if detector is None else detector in labels:
            return form
    return None
