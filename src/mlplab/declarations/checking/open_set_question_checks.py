"""What a question about unknown classes asks that the study does not test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlplab.declarations.checking.open_set_checks import open_set_faults
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.open_set_measures import measure_named, measures_of
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.question import Question
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.resolving.arms import variant_for, variants_tested
from mlplab.declarations.resolving.classes import class_names_of, data_name
from mlplab.declarations.resolving.open_set_networks import OpenSetVariant, variants_of
from mlplab.declarations.study import Study


def open_set_metric_problems(
    question: Question, study: Study, where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    """What the study does not test of what a metric with "open_set" asks; the first problem only,
    as each decides what the next can be."""
    metric = question.metric
    if not isinstance(metric, OpenSetMetric) or any(open_set_faults(study, list(study.networks))):
        return
    if len(question.tested_with) != len(question.networks):
        return
    variants = variants_of(study)
    for place, (name, detector) in enumerate(
        zip(question.networks, question.tested_with, strict=True)
    ):
        at = ("detectors", place) if question.own_detectors else ("metric", "detector")
        found = _network_problem(name, variants, where, source_map) or _problem(
            metric, name, (detector, (*where, *at)), study, variants, where, source_map
        )
        if found is not None:
            yield found
            return


def _network_problem(
    name: str, variants: Sequence[OpenSetVariant], where: Where, source_map: SourceMap
) -> Problem | None:
    if variants_tested(variants, name):
        return None
    tested = list(dict.fromkeys(variant.template for variant in variants))
    return source_map.problem(
        (*where, "metric"),
        expected='networks that "open_set" tests on unknown classes'
        + (f": {listed(tested, limit=6)}" if tested else ""),
        received=f"{shown(name)}, which it does not",
        hint=did_you_mean(name, tested)
        or 'name it in "networks" of "open_set", or ask about another metric',
    )


def _problem(
    metric: OpenSetMetric,
    name: str,
    its_detector: tuple[str | None, Where],
    study: Study,
    variants: Sequence[OpenSetVariant],
    where: Where,
    source_map: SourceMap,
) -> Problem | None:
    """What is wrong with split, detector (and where it stands) or measure for one network."""
    detector, at = its_detector
    its = variants_tested(variants, name)
    titles = list(dict.fromkeys(variant.split.title for variant in its))
    if metric.split is None and len(titles) > 1:
        return source_map.problem(
            (*where, "metric"),
            expected=f'the key "split", as {shown(name)} has {len(titles):,}: '
            f"{listed(titles, limit=4)}",
            received="none",
            hint=f'add "split": {shown(titles[0])}',
        )
    if metric.split is not None and metric.split not in titles:
        return source_map.problem(
            (*where, "metric", "split"),
            expected=f"a split of {shown(name)}: {listed(titles, limit=4)}",
            received=shown(metric.split),
            hint=did_you_mean(metric.split, titles),
        )
    on_split = variants_tested(its, name, metric.split)
    variant = variant_for(on_split, detector)
    measure = measure_named(metric.open_set)
    needs_detector = measure is None or not measure.before_rejection
    if variant is None or (detector is None and needs_detector and measure is not None):
        return _detector_problem(detector, name, on_split, at if detector else at[:-1], source_map)
    return _measure_problem(metric, variant, study, where, source_map)


def _detector_problem(
    detector: str | None,
    name: str,
    variants: Sequence[OpenSetVariant],
    where: Where,
    source_map: SourceMap,
) -> Problem:
    labels = list(dict.fromkeys(one.label for variant in variants for one in variant.detectors))
    return source_map.problem(
        where,
        expected=f'a detector that "open_set" tests on {shown(name)}: {listed(labels, limit=8)}',
        received="none" if detector is None else shown(detector),
        hint=f'add "detector": {shown(labels[0])}'
        if detector is None
        else did_you_mean(detector, labels) or 'add it to "detectors" of "open_set"',
    )


def _measure_problem(
    metric: OpenSetMetric,
    variant: OpenSetVariant,
    study: Study,
    where: Where,
    source_map: SourceMap,
) -> Problem | None:
    """A measure that no table has, or one of classes that have another role in the split."""
    at, known = (*where, "metric", "open_set"), variant.split.known
    unknown = _unknown_classes(variant, study)
    measure = measure_named(metric.open_set)
    names = [one.name for one in measures_of(unknown or (), known)]
    if measure is None:
        return source_map.problem(
            at,
            expected="a metric of the open-set table: auroc, oscr, recall_of_unknown, "
            "known_rejected, accuracy_on_known_before, CLASS_taken_for_CLASS, CLASS_rejected, …",
            received=shown(metric.open_set),
            hint=did_you_mean(metric.open_set, names),
        )
    if metric.open_set == "threshold" and study.open_set[variant.entry].threshold_by_class:
        return source_map.problem(
            at,
            expected="a metric that is one number",
            received='"threshold", of which "threshold_by_class" makes one a class',
        )
    near = did_you_mean(metric.open_set, names)
    if measure.unknown is not None and unknown is not None and measure.unknown not in unknown:
        return source_map.problem(
            at,
            expected=f"a class that is unknown in {shown(variant.split.title)}: {listed(unknown)}",
            received=f'"{measure.unknown}" in {shown(metric.open_set)}',
            hint=near,
        )
    if measure.known is not None and measure.known not in known:
        return source_map.problem(
            at,
            expected=f"a class that is known in {shown(variant.split.title)}: {listed(known)}",
            received=f'"{measure.known}" in {shown(metric.open_set)}',
            hint=near,
        )
    return None


def _unknown_classes(variant: OpenSetVariant, study: Study) -> tuple[str, ...] | None:
    """The unknown classes as the table names them; None where only the data could tell."""
    entry = study.open_set[variant.entry]
    if entry.unknown_data is None:
        return variant.split.unknown
    names = class_names_of(entry.unknown_data)
    if names is None:
        return None
    other = data_name(entry.unknown_data)
    return (*variant.split.unknown, *(f"{other} {name}" for name in names))


def untested_network_problem(
    question: Question, study: Study, where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    """A network of which only open-set variants are trained, in a question about itself."""
    if isinstance(question.metric, OpenSetMetric):
        return
    only = [name for name in question.networks if study.networks[name].open_set_only]
    if only:
        yield source_map.problem(
            (*where, "metric"),
            expected='a metric with "open_set", as only open-set variants of these are trained: '
            f"{listed(only, limit=4)}",
            received="another metric",
            hint='write {"open_set": "auroc", "detector": "softmax"}, or leave out "open_set_only"',
        )
