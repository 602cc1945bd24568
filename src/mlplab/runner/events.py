"""What a run tells while it goes on: frozen events, for a progress display or a program."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mlplab.declarations.task import MetricName
from mlplab.records.studies import Member


@dataclass(frozen=True)
class Waiting:
    """Another run is at work in the same folder; this one goes on when that has ended."""

    pid: int | None
    """Of the other run, where known."""


@dataclass(frozen=True)
class PhaseStarted:
    """Something begins that takes a moment and has no progress of its own."""

    name: str
    """In words, such as "reading data"."""


@dataclass(frozen=True)
class DataAnnounced:
    """A line about the data (a download, something odd that was mended) or the products' precision."""

    text: str


@dataclass(frozen=True)
class Rerun:
    """What this network and seed stood for is finished, but now it stands for something else."""

    network: str
    seed: int
    reason: str


@dataclass(frozen=True)
class RunPlanned:
    """What there is to do."""

    total: int
    """Networks × seeds of the study."""
    already: int
    """Of them, finished before."""
    stacks: int
    """To be trained."""
    resumed: int
    """Of the stacks, those that an earlier run planned and did not finish."""
    flops: int
    """Of the training that is to be done."""


@dataclass(frozen=True)
class StackStarted:
    """A stack begins to train."""

    stack: str
    members: tuple[Member, ...]
    steps: int
    """The largest number of steps of any network in it."""
    flops: int


@dataclass(frozen=True)
class StackProgressed:
    """A stack was evaluated."""

    stack: str
    step: int
    steps: int
    best: float
    """The best on test rows so far, NaN if none was measured; in JSON `best_accuracy`, `best_rmse`."""
    metric: MetricName = "accuracy"
    """Of which it is the best."""
    members: tuple[Member, ...] = ()
    """Of the stack, those that were evaluated at this step."""
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """What was measured, as in "test_accuracy": a number each, NaN where not measured."""
    diverged: tuple[Member, ...] = ()
    """Of the members, those that were found to diverge."""


@dataclass(frozen=True)
class StackFinished:
    """A stack is trained and recorded."""

    stack: str
    members: tuple[Member, ...]
    seconds: float
    diverged: tuple[Member, ...]
    """Of the members, those that diverged, which is a result."""


@dataclass(frozen=True)
class StackFailed:
    """A stack could not be trained; a larger one is tried again in two halves."""

    stack: str
    members: tuple[Member, ...]
    reason: str
    tried_again: bool


@dataclass(frozen=True)
class RunEnded:
    """The run is over."""

    finished: int
    """Networks × seeds of the study that are finished, now or before."""
    missing: int
    failed: int
    """Of the missing, those that were tried in vain."""
    seconds: float
    interrupted: bool


@dataclass(frozen=True)
class TuningStarted:
    """Trials are about to be trained, from which every network's settings are chosen."""

    networks: int
    """That are tuned."""
    settings: int
    """Tried by each of them."""
    seeds: int
    """Of each trial."""
    steps: int
    """Of the longest trial."""
    round: int
    """From 1; there is more than one in a successive halving."""
    rounds: int


@dataclass(frozen=True)
class TuningEnded:
    """Settings are chosen, and the networks are about to be trained with them."""

    chosen: Mapping[str, Mapping[str, Any]]
    """Network → path of a setting → value."""
    without: tuple[str, ...] = ()
    """Networks of which no setting got through every seed, so that theirs is no choice."""


@dataclass(frozen=True)
class RoundStarted:
    """More seeds are about to be trained, as questions are open yet."""

    round: int
    """From 1, in this run."""
    open: int
    """Questions that are to have more seeds, in this round or a later one."""
    questions: int
    networks: int
    """That get more seeds in this round."""
    runs: int
    """Networks × seeds that are added."""


@dataclass(frozen=True)
class UnknownsTested:
    """After training: a network was tested on classes that it never saw, or is the first to be."""

    network: str
    seed: int
    done: int
    """Tests that are made."""
    of: int
    """Tests that were to be made."""


Event = (
    Waiting
    | PhaseStarted
    | DataAnnounced
    | Rerun
    | RunPlanned
    | StackStarted
    | StackProgressed
    | StackFinished
    | StackFailed
    | RunEnded
    | UnknownsTested
    | TuningStarted
    | TuningEnded
    | RoundStarted
)
OnEvent = Callable[[Event], None]


def to_json(event: Event, **more: Any) -> str:
    """Return an event, and more, as one line of JSON; `event` names its kind: "stack_started"."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
    values = {one.name: _as_json(getattr(event, one.name)) for one in fields(event)}
    if isinstance(event, StackProgressed):
        values["values"] = {name: [*map(_rounded, own)] for name, own in event.values.items()}
        values[f"best_{values.pop('metric')}"] = values.pop("best")
    return json.dumps({"event": kind, **values, **more}, ensure_ascii=False)


def line_of(event: Event, **more: Any) -> str:
    """Return an event as `to_json` does, with its end of line."""
    return f"{to_json(event, **more)}\n"


def _as_json(value: Any) -> Any:
    """Numbers that JSON does not have become null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rounded(number: float) -> float | None:
    """Five digits are enough to watch by."""
    return float(f"{number:.5g}") if math.isfinite(number) else None
