"""One progress display for a run: a bar on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlplab.commands.failure import complain
from mlplab.runner import events
from mlplab.runner.tally import Reruns, Tally, in_short, remark

if TYPE_CHECKING:
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 30.0
"""Without a terminal, a stack that takes longer than this says now and then that it lives."""


class Display(ABC):
    """Shows a run's events as they come; `tally` then says how far it came."""

    def __init__(self) -> None:
        self.tally = Tally()

    def __call__(self, event: events.Event) -> None:
        self.tally.see(event)
        self.show(event)

    def begin(self, phase: str) -> None:
        """Show that something begins which has no progress of its own."""
        self(events.PhaseStarted(phase))

    @abstractmethod
    def show(self, event: events.Event) -> None:
        """Show one event, which the tally has seen."""

    def close(self) -> None:  # noqa: B027 - most displays have nothing to close
        """Leave the terminal as it was."""


@contextmanager
def display(study: str, *, as_json: bool) -> Iterator[Display]:
    """Yield the display that fits where the output goes."""
    if as_json:
        yield JsonLines()
    elif sys.stderr.isatty():
        with Bar(study) as bar:
            yield bar
    else:
        yield PlainLines()


class JsonLines(Display):
    """One JSON object a line on stdout, whole at once so that readers never see half of one."""

    def show(self, event: events.Event) -> None:
        # One write: between the two of print, Ctrl-C would leave a line without its end.
        sys.stdout.write(f"{events.to_json(event)}\n")
        sys.stdout.flush()


class _Words(Display):
    """What the two displays for people have in common: remarks, and reasons told once."""

    def __init__(self) -> None:
        super().__init__()
        self._reruns = Reruns()

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.Rerun):
            self._reruns.add(event)
            return
        for line in self._reruns.told():
            self.say(line)
        sentence = remark(event)
        if sentence is not None:
            self.say(sentence)

    @abstractmethod
    def say(self, line: str) -> None:
        """Show a line that stays."""


class PlainLines(_Words):
    """Lines on stderr that read well in a log."""

    def __init__(self) -> None:
        super().__init__()
        self._last = time.monotonic()

    def show(self, event: events.Event) -> None:
        super().show(event)
        match event:
            case events.StackFinished(members=members):
                stage = "tuning " if self.tally.tuning else ""
                done = f"[{stage}{self.tally.finished}/{self.tally.total}] {in_short(members)}"
                self.say(self._with_outlook(done))
            case events.StackProgressed() if self._is_time():
                self.say(self._with_outlook(self.tally.under_way_in_words()))

    def say(self, line: str) -> None:
        complain(line)
        self._last = time.monotonic()

    def _is_time(self) -> bool:
        return time.monotonic() - self._last > SECONDS_BETWEEN_LINES

    def _with_outlook(self, line: str) -> str:
        told = (line, self.tally.best_in_words(), self.tally.left_in_words())
        return "; ".join(part for part in told if part)


class Bar(_Words):
    """One bar for the whole study, and under it what is in training."""

    def __init__(self, study: str) -> None:
        super().__init__()
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TextColumn("{task.fields[outlook]}", style="dim"),
            console=Console(file=sys.stderr, highlight=False),
            transient=True,
        )
        self._study = escape(study)
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._progress.stop()

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.PhaseStarted):
            # Nobody knows how long it takes: the bar moves to and fro.
            self._begin(f"{self._study}: {event.name}", total=None)
            return
        super().show(event)
        if isinstance(event, events.RunPlanned) and event.already < event.total:
            self._begin(f"{self._study}: tuning" if self.tally.tuning else self._study)
        if isinstance(event, events.UnknownsTested) and event.done == 0:
            self._begin(f"{self._study}: unknown classes")
        if self._task is not None:
            self._progress.update(
                self._task, completed=self.tally.fraction, outlook=self._outlook()
            )

    def _begin(self, named: str, total: float | None = 1.0) -> None:
        """Start the bar anew for another part of the run."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(named, total=total, outlook="")

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, soft_wrap=True)

    def _outlook(self) -> str:
        from rich.markup import escape

        told = (
            self.tally.counts_in_words(),
            self.tally.left_in_words(),
            self.tally.best_in_words(),
        )
        line = " · ".join(part for part in told if part)
        under_way = self.tally.under_way_in_words()
        return escape(f"{line}\n{under_way}" if under_way else line)
