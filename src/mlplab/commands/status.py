"""`mlplab status`: what of a study is finished, missing, failed or diverged."""

from __future__ import annotations

from mlplab.commands import options


def status(run: options.ResultsArgument) -> None:
    """Show what is finished, missing, failed or diverged.

    \b
    Example:
      mlplab status runs/report-2023

    A network that diverged is finished: that it diverged, and at which step, is its result.
    """
    from collections import Counter

    from mlplab.commands.output import print_table
    from mlplab.records.results import Results

    results = Results.open(run)
    diverged = Counter(run.network for run in results.runs if run.diverged_at is not None)
    finished = Counter(run.network for run in results.runs)
    failed = Counter(failure.network for failure in results.failures)
    missing = Counter(network for network, _ in results.missing)
    names = results.study.networks
    print_table(
        ("network", "seeds", "finished", "missing", "failed", "diverged"),
        [
            (
                name,
                str(len(network.seeds)),
                *(_or_blank(count[name]) for count in (finished, missing, failed, diverged)),
            )
            for name, network in names.items()
        ],
    )
    print()
    for failure in results.failures:
        print(f"{failure.network}, seed {failure.seed}, failed: {failure.reason}")
    for one in results.runs:
        if one.diverged_at is not None:
            print(f"{one.network}, seed {one.seed}, diverged at step {one.diverged_at:,}")
    total = len(results.runs) + len(results.missing)
    print(f"{len(results.runs):,} of {total:,} networks × seeds of {results.study.name} finished")


def _or_blank(count: int) -> str:
    return str(count) if count else ""
