"""What a notebook shows by itself: how far a run is, and what came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from html import escape
from typing import Any

from mlplab.declarations.task import METRICS
from mlplab.records.results import Results
from mlplab.runner import events
from mlplab.runner.events import OnEvent
from mlplab.runner.tally import Tally
from mlplab.statistics.intervals import t_interval
from mlplab.words import count, duration, with_interval

MOST_NETWORKS = 30
_SECONDS_BETWEEN = 0.25


def watched_in_notebook(on_event: OnEvent | None) -> OnEvent | None:
    """What is told of a run's events: by default in a notebook a line that says how far it is."""
    if on_event is not None or not is_notebook():
        return on_event
    return _Line().see


def is_notebook() -> bool:
    """Whether this is the kernel of a Jupyter notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


class _Line:
    """One output of a cell, that is replaced as a run goes on."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.shown_at = -1.0
        self.began = time.monotonic()
        self.handle: Any = None

    def see(self, event: events.Event) -> None:
        self.tally.see(event)
        is_end = isinstance(event, events.RunEnded)
        if is_end or time.monotonic() - self.shown_at > _SECONDS_BETWEEN:
            self._show(self._text(is_end))

    def _text(self, is_end: bool) -> str:
        tally = self.tally
        if tally.phase:
            return tally.phase
        stage = "tuning: " if tally.tuning else ""
        left = f"in {duration(time.monotonic() - self.began)}" if is_end else tally.left_in_words()
        unit = "" if tally.testing else " networks × seeds"
        parts = (f"{stage}{tally.counts_in_words()}{unit}", tally.best_in_words(), left)
        return "; ".join(part for part in parts if part)

    def _show(self, text: str) -> None:
        from IPython.display import HTML, display

        shown = HTML(
            f"<progress max='1' value='{self.tally.fraction:.3f}'></progress> {escape(text)}"
        )
        if self.handle is None:
            self.handle = display(shown, display_id=True)
        else:
            self.handle.update(shown)
        self.shown_at = time.monotonic()


def results_html(results: Results) -> str:
    """Results in short: each network's test result over its seeds, the choice, the answers."""
    study = results.study
    metric = METRICS[study.choice.metric or study.task.main]
    summary = results.summary()
    column = f"test_{metric.name}"
    rows = []
    for name, own in list(summary.groupby("network", sort=False))[:MOST_NETWORKS]:
        fine = own[own["status"] == "finished"]
        values = fine[column].dropna().to_numpy() if column in fine else []
        told = with_interval(t_interval(values), metric.name) if len(values) else "none"
        diverged = int((own["status"] == "diverged").sum())
        rows.append((str(name), str(len(values)), told, str(diverged or "")))
    more = len(study.networks) - MOST_NETWORKS
    parts = [
        f"<p><b>{escape(study.name)}</b>: {count(len(study.networks), 'network')}, "
        f"{len(results.runs):,} of {count(len(results.runs) + len(results.missing), 'run')} "
        "finished</p>",
        _table(("network", "seeds", f"test {metric.title}", "diverged"), rows),
        f"<p>and {more:,} more</p>" if more > 0 else "",
    ]
    if study.questions:
        from mlplab.analysis.questions.answers import answer_questions

        parts.append(answer_questions(results)._repr_html_())
    return "".join(parts)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
