"""`mlplab report`: write the report of a results folder again."""

from __future__ import annotations

from mlplab.commands import options
from mlplab.commands.failure import complain


def report(run: options.ResultsArgument) -> None:
    """Write the report of a results folder again.

    \b
    Example:
      mlplab report runs/report-2023

    From the folder's records come report.html (one file, opens offline), report.md and figures/
    (SVG, PNG, CSV).
    """
    from mlplab.study import open_results

    results = open_results(run)
    if results.missing:
        complain(f"note: {len(results.missing):,} networks × seeds are missing in this report")
    print(f"Report: {results.report()}")
