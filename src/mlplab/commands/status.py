"""`mlplab status`: what of a study is finished, missing, failed or diverged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlplab.commands import options

if TYPE_CHECKING:
    from mlplab.records.results import Results

MOST_LINES = 50


def status(run: options.ResultsArgument) -> None:
    """Show what is finished, missing, failed or diverged.

    \b
    Example:
      mlplab status runs/report-2023

    A network that diverged is finished: that it diverged, and at which step, is its result. Of a
    study that is still being tuned, its trials are shown.
    """
    from mlplab.records.results import Results, open_trials, study_has_begun

    trials = open_trials(run)
    tuning = "" if trials is None else f"{_count(trials)} trials × seeds of its tuning finished"
    if trials is not None and not study_has_begun(run):
        _print_networks(trials)
        print(f"{tuning}; the networks themselves follow it")
        return
    results = Results.open(run)
    _print_networks(results)
    if tuning:
        print(tuning)
    print(f"{_count(results)} networks × seeds of {results.study.name} finished")


def _count(results: Results) -> str:
    return f"{len(results.runs):,} of {len(results.runs) + len(results.missing):,}"


def _print_networks(results: Results) -> None:
    """Print a line for each network, and then what failed and what diverged."""
    from collections import Counter

    from mlplab.commands.output import print_table

    diverged = Counter(run.network for run in results.runs if run.diverged_at is not None)
    finished = Counter(run.network for run in results.runs)
    failed = Counter(failure.network for failure in results.failures)
    missing = Counter(network for network, _ in results.missing)
    networks = results.study.networks
    # Of many networks, those that are simply finished are not what one asks for.
    worth = list(networks)
    if len(worth) > MOST_LINES:
        worth = [name for name in worth if missing[name] or diverged[name]]
    if worth:
        print_table(
            ("network", "seeds", "finished", "missing", "failed", "diverged"),
            [
                (
                    name,
                    str(len(networks[name].seeds)),
                    *(_or_blank(count[name]) for count in (finished, missing, failed, diverged)),
                )
                for name in worth[:MOST_LINES]
            ],
        )
    left_out = len(networks) - min(len(worth), MOST_LINES)
    if left_out:
        print(f"({left_out:,} more networks)")
    _print_some(
        [f"{one.network}, seed {one.seed}, failed: {one.reason}" for one in results.failures]
    )
    _print_some(
        [
            f"{one.network}, seed {one.seed}, diverged at step {one.diverged_at:,}"
            for one in results.runs
            if one.diverged_at is not None
        ]
    )
    print()


def _print_some(lines: list[str]) -> None:
    """Print lines after an empty one, and how many were left out."""
    if lines:
        print()
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        print(f"({len(lines) - MOST_LINES:,} more)")


def _or_blank(count: int) -> str:
    return str(count) if count else ""
