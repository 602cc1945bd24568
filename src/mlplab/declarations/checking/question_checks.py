"""What is wrong with a question beside the networks that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from mlplab.declarations.checking.open_set_question_checks import (
    open_set_metric_problems,
)
from mlplab.declarations.metric import AtStepMetric, GradientMetric, OpenSetMetric
from mlplab.declarations.network import Network
from mlplab.declarations.paths import entries
from mlplab.declarations.problems import (
    Problem,
    Where,
    did_you_mean,
    dotted,
    quoted,
    shown,
    unknown_name,
)
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.factor import FACTORS, settings_of
from mlplab.declarations.study import Study

_GROUPS = ("data", "optimizer", "initial_weights", "training")


def question_problems(study: Study, declared: Sequence[str]) -> Iterator[Problem]:
    """What a study's questions ask that its networks cannot answer.

    declared: the names of all networks, those in doubt too.
    """
    known = tuple(dict.fromkeys((*declared, *study.networks)))
    asked: dict[str, int] = {}
    for index, question in enumerate(study.questions):
        where = ("questions", index)
        yield from _name_problems(question, where, known)
        yield from _twin_problems(asked, question, where)
        yield from _factor_problems(question, where)
        # Where a network is in doubt, so is whether it records what is asked.
        if set(question.networks) <= set(study.networks):
            networks = {name: study.networks[name] for name in question.networks}
            yield from _seed_problems(networks, where)
            yield from _path_problems(question, networks, where)
            yield from _metric_problems(question, networks, (*where, "metric"))
            for problem in open_set_metric_problems(question, study):
                yield problem.within(*where)


def _name_problems(question: Question, where: Where, known: Sequence[str]) -> Iterator[Problem]:
    key = next(key for key in ("compare", "along", "rank", "level_of") if hasattr(question, key))
    seen: set[tuple[str, str | None]] = set()
    sides = zip_longest(question.networks, question.own_detectors[: len(question.networks)])
    for index, (name, detector) in enumerate(sides):
        at = (*where, key) if key == "level_of" else (*where, key, index)
        if problem := unknown_name(name, known):
            yield problem.within(*at)
        elif (name, detector) in seen:
            once = "every network once" + (" with a detector" if detector else "")
            received = f"{shown(name)} with {shown(detector)}" if detector else shown(name)
            yield Problem(at, once, f"{received} again", "remove it, or name another")
        seen.add((name, detector))


def _factor_problems(question: Question, where: Where) -> Iterator[Problem]:
    factor = question.factor
    if factor is None or settings_of(factor) != (factor,) or factor in FACTORS:
        return
    first = factor.split(".")[0]
    if first in Network.model_fields and (first in _GROUPS or first == factor):
        return
    yield Problem(
        (*where, "factor"),
        f"one of {quoted(FACTORS)}, or the path of a setting such as training.steps",
        shown(factor),
        did_you_mean(factor, [*FACTORS, *Network.model_fields]),
    )


def _twin_problems(asked: dict[str, int], question: Question, where: Where) -> Iterator[Problem]:
    """The same question twice: its p-value would be corrected for itself."""
    index = where[-1]
    assert isinstance(index, int)
    first = asked.setdefault(question.model_dump_json(exclude={"ask"}), index)
    if first != index:
        yield Problem(
            where,
            "every question once, as all verdicts pay for each",
            f"questions[{first}] again",
            "remove one of the two",
        )


def _path_problems(
    question: Question, networks: Mapping[str, Network], where: Where
) -> Iterator[Problem]:
    """A factor that is the path of a setting, and of none that the networks have."""
    factor = question.factor
    if factor is None or "." not in factor or factor.split(".")[0] not in _GROUPS:
        return
    settings = [network.model_dump(mode="json") for network in networks.values()]
    paths = dict.fromkeys(dotted(path) for one in settings for path, _ in entries(one))
    if factor not in paths:
        hint = did_you_mean(factor, paths) or "leave it out, or name another"
        expected = "the path of a setting that one of the networks has"
        yield Problem((*where, "factor"), expected, shown(factor), hint)


def _seed_problems(networks: Mapping[str, Network], where: Where) -> Iterator[Problem]:
    first, *rest = networks.items()
    for name, network in rest:
        if set(network.seeds) != set(first[1].seeds):
            yield Problem(
                where,
                "networks with the same seeds, which are compared in pairs",
                f"{first[0]} with {_seeds(first[1])} and {name} with {_seeds(network)}",
                "give both the same seeds",
            )
            return


def _seeds(network: Network) -> str:
    return f"seeds {quoted(map(str, network.seeds[:7]), quote=False, limit=6)}"


def _metric_problems(
    question: Question, networks: Mapping[str, Network], where: Where
) -> Iterator[Problem]:
    metric = question.metric
    without = [name for name, network in networks.items() if network.data.validation == 0]
    of_rows = not isinstance(metric, OpenSetMetric)  # whose split is one of classes
    if of_rows and getattr(metric, "split", None) == "validation" and without:
        yield Problem(
            (*where, "split"),
            "a split that every network of the question has",
            f'"validation", of which {quoted(without, limit=4)} has none',
            'add "validation": 0.1 to data, or ask for "test"',
        )
    if isinstance(metric, GradientMetric):
        yield from _gradient_problems(metric, networks, where)
    step = metric.at_step if isinstance(metric, AtStepMetric | GradientMetric) else None
    for name, network in networks.items():
        training = network.training
        if step is not None and not _is_evaluated(step, network):
            yield Problem(
                (*where, "at_step"),
                f"a step at which {name} is measured: every "
                f"{training.evaluate_every}, up to {training.steps}",
                str(step),
                "choose another step, or set evaluate_every",
            )
            break


def _gradient_problems(
    metric: GradientMetric, networks: Mapping[str, Network], where: Where
) -> Iterator[Problem]:
    without = [name for name, network in networks.items() if not network.training.diagnostics]
    if without:
        yield Problem(
            where,
            '"diagnostics": true in training, which records the size of gradients',
            f"{quoted(without, limit=4)} without it",
            'add "diagnostics": true to training',
        )
    fewest = min(len(network.hidden) + 1 for network in networks.values())
    if isinstance(metric.gradient_size, int) and metric.gradient_size > fewest:
        yield Problem(
            (*where, "gradient_size"),
            f"a layer that every network has: first, last, or 1 to {fewest}",
            str(metric.gradient_size),
        )


def _is_evaluated(step: int, network: Network) -> bool:
    training = network.training
    return step <= training.steps and (
        step % training.evaluate_every == 0 or step == training.steps
    )
