"""What is wrong with a study though every single declaration in it is right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlplab.declarations.checking.figure_checks import comparison_problems, figure_problems
from mlplab.declarations.checking.names import declared_names, list_problems, name_problems
from mlplab.declarations.checking.open_set_checks import objective_problems, open_set_problems
from mlplab.declarations.checking.question_checks import question_problems
from mlplab.declarations.checking.resampling_checks import resampling_problems
from mlplab.declarations.checking.task_checks import network_task_problems, task_problems
from mlplab.declarations.checking.tuning_checks import matched_problems, tuning_problems
from mlplab.declarations.data import TableData
from mlplab.declarations.network import Network
from mlplab.declarations.objective import USES_HIDDEN
from mlplab.declarations.problems import Problem
from mlplab.declarations.resolving.data_size import DataSize, data_size
from mlplab.declarations.resolving.matching import Matching
from mlplab.declarations.resolving.resolution import Resolution, Resolved
from mlplab.declarations.resolving.size import size_of
from mlplab.declarations.resolving.training_length import batch_for
from mlplab.declarations.study import Study
from mlplab.words import gigabytes


@dataclass(frozen=True)
class Checked:
    """What a check of the whole study found."""

    problems: tuple[Problem, ...]
    sizes: Mapping[str, DataSize]
    """Of the data of each network."""


def check_study(study: Study, matching: Matching, values: Mapping[str, Any]) -> Checked:
    """Everything that single declarations cannot see.

    Settings in doubt are left out, and whatever would be concluded from them.
    """
    resolution = matching.resolution
    problems = [*name_problems(study.name, values)]
    sizes = _data_sizes(study, resolution)
    of_networks: dict[tuple[Any, str], Problem] = {}
    for name, resolved in resolution.resolved.items():
        size, data_problems = sizes[name]
        for problem in (*data_problems, *_network_problems(resolved, size)):
            problem = resolution.origins.found(name, problem)
            of_networks.setdefault((problem.where, problem.expected), problem)
    problems += of_networks.values()
    data = {name: size for name, (size, _) in sizes.items()}
    declared = declared_names(values)
    if not study.networks and not declared:
        # What else names networks is right or wrong only beside some.
        return Checked(tuple(problems), data)
    in_doubt = bool(values.get("open_set")) and not study.open_set
    problems += figure_problems(study, declared)
    problems += question_problems(study, declared)
    problems += list_problems(("choice", "networks"), study.choice.networks or (), declared)
    problems += comparison_problems(study)
    of_open_set = [*open_set_problems(study, declared, in_doubt=in_doubt)]
    problems += of_open_set
    problems += resampling_problems(study)
    known = [_knows_task(network, sizes[name][0]) for name, network in study.networks.items()]
    if known and all(known):
        problems += task_problems(study)
    problems += matched_problems(study.tune, matching.matched)
    # What open-set questions would train is known only where they are right.
    tuned = replace(study, open_set=()) if of_open_set else study
    problems += tuning_problems(
        tuned, declared, lambda name, tried: _network_problems(Resolved(tried), sizes[name][0])
    )
    return Checked(tuple(problems), data)


_Sizes = Mapping[str, tuple[DataSize, tuple[Problem, ...]]]


def _data_sizes(study: Study, resolution: Resolution) -> _Sizes:
    """The size of each network's data, with the problems found; each data is looked at once."""
    by_data: dict[Any, tuple[DataSize, tuple[Problem, ...]]] = {}
    sizes: dict[str, tuple[DataSize, tuple[Problem, ...]]] = {}
    for name, resolved in resolution.resolved.items():
        data = resolved.network.data_of(resolved.network.seeds[0])
        if "data" in resolved.doubted:
            sizes[name] = (DataSize(), ())
            continue
        if data not in by_data:
            size, problems = data_size(data, study.folder)
            by_data[data] = size, tuple(problem.within("data") for problem in problems)
        sizes[name] = by_data[data]
    return sizes


def _network_problems(resolved: Resolved, data: DataSize) -> Iterator[Problem]:
    for settings, check in _CHECKS:
        if not resolved.doubted & set(settings):
            yield from check(resolved.network, data)


def _knows_task(network: Network, data: DataSize) -> bool:
    """Whether it is told what there is to predict; only whole data tell it of some tables."""
    return not isinstance(network.data, TableData) or bool(network.data.task or data.task)


def _task_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    if _knows_task(network, data):
        yield from network_task_problems(network)


def _batch_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    training = network.training
    if data.train_rows is not None and training.batch_size > data.train_rows:
        yield Problem(
            ("training", "batch_size"),
            f"at most {data.train_rows}, the training rows that the data leave",
            str(training.batch_size),
            f'write "training": {{"batch_size": {batch_for(data.train_rows)}}}',
        )


def _stopping_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    if network.training.early_stopping is not None and network.data.validation == 0:
        expected, received = "a validation part to stop by", "early stopping without one"
        hint = 'add "validation": 0.1 to data'
        yield Problem(("training", "early_stopping"), expected, received, hint)


def _output_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    if network.outputs is not None and data.classes and network.outputs < data.classes:
        expected = f"at least {data.classes}, an output for every class of the data"
        hint = "leave outputs out to have as many as there are classes"
        yield Problem(("outputs",), expected, str(network.outputs), hint)


def _linear_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    if not network.hidden and network.objective.name in USES_HIDDEN:
        expected = f"a hidden layer, whose outputs {network.objective.name} is about"
        yield Problem(("hidden",), expected, "[]", 'write "hidden": [64]')


def _memory_problems(network: Network, data: DataSize) -> Iterator[Problem]:
    # Where the features are not known, one is: the estimate is then too small, never too large.
    size = size_of(network, data.features or 1, data.classes or 2)
    needed, held = size.memory_bytes(data.test_rows or 0), machine_memory()
    if held is not None and needed > held:
        yield Problem(
            ("hidden",),
            f"a network that fits this machine's memory of {gigabytes(held)}",
            f"{gigabytes(needed)} for {size.parameters:,} parameters and batches of "
            f"{size.batch_size}",
            "make it smaller",
        )


_CHECKS = (
    (("data", "training"), _batch_problems),
    (("data", "training"), _stopping_problems),
    (("data", "outputs"), _output_problems),
    (("objective", "roles", "open_set_only"), objective_problems),
    (("objective", "data", "outputs", "training"), _task_problems),
    (("hidden", "objective"), _linear_problems),
    (("hidden", "data", "outputs", "training"), _memory_problems),
)
"""Each check with the settings that it looks at."""


def machine_memory() -> int | None:
    """Bytes of memory in this machine, None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
