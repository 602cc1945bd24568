"""What is wrong with a study though every single declaration in it is right."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlplab.declarations.checking.choice_checks import choice_problems
from mlplab.declarations.checking.open_set_checks import (
    objective_fault,
    open_set_faults,
    open_set_notes,
)
from mlplab.declarations.checking.question_checks import line_problem, question_problems
from mlplab.declarations.checking.tuning_checks import tuning_faults
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.network import Network
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.reading.names import fault_of_network_name, fault_of_study_name
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.reading.validation import Fault
from mlplab.declarations.resolving.data_size import DataSize, data_size
from mlplab.declarations.resolving.resolution import Resolution, Resolved
from mlplab.declarations.resolving.size import size_of
from mlplab.declarations.study import Study
from mlplab.words import gigabytes

# importlib.resources would cost a tenth of the time that checking takes.
_PUBLISHED = Path(__file__).parents[2] / "published"


@dataclass(frozen=True)
class Checked:
    """What a check of the whole study found."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check_study(
    study: Study, resolution: Resolution, values: Mapping[str, Any], source_map: SourceMap
) -> Checked:
    """Everything that single declarations cannot see.

    Settings in doubt are left out, and whatever would be concluded from them.
    """
    problems = [*_name_problems(study, values, source_map)]
    sizes = _data_sizes(study, resolution)
    seen: set[tuple[Where, str]] = set()
    for name, resolved in resolution.resolved.items():
        size, data_faults = sizes[name]
        for fault in (*data_faults, *_network_faults(resolved, size)):
            where = resolution.origins.of(name, fault.where)
            if (where, fault.expected) not in seen:
                seen.add((where, fault.expected))
                problems.append(
                    source_map.problem(
                        where, expected=fault.expected, received=fault.received, hint=fault.hint
                    )
                )
    if not study.networks and not _declares_networks(values):
        # What else names networks is right or wrong only beside some.
        return Checked(tuple(problems), ())
    problems += _figure_problems(study, values, source_map)
    problems += question_problems(study, values, source_map)
    problems += choice_problems(study, values, source_map)
    problems += _comparison_problems(study, values, source_map)
    problems += _open_set_problems(study, values, source_map)
    problems += _tuning_problems(study, sizes, values, source_map)
    notes = (*_output_notes(study, sizes), *_twin_notes(study), *open_set_notes(study))
    return Checked(tuple(problems), notes)


def _declares_networks(values: Mapping[str, Any]) -> bool:
    declared = values.get("networks")
    return isinstance(declared, dict) and bool(declared)


_Sizes = Mapping[str, tuple[DataSize, tuple[Fault, ...]]]


def _data_sizes(study: Study, resolution: Resolution) -> _Sizes:
    """The size of each network's data, with the faults found; each data is looked at once."""
    by_data: dict[str, tuple[DataSize, tuple[Fault, ...]]] = {}
    sizes: dict[str, tuple[DataSize, tuple[Fault, ...]]] = {}
    for name, resolved in resolution.resolved.items():
        key = resolved.network.data.model_dump_json()
        if "data" in resolved.doubted:
            sizes[name] = (DataSize(None, None, None, None, None), ())
        else:
            if key not in by_data:
                size, faults = data_size(resolved.network.data, study.folder)
                by_data[key] = size, tuple(_within("data", fault) for fault in faults)
            sizes[name] = by_data[key]
    return sizes


def _within(key: str, fault: Fault) -> Fault:
    return Fault((key, *fault.where), fault.expected, fault.received, fault.hint)


def _name_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    if not isinstance(study.name, str):
        yield source_map.problem(("name",), expected="a text", received=shown(study.name))
    else:
        fault = fault_of_study_name(study.name)
        if fault:
            yield source_map.problem(
                ("name",),
                expected="a plain file name, as the results lie in a folder of that name",
                received=f"{shown(study.name)} with {fault}" if study.name else "an empty one",
            )
    networks = values.get("networks")
    for name in networks if isinstance(networks, dict) else ():
        fault = fault_of_network_name(name)
        if fault:
            yield source_map.problem(
                ("networks", name),
                expected="a name that reads on one line and selects one network",
                received=fault,
                hint="rename the network",
            )


