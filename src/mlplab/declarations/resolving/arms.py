"""Which trained networks a question is about, and by which detector each is looked at.

A question names networks of the study file. Where its metric is a measure on unknown classes, what
is trained are their open-set forms, and which of them is meant depends on split and detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.open_set_networks import OpenSetVariant, variants_of
from mlplab.declarations.study import Study


@dataclass(frozen=True)
class Arm:
    """One side of a question."""

    network: str
    """The network that is trained."""
    variant: OpenSetVariant | None = None
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
    variants, arms = variants_of(study), []
    for name, detector in zip(question.networks, question.tested_with, strict=True):
        variant = variant_for(variants_tested(variants, name, metric.split), detector)
        if variant is None or variant.network not in study.networks:
            raise KeyError(name)
        arms.append(Arm(variant.network, variant, detector))
    return tuple(arms)


def can_be_asked(question: Question, study: Study) -> bool:
    """Whether the study has all that a question is about."""
    try:
        arms_of(question, study)
    except KeyError:
        return False
    return True


def variants_tested(
    variants: Iterable[OpenSetVariant], network: str, split: str | None = None
) -> list[OpenSetVariant]:
    """Those of a network of the study file that are trained for all its steps, on one split or all.

    split: its title; None for all.
    """
    return [
        variant
        for variant in variants
        if variant.template == network
        and variant.steps is None
        and (split is None or variant.split.title == split)
    ]


def variant_for(variants: Iterable[OpenSetVariant], detector: str | None) -> OpenSetVariant | None:
    """The first form on which a detector is tested; the first plainly trained one for None."""
    for variant in variants:
        labels = [one.label for one in variant.detectors]
        if variant.method is None if detector is None else detector in labels:
            return variant
    return None
