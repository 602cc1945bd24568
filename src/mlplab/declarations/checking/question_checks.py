"""What is wrong with a question though every part of it is right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from mlplab.declarations.checking.open_set_question_checks import (
    detector_problems,
    open_set_metric_problems,
    untested_network_problem,
)
from mlplab.declarations.metric import (
    AtStepMetric,
    GapMetric,
    GradientMetric,
    OpenSetMetric,
    is_bounded,
    target_of,
)
from mlplab.declarations.network import Network
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.question import LevelQuestion, PairQuestion, Question
from mlplab.declarations.reading.names import fault_of_line
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.resolving.factor import FACTORS, settings_of
from mlplab.declarations.study import Study

_GROUPS = ("data", "optimizer", "initial_weights", "training")


def question_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    """What a study's questions ask that its networks cannot answer."""
    declared = values.get("networks")
    known = list(
        dict.fromkeys((*(declared if isinstance(declared, dict) else ()), *study.networks))
    )
    for position, question in enumerate(study.questions):
        where = ("questions", position)
        yield from line_problem(question.ask, (*where, "ask"), source_map)
        yield from _name_problems(question, where, known, source_map)
        yield from _twin_problems(study.questions[:position], question, where, source_map)
        yield from _factor_problems(question, where, source_map)
        yield from detector_problems(question, where, source_map)
        if isinstance(question, PairQuestion | LevelQuestion):
            yield from _margin_problems(question, where, source_map)
        if isinstance(question, LevelQuestion):
            yield from _level_problems(question, where, source_map)
        # Where a network is in doubt, so is whether it records what is asked.
        if set(question.networks) <= set(study.networks):
            networks = {name: study.networks[name] for name in question.networks}
            yield from _seed_problems(networks, where, source_map)
            yield from _path_problems(question, networks, where, source_map)
            yield from _metric_problems(question, networks, where, source_map)
            yield from untested_network_problem(question, study, where, source_map)
            yield from open_set_metric_problems(question, study, where, source_map)


def line_problem(text: str, where: Where, source_map: SourceMap) -> Iterator[Problem]:
    """What is wrong with a title or a question, which stand on one line of page and screen."""
    fault = fault_of_line(text)
    if fault:
        yield source_map.problem(
            where,
            expected="a text that reads on one line",
            received=fault,
            hint="remove it" if text.strip() else "write one",
        )


def _name_problems(
    question: Question, where: Where, known: list[str], source_map: SourceMap
) -> Iterator[Problem]:
    key = next(key for key in ("compare", "along", "rank", "level_of") if hasattr(question, key))
    sides = list(zip_longest(question.networks, question.own_detectors))
    for place, name in enumerate(question.networks):
        at = (*where, key) if key == "level_of" else (*where, key, place)
        if name not in known:
            yield source_map.problem(
                at,
                expected="the name of a network of this study",
                received=shown(name),
                hint=did_you_mean(name, known) or f"it has {listed(known)}",
            )
        elif sides[place] in sides[:place]:
            detector = sides[place][1]
            once = "every network once" + (" with a detector" if detector else "")
            received = f"{shown(name)} with {shown(detector)}" if detector else shown(name)
            yield source_map.problem(
                at, expected=once, received=f"{received} again", hint="remove it, or name another"
            )


def _factor_problems(question: Question, where: Where, source_map: SourceMap) -> Iterator[Problem]:
    factor = question.factor
    if factor is None or settings_of(factor) != (factor,) or factor in FACTORS:
        return
    first = factor.split(".")[0]
    if first in Network.model_fields and (first in _GROUPS or first == factor):
        return
    yield source_map.problem(
        (*where, "factor"),
        expected=f"one of {listed(FACTORS)}, or the path of a setting such as training.steps",
        received=shown(factor),
        hint=did_you_mean(factor, [*FACTORS, *Network.model_fields]),
    )