def _network_faults(resolved: Resolved, data: DataSize) -> Iterator[Fault]:
    for settings, check in _CHECKS:
        if not resolved.doubted & set(settings):
            yield from check(resolved.network, data)


def _batch_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    training = network.training
    if data.train_rows is not None and training.batch_size > data.train_rows:
        yield Fault(
            ("training", "batch_size"),
            f"at most {data.train_rows}, the training rows that the data leave",
            str(training.batch_size),
            "make batches smaller",
        )


def _stopping_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    if network.training.early_stopping is not None and network.data.validation == 0:
        yield Fault(
            ("training", "early_stopping"),
            "a validation part to stop by",
            "early stopping without one",
            'add "validation": 0.1 to data',
        )


def _weights_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    weights = network.initial_weights
    if isinstance(weights, Uniform) and weights.low >= weights.high:
        yield Fault(
            ("initial_weights",),
            "low below high",
            f"low {weights.low:g} and high {weights.high:g}",
            "exchange them" if weights.low > weights.high else "set them apart",
        )


def _output_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    if network.outputs is not None and data.classes and network.outputs < data.classes:
        yield Fault(
            ("outputs",),
            f"at least {data.classes}, an output for every class of the data",
            str(network.outputs),
            "leave outputs out to have as many as there are classes",
        )


def _objective_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    fault = objective_fault(network)
    if fault is not None:
        yield fault


def _memory_faults(network: Network, data: DataSize) -> Iterator[Fault]:
    # Where the features are not known, one is: the estimate is then too small, never too large.
    size = size_of(network, data.features or 1, data.classes or 2)
    needed, held = size.memory_bytes(data.test_rows or 0), machine_memory()
    if held is not None and needed > held:
        yield Fault(
            ("hidden",),
            f"a network that fits this machine's memory of {gigabytes(held)}",
            f"{gigabytes(needed)} for {size.parameters:,} parameters and batches of "
            f"{size.batch_size}",
            "make it smaller",
        )


_CHECKS = (
    (("data", "training"), _batch_faults),
    (("data", "training"), _stopping_faults),
    (("initial_weights",), _weights_faults),
    (("data", "outputs"), _output_faults),
    (("objective", "roles", "open_set_only"), _objective_faults),
    (("hidden", "data", "outputs", "training"), _memory_faults),
)
"""Each check with the settings that it looks at."""


