"""What a question about unknown classes asks that the study does not test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlplab.declarations.checking.open_set_checks import open_set_problems
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.open_set_measures import measure_named, measures_of
from mlplab.declarations.problems import Problem, Where, did_you_mean, quoted, shown
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.arms import variant_for, variants_tested
from mlplab.declarations.resolving.classes import class_names_of, data_name
from mlplab.declarations.resolving.open_set_networks import OpenSetVariant, variants_of
from mlplab.declarations.study import Study


def open_set_metric_problems(question: Question, study: Study) -> Iterator[Problem]:
    """What the study does not test of what a metric with "open_set" asks; the first problem only,
    as each decides what the next can be. Paths start at the question."""
    metric = question.metric
    if not isinstance(metric, OpenSetMetric):
        only = [name for name in question.networks if study.networks[name].open_set_only]
        if only:
            yield Problem(
                ("metric",),
                'a metric with "open_set", as only open-set variants of these are trained: '
                f"{quoted(only, limit=4)}",
                "another metric",
                'write {"open_set": "auroc", "detector": "softmax"}, or leave out "open_set_only"',
            )
        return
    if any(open_set_problems(study, list(study.networks))):
        return
    if len(question.tested_with) != len(question.networks):
        return
    variants = variants_of(study)
    sides = zip(question.networks, question.tested_with, strict=True)
    for index, (name, detector) in enumerate(sides):
        own = ("detectors", index) if question.own_detectors else ("metric", "detector")
        where = own if detector else own[:-1]
        problem = _network_problem(metric, name, variants) or _test_problem(
            metric, name, detector, where, study, variants
        )
        if problem is not None:
            yield problem
            return


def _network_problem(
    metric: OpenSetMetric, name: str, variants: Sequence[OpenSetVariant]
) -> Problem | None:
    """A network that is not tested on unknown classes, or not on the split that is asked about."""
    titles = list(dict.fromkeys(one.split.title for one in variants_tested(variants, name)))
    if not titles:
        tested = list(dict.fromkeys(variant.template for variant in variants))
        which = f": {quoted(tested, limit=6)}" if tested else ""
        expected = f'networks that "open_set" tests on unknown classes{which}'
        another = 'name it in "networks" of "open_set", or ask about another metric'
        hint: str | None = did_you_mean(name, tested) or another
        return Problem(("metric",), expected, f"{shown(name)}, which it does not", hint)
    if metric.split is None and len(titles) > 1:
        which = f"{len(titles):,}: {quoted(titles, limit=4)}"
        expected = f'the key "split", as {shown(name)} has {which}'
        return Problem(("metric",), expected, "none", f'add "split": {shown(titles[0])}')
    if metric.split is not None and metric.split not in titles:
        expected = f"a split of {shown(name)}: {quoted(titles, limit=4)}"
        hint = did_you_mean(metric.split, titles)
        return Problem(("metric", "split"), expected, shown(metric.split), hint)
    return None


def _test_problem(
    metric: OpenSetMetric,
    name: str,
    detector: str | None,
    where: Where,
    study: Study,
    variants: Sequence[OpenSetVariant],
) -> Problem | None:
    """What is wrong with the detector (and where it stands) or the measure for one network."""
    on_split = variants_tested(variants, name, metric.split)
    variant = variant_for(on_split, detector)
    measure = measure_named(metric.open_set)
    needs_detector = measure is not None and not measure.before_rejection
    if variant is not None and (detector is not None or not needs_detector):
        return _measure_problem(metric, variant, study)
    labels = list(dict.fromkeys(one.label for variant in on_split for one in variant.detectors))
    expected = f'a detector that "open_set" tests on {shown(name)}: {quoted(labels, limit=8)}'
    if detector is None:
        return Problem(where, expected, "none", f'add "detector": {shown(labels[0])}')
    hint = did_you_mean(detector, labels) or 'add it to "detectors" of "open_set"'
    return Problem(where, expected, shown(detector), hint)


def _measure_problem(
    metric: OpenSetMetric, variant: OpenSetVariant, study: Study
) -> Problem | None:
    """A measure that no table has, or one of classes that have another role in the split."""
    where, known = ("metric", "open_set"), variant.split.known
    unknown = _unknown_classes(variant, study)
    measure = measure_named(metric.open_set)
    hint = did_you_mean(metric.open_set, [one.name for one in measures_of(unknown or (), known)])
    if measure is None:
        expected = (
            "a metric of the open-set table: auroc, oscr, recall_of_unknown, known_rejected, "
            "accuracy_on_known_before, CLASS_taken_for_CLASS, CLASS_rejected, …"
        )
        return Problem(where, expected, shown(metric.open_set), hint)
    if metric.open_set == "threshold" and study.open_set[variant.entry].threshold_by_class:
        received = '"threshold", of which "threshold_by_class" makes one a class'
        return Problem(where, "a metric that is one number", received)
    for role, asked, classes in (
        ("unknown", measure.unknown, unknown),
        ("known", measure.known, known),
    ):
        if asked is not None and classes is not None and asked not in classes:
            expected = f"a class that is {role} in {shown(variant.split.title)}: {quoted(classes)}"
            return Problem(where, expected, f'"{asked}" in {shown(metric.open_set)}', hint)
    return None


def _unknown_classes(variant: OpenSetVariant, study: Study) -> tuple[str, ...] | None:
    """The unknown classes as the table names them; None where only the data could tell."""
    other = study.open_set[variant.entry].unknown_data
    if other is None:
        return variant.split.unknown
    names = class_names_of(other)
    if names is None:
        return None
    return (*variant.split.unknown, *(f"{data_name(other)} {name}" for name in names))
