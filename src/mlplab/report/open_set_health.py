"""Diagnostics of detectors' scores: the worst seed of each, and detectors with the same together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlplab.analysis.open_set.tasks import Task
from mlplab.words import count, listed

_ALARMS = ("DEPENDS ON THE BATCH", "all scores are equal")


def health_lines(tasks: Sequence[Task]) -> list[str]:
    """One line for each detector, from the worst of all its seeds on one or several splits.

    Detectors of which the same is to be said share a line.
    """
    alike: dict[str, list[str]] = {}
    for label in dict.fromkeys(d.detector for task in tasks for d in task.detectors):
        alike.setdefault(_worst(tasks, label), []).append(label)
    return [f"{listed(labels, most=len(labels))}: {line}" for line, labels in alike.items()]


def _worst(tasks: Sequence[Task], label: str) -> str:
    seen = [
        (finding.health, f"{task.split.title}, " if len(tasks) > 1 else "", seed)
        for task in tasks
        if (series := task.of(label)) is not None
        for seed, finding in series.findings.items()
    ]
    line, where, seed = max(seen, key=lambda one: _severity(one[0]))
    if all(other == line for other, _, _ in seen):
        return line
    return f"{line} (the worst of {count(len(seen), 'network')}: {where}seed {seed})"


def _severity(line: str) -> tuple:
    """Sorts lines of `openset.health`, which are kept as text: alarms, then remarks, then shares."""
    alarms = sum(alarm in line for alarm in _ALARMS)
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e[-+]\d+)?", line)]
    return alarms, line.count("; "), numbers
