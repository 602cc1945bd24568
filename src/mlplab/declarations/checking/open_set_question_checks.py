"""What a question about unknown classes asks that the study does not test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlplab.declarations.checking.open_set_checks import open_set_faults
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.open_set_measures import measure_named, measure_names
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.question import Question
from mlplab.declarations.reading.places import Places
from mlplab.declarations.resolving.arms import form_for, forms_tested
from mlplab.declarations.resolving.classes import class_names_of, data_name
from mlplab.declarations.resolving.open_set_networks import OpenSetForm, forms_of
from mlplab.declarations.study import Study


def detector_problems(question: Question, where: Where, places: Places) -> Iterator[Problem]:
    """What is wrong with the detectors of a question by themselves."""
    own, metric = question.own_detectors, question.metric
    if not own:
        return
    if not isinstance(metric, OpenSetMetric):
        yield places.problem(
            (*where, "detectors"),
            expected='detectors only beside a metric with "open_set"',
            came=listed(own),
            mend='leave them out, or write "metric": {"open_set": "auroc"}',
        )
    elif metric.detector is not None:
        yield places.problem(
            (*where, "metric", "detector"),
            expected='no "detector" in the metric beside "detectors"',
            came=shown(metric.detector),
            mend="remove it, as each side has its own",
        )
    if len(own) != len(question.networks):
        yield places.problem(
            (*where, "detectors"),
            expected=f"{len(question.networks)} detectors, one for each network",
            came=str(len(own)),
            mend="give every network its detector",
        )


def open_set_metric_problems(
    question: Question, study: Study, where: Where, places: Places
) -> Iterator[Problem]:
    """What the study does not test of what a metric with "open_set" asks; the first problem only,
    as each decides what the next can be."""
    metric = question.metric
    if not isinstance(metric, OpenSetMetric) or any(open_set_faults(study, list(study.networks))):
        return
    if len(question.tested_with) != len(question.networks):
        return
    forms = forms_of(study)
    for place, (name, detector) in enumerate(
        zip(question.networks, question.tested_with, strict=True)
    ):
        at = ("detectors", place) if question.own_detectors else ("metric", "detector")
        found = _network_problem(name, forms, where, places) or _problem(
            metric, name, (detector, (*where, *at)), study, forms, where, places
        )
        if found is not None:
            yield found
            return


def _network_problem(
    name: str, forms: Sequence[OpenSetForm], where: Where, places: Places
) -> Problem | None:
    if forms_tested(forms, name):
        return None
    tested = list(dict.fromkeys(form.template for form in forms))
    return places.problem(
        (*where, "metric"),
        expected='networks that "open_set" tests on unknown classes'
        + (f": {listed(tested, limit=6)}" if tested else ""),
        came=f"{shown(name)}, which it does not",
        mend=did_you_mean(name, tested)
        or 'name it in "networks" of "open_set", or ask about another metric',
    )


def _problem(
    metric: OpenSetMetric,
    name: str,
    its_detector: tuple[str | None, Where],
    study: Study,
    forms: Sequence[OpenSetForm],
    where: Where,
    places: Places,
) -> Problem | None:
    """What is wrong with split, detector (and where it stands) or measure for one network."""
    detector, at = its_detector
    its = forms_tested(forms, name)
    titles = list(dict.fromkeys(form.split.title for form in its))
    if metric.split is None and len(titles) > 1:
        return places.problem(
            (*where, "metric"),
            expected=f'the key "split", as {shown(name)} has {len(titles):,}: '
            f"{listed(titles, limit=4)}",
            came="none",
            mend=f'add "split": {shown(titles[0])}',
        )
    if metric.split is not None and metric.split not in titles:
        return places.problem(
            (*where, "metric", "split"),
            expected=f"a split of {shown(name)}: {listed(titles, limit=4)}",
            came=shown(metric.split),
            mend=did_you_mean(metric.split, titles),
        )
    on_split = forms_tested(its, name, metric.split)
    form = form_for(on_split, detector)
    measure = measure_named(metric.open_set)
    needs_detector = measure is None or not measure.before_rejection
    if form is None or (detector is None and needs_detector and measure is not None):
        return _detector_problem(detector, name, on_split, at if detector else at[:-1], places)
    return _measure_problem(metric, form, study, where, places)


def _detector_problem(
    detector: str | None, name: str, forms: Sequence[OpenSetForm], where: Where, places: Places
) -> Problem:
    labels = list(dict.fromkeys(one.label for form in forms for one in form.detectors))
    return places.problem(
        where,
        expected=f'a detector that "open_set" tests on {shown(name)}: {listed(labels, limit=8)}',
        came="none" if detector is None else shown(detector),
        mend=f'add "detector": {shown(labels[0])}'
        if detector is None
        else did_you_mean(detector, labels) or 'add it to "detectors" of "open_set"',
    )


def _measure_problem(
    metric: OpenSetMetric, form: OpenSetForm, study: Study, where: Where, places: Places
) -> Problem | None:
    """A measure that no table has, or one of classes that have another role in the split."""
    at, known = (*where, "metric", "open_set"), form.split.known
    unknown = _unknown_classes(form, study)
    measure = measure_named(metric.open_set)
    names = measure_names(unknown or (), known)
    if measure is None:
        return places.problem(
            at,
            expected="a metric of the open-set table: auroc, oscr, recall_of_unknown, "
            "known_rejected, accuracy_on_known_before, CLASS_taken_for_CLASS, CLASS_rejected, …",
            came=shown(metric.open_set),
            mend=did_you_mean(metric.open_set, names),
        )
    if metric.open_set == "threshold" and study.open_set[form.entry].threshold_by_class:
        return places.problem(
            at,
            expected="a metric that is one number",
            came='"threshold", of which "threshold_by_class" makes one a class',
        )
    near = did_you_mean(metric.open_set, names)
    if measure.unknown is not None and unknown is not None and measure.unknown not in unknown:
        return places.problem(
            at,
            expected=f"a class that is unknown in {shown(form.split.title)}: {listed(unknown)}",
            came=f'"{measure.unknown}" in {shown(metric.open_set)}',
            mend=near,
        )
    if measure.known is not None and measure.known not in known:
        return places.problem(
            at,
            expected=f"a class that is known in {shown(form.split.title)}: {listed(known)}",
            came=f'"{measure.known}" in {shown(metric.open_set)}',
            mend=near,
        )
    return None


def _unknown_classes(form: OpenSetForm, study: Study) -> tuple[str, ...] | None:
    """The unknown classes as the table names them; None where only the data could tell."""
    entry = study.open_set[form.entry]
    if entry.unknown_data is None:
        return form.split.unknown
    names = class_names_of(entry.unknown_data)
    if names is None:
        return None
    other = data_name(entry.unknown_data)
    return (*form.split.unknown, *(f"{other} {name}" for name in names))


def untested_network_problem(
    question: Question, study: Study, where: Where, places: Places
) -> Iterator[Problem]:
    """A network that is trained in its open-set forms alone, asked what only itself could tell."""
    if isinstance(question.metric, OpenSetMetric):
        return
    only = [name for name in question.networks if study.networks[name].open_set_only]
    if only:
        yield places.problem(
            (*where, "metric"),
            expected='a metric with "open_set", as only open-set forms of these are trained: '
            f"{listed(only, limit=4)}",
            came="another metric",
            mend='write {"open_set": "auroc", "detector": "softmax"}, or leave out "open_set_only"',
        )
