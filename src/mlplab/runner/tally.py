"""How far a run is, counted from its events, and what each event is in words."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlplab.declarations.resolving.tuning_trials import label
from mlplab.declarations.task import METRICS, MetricName
from mlplab.records.studies import Member
from mlplab.runner import events
from mlplab.words import count, duration, number, quoted

MOST_NAMES = 4
"""Networks named in one line before the rest are only counted."""
MOST_CHOSEN = 20
"""Networks whose tuned settings are told before the rest are only counted."""


@dataclass
class Tally:
    """What is known of a run so far; `see` takes every event in turn."""

    clock: Callable[[], float] = time.monotonic
    total: int = 0
    """Networks × seeds of the study."""
    finished: int = 0
    best: float = math.nan
    metric: MetricName = "accuracy"
    flops: int = 0
    flops_done: float = 0.0
    """Of the stacks that are over."""
    phase: str = ""
    """What is done that has no progress of its own, such as "reading data"."""
    ended: events.RunEnded | None = None
    tuning: events.TuningStarted | None = None
    """While trials are trained rather than the study itself."""
    testing: events.UnknownsTested | None = None
    """While trained networks are tested on unknown classes: the last test."""
    training: dict[str, events.StackStarted] = field(default_factory=dict)
    """The stacks in training, by their id."""
    steps: dict[str, int] = field(default_factory=dict)
    began: float = 0.0

    def see(self, event: events.Event) -> None:
        self.phase = event.name if isinstance(event, events.PhaseStarted) else ""
        match event:
            case events.TuningStarted():
                self.tuning = event
            case events.TuningEnded():
                self.tuning = None
            case events.RunPlanned():
                self.total, self.finished = event.total, event.already
                self.flops, self.began = event.flops, self.clock()
                self.flops_done, self.best = 0.0, math.nan
                self.testing = None
            case events.StackStarted():
                self.training[event.stack] = event
                self.steps[event.stack] = 0
            case events.StackProgressed():
                self.steps[event.stack] = event.step
                self.best, self.metric = _better(self.best, event), event.metric
            case events.StackFinished():
                self._over(event.stack)
                self.finished += len(event.members)
            case events.StackFailed():
                # The halves of a stack that is tried again are counted when they start.
                self._over(event.stack, counts=not event.tried_again)
            case events.RunEnded():
                self.ended = event
            case events.UnknownsTested():
                if self.testing is None:
                    self.began = self.clock()
                self.testing = event

    def _over(self, stack: str, counts: bool = True) -> None:
        started = self.training.pop(stack, None)
        self.steps.pop(stack, None)
        if started is not None and counts:
            self.flops_done += started.flops

    @property
    def fraction(self) -> float:
        """The fraction of the arithmetic that is done, or of the tests, from 0 to 1."""
        if self.testing is not None:
            return self.testing.done / self.testing.of
        under_way = sum(
            started.flops * self.steps[stack] / started.steps
            for stack, started in self.training.items()
        )
        return min(1.0, (self.flops_done + under_way) / self.flops) if self.flops else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far; None before there is one."""
        if self.fraction <= 0.0:
            return None
        return (self.clock() - self.began) * (1 - self.fraction) / self.fraction

    def counts_in_words(self) -> str:
        """Say how many are done: 3 of 16, or 12 of 170 tests."""
        if self.testing is not None:
            return f"{self.testing.done:,} of {count(self.testing.of, 'test')}"
        return f"{self.finished:,} of {self.total:,}"

    def left_in_words(self) -> str:
        """Say how long it will take: about 3 min left."""
        left = self.seconds_left
        return "" if left is None or self.fraction >= 1 else f"about {duration(left)} left"

    def best_in_words(self) -> str:
        """Say the best test result so far: best test accuracy so far 0.9803."""
        if math.isnan(self.best):
            return ""
        return f"best test {METRICS[self.metric].title} so far {number(self.best, self.metric)}"

    def lost_in_words(self) -> str:
        """Say what begins again after a stop: wide, deep (3 seeds), at step 400 of 2,000."""
        lost = [
            f"{in_short(started.members)}, at step {self.steps[stack]:,} of {started.steps:,}"
            for stack, started in self.training.items()
        ]
        return "; ".join(lost[:MOST_NAMES]) + (" and more" if len(lost) > MOST_NAMES else "")

    def under_way_in_words(self) -> str:
        """Say what is in training: wide, deep (3 seeds), step 400 of 2,000."""
        return "; ".join(
            f"{in_short(started.members)}, step {self.steps[stack]:,} of {started.steps:,}"
            for stack, started in self.training.items()
        )


