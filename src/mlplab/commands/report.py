"""`mlplab report`: write the report of a results folder again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain


def report(
    run: options.ResultsArgument,
    svg: Annotated[
        bool, typer.Option("--svg", help="Write every figure as SVG, and into the page.")
    ] = False,
    png: Annotated[bool, typer.Option("--png", help="Write every figure as PNG.")] = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Write the numbers of every figure as CSV.")
    ] = False,
) -> None:
    """Write the report of a results folder again.

    \b
    Examples:
      mlplab report runs/report-2023
      mlplab report runs/report-2023 --png --csv

    From the folder's records come report.html (one file, opens offline) and report.md. The page
    draws its figures itself. Files of figures go to figures/; to draw them takes a tenth of a
    second each. With --svg the page also shows its figures where scripts do not run.
    """
    from mlplab.study import open_results

    results = open_results(run)
    if results.missing:
        complain(f"note: {len(results.missing):,} networks × seeds are missing in this report")
    asked = {"svg": svg, "png": png, "csv": csv}
    kinds = [kind for kind, is_wanted in asked.items() if is_wanted]
    print(f"Report: {results.report(figures=kinds, on_figure=_show_progress)}")


def _show_progress(done: int, of: int) -> None:
    """A line on a terminal that is written over; nothing elsewhere."""
    if sys.stderr.isatty():
        end = "\r" if done < of else "\r\033[K"
        print(f"drawing figures: {done} of {of}", end=end, file=sys.stderr, flush=True)