def _twin_problems(
    before: Sequence[Question], question: Question, where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    """The same question twice: its p-value would be corrected for itself."""
    asked = question.model_dump(exclude={"ask"})
    for place, other in enumerate(before):
        if type(other) is type(question) and other.model_dump(exclude={"ask"}) == asked:
            yield source_map.problem(
                where,
                expected="every question once, as all verdicts pay for each",
                received=f"questions[{place}] again",
                hint="remove one of the two",
            )
            return


def _path_problems(
    question: Question, networks: Mapping[str, Network], where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    """A factor that is the path of a setting, and of none that the networks have."""
    factor = question.factor
    if factor is None or "." not in factor or factor.split(".")[0] not in _GROUPS:
        return
    paths = dict.fromkeys(p for n in networks.values() for p in _paths(n.model_dump(mode="json")))
    if factor not in paths:
        yield source_map.problem(
            (*where, "factor"),
            expected="the path of a setting that one of the networks has",
            received=shown(factor),
            hint=did_you_mean(factor, list(paths)) or "leave it out, or name another",
        )


def _paths(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{key}.")


def _margin_problems(
    question: PairQuestion | LevelQuestion, where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    if question.expect == "same" and question.within is None:
        yield source_map.problem(
            where,
            expected='the key "within", the largest difference that still counts as the same',
            received='"expect": "same" without it',
            hint='add "within", for example 0.003',
        )
    beyond = getattr(question, "by_at_least", 0.0)
    if question.expect == "same" and beyond:
        yield source_map.problem(
            (*where, "by_at_least"),
            expected='no such key beside "expect": "same"',
            received=shown(beyond),
            hint='"within" is the margin of sameness',
        )
    if is_bounded(question.metric):
        for key in ("by_at_least", "within"):
            margin = getattr(question, key, None)
            if margin is not None and margin >= 1:
                yield source_map.problem(
                    (*where, key),
                    expected="a difference of numbers from 0 to 1, so below 1",
                    received=shown(margin),
                    hint=f"{margin:g} points are {margin / 100:g}" if margin < 100 else None,
                )


def _level_problems(
    question: LevelQuestion, where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    if target_of(question.metric) is not None:
        yield source_map.problem(
            (*where, "metric"),
            expected="a metric that every run has, not a time that may never come",
            received="a time to a target",
            hint='ask for the value instead, for example {"final": "accuracy"}',
        )
    gap = isinstance(question.metric, GapMetric)
    if is_bounded(question.metric) and not (-1 if gap else 0) <= question.than <= 1:
        yield source_map.problem(
            (*where, "than"),
            expected=f"a number from {-1 if gap else 0} to 1, between which the metric lies",
            received=shown(question.than),
            hint=f"{question.than:g}% is {question.than / 100:g}" if question.than > 1 else None,
        )


def _seed_problems(
    networks: Mapping[str, Network], where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    first, *rest = networks.items()
    for name, network in rest:
        if set(network.seeds) != set(first[1].seeds):
            yield source_map.problem(
                where,
                expected="networks with the same seeds, which are compared in pairs",
                received=f"{first[0]} with {_seeds(first[1])} and {name} with {_seeds(network)}",
                hint="give both the same seeds",
            )
            return


def _seeds(network: Network) -> str:
    return f"seeds {listed(map(str, network.seeds), quote=False, limit=6)}"


def _metric_problems(
    question: Question, networks: Mapping[str, Network], where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    metric = question.metric
    where = (*where, "metric")
    without = [name for name, network in networks.items() if network.data.validation == 0]
    of_rows = not isinstance(metric, OpenSetMetric)  # whose split is one of classes
    if of_rows and getattr(metric, "split", None) == "validation" and without:
        yield source_map.problem(
            (*where, "split"),
            expected="a split that every network of the question has",
            received=f'"validation", of which {listed(without, limit=4)} has none',
            hint='add "validation": 0.1 to data, or ask for "test"',
        )
    if isinstance(metric, GradientMetric):
        yield from _gradient_problems(metric, networks, where, source_map)
    step = metric.at_step if isinstance(metric, AtStepMetric | GradientMetric) else None
    for name, network in networks.items():
        training = network.training
        if step is not None and not _is_evaluated(step, network):
            yield source_map.problem(
                (*where, "at_step"),
                expected=f"a step at which {name} is measured: every "
                f"{training.evaluate_every}, up to {training.steps}",
                received=str(step),
                hint="choose another step, or set evaluate_every",
            )
            break


def _gradient_problems(
    metric: GradientMetric, networks: Mapping[str, Network], where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    without = [name for name, network in networks.items() if not network.training.diagnostics]
    if without:
        yield source_map.problem(
            where,
            expected='"diagnostics": true in training, which records the size of gradients',
            received=f"{listed(without, limit=4)} without it",
            hint='add "diagnostics": true to training',
        )
    fewest = min(len(network.hidden) + 1 for network in networks.values())
    if isinstance(metric.gradient_size, int) and metric.gradient_size > fewest:
        yield source_map.problem(
            (*where, "gradient_size"),
            expected=f"a layer that every network has: first, last, or 1 to {fewest}",
            received=str(metric.gradient_size),
        )


def _is_evaluated(step: int, network: Network) -> bool:
    training = network.training
    return step <= training.steps and (
        step % training.evaluate_every == 0 or step == training.steps
    )