def machine_memory() -> int | None:
    """Bytes of memory in this machine, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _figure_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    declared = values.get("networks")
    known = list(declared) if isinstance(declared, dict) else []
    for position, figure in enumerate(study.figures):
        where = ("figures", position)
        yield from line_problem(figure.title, (*where, "title"), source_map)
        if isinstance(figure, RocFigure):
            yield from _unknown_networks(
                (*where, "network"), [figure.network], known, source_map, ()
            )
        else:
            names = figure.networks or ()
            yield from _unknown_networks((*where, "networks"), names, known, source_map, None)
            yield from _curve_problems(study, figure, known, where, source_map)


def _unknown_networks(
    where: Where, names: Any, known: list[str], source_map: SourceMap, at: tuple[()] | None
) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if name not in known:
            yield source_map.problem(
                where if at is not None else (*where, position),
                expected="the name of a network of this study",
                received=shown(name),
                hint=did_you_mean(name, known) or f"it has {listed(known)}",
            )


def _curve_problems(
    study: Study, figure: CurveFigure, known: list[str], where: Where, source_map: SourceMap
) -> Iterator[Problem]:
    names = figure.networks or known
    # Where a network of the figure is in doubt, it may be the one that has what is asked.
    whole = set(names) <= set(study.networks)
    drawn = [study.networks[name] for name in names] if whole else []
    splits = (figure.split,) if isinstance(figure.split, str) else figure.split
    if drawn and "validation" in splits and all(n.data.validation == 0 for n in drawn):
        yield source_map.problem(
            (*where, "split"),
            expected="a split that some network of the figure has",
            received='"validation", though none has a validation part',
            hint='add "validation": 0.1 to data',
        )
    by_layer = figure.metric in ("gradient_size", "dead_units")
    if drawn and by_layer and not any(n.training.diagnostics for n in drawn):
        yield source_map.problem(
            (*where, "metric"),
            expected=f'"diagnostics": true in training, which records {figure.metric}',
            received="no network of the figure with it",
            hint='add "diagnostics": true to training',
        )
    if (by_layer or figure.metric == "seconds") and "batch" not in splits:
        yield source_map.problem(
            (*where, "split"),
            expected=f'"batch", the only split on which {figure.metric} is recorded',
            received=shown(figure.split),
            hint='write "split": "batch"',
        )
    if figure.steps is not None and figure.steps[0] >= figure.steps[1]:
        yield source_map.problem(
            (*where, "steps"),
            expected="a first step before the last",
            received=shown(list(figure.steps)),
        )


def _open_set_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    declared = values.get("networks")
    names = list(declared) if isinstance(declared, dict) else []
    in_doubt = bool(values.get("open_set")) and not study.open_set
    for f in open_set_faults(study, names, in_doubt=in_doubt):
        yield source_map.problem(f.where, expected=f.expected, received=f.received, hint=f.hint)


def _tuning_problems(
    study: Study, sizes: _Sizes, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    declared = values.get("networks")
    names = list(declared) if isinstance(declared, dict) else []

    def check(name: str, network: Network) -> Iterator[Fault]:
        return _network_faults(Resolved(network), sizes[name][0])

    for f in tuning_faults(study, names, check):
        yield source_map.problem(f.where, expected=f.expected, received=f.received, hint=f.hint)


def _comparison_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    known = published_studies()
    if study.compare_with is not None and study.compare_with not in known:
        yield source_map.problem(
            ("compare_with",),
            expected=f"a published study: {listed(known)}",
            received=shown(study.compare_with),
            hint=did_you_mean(study.compare_with, known),
        )
        return
    available = published_figures(study.compare_with) if study.compare_with else ()
    for position, figure in enumerate(study.figures):
        published = getattr(figure, "published", None)
        if published is None or published in available:
            continue
        where = ("figures", position, "published")
        if study.compare_with is None:
            yield source_map.problem(
                where,
                expected='the key "compare_with" at the top, which names the published study',
                received="none",
                hint=f'add "compare_with": "{known[0]}"' if known else None,
            )
        else:
            yield source_map.problem(
                where,
                expected=f"a figure of {study.compare_with}: {listed(available)}",
                received=shown(published),
                hint=did_you_mean(published, available),
            )


@lru_cache(maxsize=1)
def published_studies() -> tuple[str, ...]:
    """The names of the published studies whose numbers come with mlplab."""
    return tuple(sorted(file.stem for file in _PUBLISHED.glob("*.json")))


@lru_cache(maxsize=8)
def published_figures(study: str) -> tuple[str, ...]:
    """The names of a published study's figures whose curves are known."""
    text = (_PUBLISHED / f"{study}.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["figures"])


def _output_notes(study: Study, sizes: _Sizes) -> Iterator[str]:
    by_count: dict[tuple[int, int], list[str]] = {}
    for name, network in study.networks.items():
        classes = sizes[name][0].classes
        if network.outputs is not None and classes and network.outputs > classes:
            by_count.setdefault((network.outputs, classes), []).append(name)
    for (outputs, classes), names in by_count.items():
        yield (
            f"{listed(names, limit=6)} {'has' if len(names) == 1 else 'have'} {outputs} outputs "
            f"for {classes} classes; the outputs to spare are never right."
        )


def _twin_notes(study: Study) -> Iterator[str]:
    twins: dict[str, list[str]] = {}
    for name, network in study.networks.items():
        twins.setdefault(network.model_dump_json(), []).append(name)
    for names in twins.values():
        if len(names) > 1:
            yield (
                f"{listed(names, limit=6)} are the same network in every setting and seed; "
                "it is trained once."
            )