def _better(best: float, event: events.StackProgressed) -> float:
    if math.isnan(best) or math.isnan(event.best):
        return event.best if math.isnan(best) else best
    return (
        max(best, event.best) if METRICS[event.metric].higher_is_better else min(best, event.best)
    )


def in_short(members: Iterable[Member]) -> str:
    """Name networks with their seeds: wide, deep (seeds 0, 1, 2)."""
    seeds_of: dict[str, list[int]] = {}
    for name, seed in members:
        seeds_of.setdefault(name, []).append(seed)
    names = list(seeds_of)
    told = ", ".join(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        told += f" and {len(names) - MOST_NAMES:,} more"
    kinds = {tuple(sorted(seeds)) for seeds in seeds_of.values()}
    if len(kinds) > 1:
        return f"{told} ({count(sum(map(len, seeds_of.values())), 'run')})"
    seeds = kinds.pop()
    if len(seeds) > MOST_NAMES:
        return f"{told} ({count(len(seeds), 'seed')})"
    return f"{told} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def remark(event: events.Event) -> str | None:
    """Say an event that a person should read, whatever the display; None for the others."""
    match event:
        case events.Waiting(pid=pid):
            who = "another run" if pid is None else f"another run (process {pid})"
            return f"{who} is at work in this folder; this one goes on when it has ended"
        case events.PhaseStarted(name=text) | events.DataAnnounced(text=text):
            return text
        case events.RunPlanned():
            return _plan(event)
        case events.StackFinished(diverged=diverged) if diverged:
            return f"{in_short(diverged)} diverged, which is recorded as the result"
        case events.StackFailed(members=members, reason=reason, tried_again=again):
            told = f"{in_short(members)} could not be trained: {reason}"
            return f"{told}; tried again in smaller stacks" if again else told
        case events.TuningStarted():
            return _tuning(event)
        case events.TuningEnded(chosen=chosen, without=without):
            return _chosen(chosen) + _without_choice(without)
        case events.RoundStarted():
            return (
                f"round {event.round}: {event.open} of {count(event.questions, 'question')} open; "
                f"{count(event.runs, 'run')} more of {count(event.networks, 'network')}"
            )
        case events.UnknownsTested(done=done, of=of) if _worth_telling(done, of):
            left = "" if done == 0 else f"{done:,} of "
            return f"testing on unknown classes: {left}{count(of, 'test')}"
        case _:
            return None


def _worth_telling(done: int, of: int) -> bool:
    """At the start, and then about ten times."""
    return done == 0 or (of > 20 and done % -(-of // 10) == 0)


def _tuning(event: events.TuningStarted) -> str:
    settings = count(event.settings, "setting") + (" each" if event.networks > 1 else "")
    told = f"tuning {count(event.networks, 'network')} on validation data: {settings}, "
    told += f"{count(event.seeds, 'seed')}, {count(event.steps, 'step')}"
    return told if event.rounds == 1 else f"{told} (round {event.round} of {event.rounds})"


def _chosen(chosen: Mapping[str, Mapping[str, Any]]) -> str:
    told = [f"{name} {label(settings)}" for name, settings in chosen.items()]
    if len(told) > MOST_CHOSEN:
        told = [*told[:MOST_CHOSEN], f"{len(told) - MOST_CHOSEN:,} more"]
    return f"chosen: {'; '.join(told)}"


def _without_choice(networks: Sequence[str]) -> str:
    if not networks:
        return ""
    names = quoted(networks, quote=False, limit=MOST_CHOSEN)
    return f"; of {names} every setting failed or diverged in some seed, so that is no choice"


def _plan(plan: events.RunPlanned) -> str:
    missing = plan.total - plan.already
    if missing == 0:
        return finished_already(plan.total)
    told = f"{missing:,} of {plan.total:,} networks × seeds to train, in "
    told += count(plan.stacks, "stack")
    if plan.resumed:
        told += f", {plan.resumed:,} of them left over from an earlier run"
    return told


def finished_already(runs: int) -> str:
    """Say that nothing is to be trained."""
    return f"all {runs:,} networks × seeds are finished already"


class Reruns:
    """Gathers what must be rerun, so that equal reasons are told once."""

    def __init__(self) -> None:
        self._members: dict[str, list[Member]] = {}

    def add(self, event: events.Rerun) -> None:
        self._members.setdefault(event.reason, []).append((event.network, event.seed))

    def told(self) -> list[str]:
        """Return the sentences for what was gathered, and forget it."""
        lines = [
            f"{in_short(members)} must be run again: {reason}"
            for reason, members in self._members.items()
        ]
        self._members.clear()
        return lines
