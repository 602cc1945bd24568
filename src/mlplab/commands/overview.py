"""What came out of a study, in one small table: each network's test accuracy over its seeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlplab.commands.output import print_table

if TYPE_CHECKING:
    from mlplab.records.results import Results

MOST_ROWS = 30


def print_overview(results: Results) -> None:
    """Print network, seeds and test accuracy (mean ± half of the 95% t interval).

    Beyond `MOST_ROWS` networks only the best are shown, and how many are not.
    """
    rows = _rows(results)
    shown = rows
    if len(rows) > MOST_ROWS:
        shown = sorted(rows, key=lambda row: -row[1] if row[1] == row[1] else math.inf)[:MOST_ROWS]
    print_table(
        ("network", "seeds", "test accuracy", "diverged"),
        [(name, str(seeds), told, str(diverged or "")) for name, _, seeds, told, diverged in shown],
    )
    if len(rows) > MOST_ROWS:
        print(f"The best {MOST_ROWS} of {len(rows):,} networks; the report has all.")


def _rows(results: Results) -> list[tuple[str, float, int, str, int]]:
    """Return (network, mean, seeds, mean ± half interval in words, diverged), as in the study."""
    from mlplab.statistics.intervals import t_interval

    summary = results.summary()
    rows = []
    for name, of_network in summary.groupby("network", sort=False):
        done = of_network[of_network["status"].isin(("finished", "diverged"))]
        fine = done[done["status"] == "finished"]
        diverged = len(done) - len(fine)
        if fine.empty or "test_accuracy" not in fine:
            rows.append((str(name), math.nan, len(done), "none", diverged))
            continue
        interval = t_interval(fine["test_accuracy"].to_numpy())
        told = f"{interval.mean:.4f}"
        if len(fine) > 1:
            told += f" ± {interval.high - interval.mean:.4f}"
        rows.append((str(name), float(interval.mean), len(done), told, diverged))
    return rows


def print_choice(results: Results) -> None:
    """Print which network the study's rule takes, and what to bear in mind of that."""
    from mlplab.analysis.choice.rule import NoChoice, choose
    from mlplab.analysis.choice.words import caveats_of, outcome_in_words, rule_in_words

    choice = choose(results)
    if isinstance(choice, NoChoice):
        if len(results.study.networks) > 1 and not results.study.open_set:
            print(f"\nNo network is chosen: {choice.reason}.")
        return
    print(f"\nThe rule: {rule_in_words(choice.rule, choice.split)}.")
    print(f"{outcome_in_words(choice)}.")
    for caveat in caveats_of(choice):
        print(f"  {caveat}")


MOST_TASKS = 12


def print_open_set(results: Results) -> None:
    """Print, for each split, the best detector of unknown classes and the softmax beside it."""
    from mlplab.analysis.open_set.evaluating import tests_of
    from mlplab.analysis.open_set.tasks import failures_in_words, tasks_of

    shares = [question.reject_at_most for question in results.study.open_set]
    tests = tests_of(results)
    for line in failures_in_words(tests):
        print(line)
    tasks = tasks_of(tests, shares)
    if not tasks:
        return
    rows = []
    for task in tasks[:MOST_TASKS]:
        softmax = task.of("softmax")
        best = f"{task.best.detector} {task.best.auroc()[0]:.3f}"
        rejected = f"{float(task.best.mean('recall_of_unknown').mean):.0%}"
        beside = f"{softmax.auroc()[0]:.3f}" if softmax else ""
        rows.append((f"{task.template}: {task.split.title}", best, rejected, beside))
    print()
    print_table(("unknown classes", "best AUROC", "rejected", "softmax"), rows)
    if len(tasks) > MOST_TASKS:
        print(f"{len(tasks) - MOST_TASKS:,} more splits; the report has all.")
